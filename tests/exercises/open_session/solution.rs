//! The signature is behind the last dot, the time behind the one before. A dot of the payload's own
//! comes first, and says that it is compressed: `URLSafe` knows what to do then.

use carafe::json::TaggedJsonSerializer;
use carafe::signing::{PayloadSerializer, URLSafe};
use carafe::{Dict, Value};

// ANCHOR: read
/// What the session in this cookie holds. Anybody may have written it.
pub(crate) fn read(cookie: &str) -> Option<Dict> {
    let (signed, _signature) = cookie.rsplit_once('.')?;
    let (payload, _time) = signed.rsplit_once('.')?;
    let serializer = URLSafe::new(TaggedJsonSerializer);
    match serializer.load_payload(payload.as_bytes()).ok()? {
        Value::Dict(session) => Some(session),
        _ => None,
    }
}
// ANCHOR_END: read
