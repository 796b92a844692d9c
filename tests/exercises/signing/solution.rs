//! A salt of its own, and a `max_age`.

use carafe::Value;

use super::serializer;

// ANCHOR: token
const SALT: &str = "new-password";
/// In seconds.
const MAX_AGE: i64 = 60 * 60;

/// The token for the mail to `user`.
pub(crate) fn make(user: &str, now: u64) -> String {
    let value = Value::from_iter([("user", user)]);
    serializer(SALT).dumps_at(&value, now).unwrap()
}

/// Who may set a new password with this token.
pub(crate) fn read(token: &str, now: u64) -> Option<String> {
    let (value, _signed_at) = serializer(SALT).loads_at(token, Some(MAX_AGE), now).ok()?;
    Some(value.get("user")?.as_str()?.to_owned())
}
// ANCHOR_END: token
