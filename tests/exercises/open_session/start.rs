//! Takes what is before the first dot.

use carafe::json::TaggedJsonSerializer;
use carafe::signing::base64_decode;
use carafe::{Dict, Value};

// ANCHOR: read
/// What the session in this cookie holds. Anybody may have written it.
pub(crate) fn read(cookie: &str) -> Option<Dict> {
    let (payload, _rest) = cookie.split_once('.')?;
    let json = base64_decode(payload.as_bytes())?;
    let text = String::from_utf8(json).ok()?;
    match TaggedJsonSerializer.loads(&text).ok()? {
        Value::Dict(session) => Some(session),
        _ => None,
    }
}
// ANCHOR_END: read
