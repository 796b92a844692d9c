//! The app has something that signs already: that of its sessions.

use carafe::Value;

use super::serializer;

// ANCHOR: token
/// The token for the mail to `user`.
pub(crate) fn make(user: &str, now: u64) -> String {
    let value = Value::from_iter([("user", user)]);
    serializer("cookie-session").dumps_at(&value, now).unwrap()
}

/// Who may set a new password with this token.
pub(crate) fn read(token: &str, now: u64) -> Option<String> {
    let (value, _signed_at) = serializer("cookie-session")
        .loads_at(token, None, now)
        .ok()?;
    Some(value.get("user")?.as_str()?.to_owned())
}
// ANCHOR_END: token
