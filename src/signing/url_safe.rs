//! `URLSafe`: signed text that may stand in a URL or a cookie.
//!
//! Mirrors `itsdangerous/url_safe.py`. There, a mixin overrides `dump_payload` and `load_payload`;
//! here, [`URLSafe`] wraps another [`PayloadSerializer`] and is one itself: it compresses where that
//! makes the text shorter (a `.` in front says so), and then encodes in base64.
//!
//! Read next: `compress.rs`, or `session/secure_cookie.rs`, which uses all of this.

use super::compress::{compress, decompress};
use super::encoding::{base64_append, base64_decoded, base64_in_place};
use super::{PayloadSerializer, Serializer, SigningError, TimedSerializer};
use crate::Value;
use crate::json::{JsonError, ValueRef};

/// How large a compressed payload may become, in bytes, unless [`URLSafe::max_payload`] says
/// otherwise. A cookie of 4 KiB that Flask wrote is far from it.
pub const MAX_PAYLOAD: usize = 1 << 20;

/// `itsdangerous.URLSafeSerializer`.
pub type URLSafeSerializer<P> = Serializer<URLSafe<P>>;

/// `itsdangerous.URLSafeTimedSerializer`: what Flask's session cookie is.
///
/// ```
/// use carafe::{Value, json::TaggedJsonSerializer};
/// use carafe::signing::{KeyDerivation, SignerOptions, URLSafe, URLSafeTimedSerializer};
/// let options = SignerOptions { key_derivation: KeyDerivation::Hmac, ..Default::default() };
/// let serializer = URLSafeTimedSerializer::new(
///     "secret key", "cookie-session", URLSafe::new(TaggedJsonSerializer), &options, &[],
/// )?;
/// let session = Value::from_iter([("username", "jack")]);
/// let cookie = serializer.dumps_at(&session, 1_700_000_000)?;
/// assert!(cookie.starts_with("eyJ1c2VybmFtZSI6ImphY2sifQ.ZVPxAA."));
/// assert_eq!(serializer.loads_at(&cookie, Some(60), 1_700_000_030)?.0, session);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type URLSafeTimedSerializer<P> = TimedSerializer<URLSafe<P>>;

/// `itsdangerous.url_safe.URLSafeSerializerMixin`: compresses and encodes what another serializer
/// wrote.
#[derive(Clone, Copy, Debug)]
pub struct URLSafe<P> {
    serializer: P,
    max_payload: usize,
}

impl<P> URLSafe<P> {
    /// URL-safe text for what `serializer` writes.
    pub fn new(serializer: P) -> Self {
        Self {
            serializer,
            max_payload: MAX_PAYLOAD,
        }
    }

    /// Refuses a compressed payload that becomes larger than this many bytes. (itsdangerous has no
    /// limit: a small payload may be made to fill the memory, by whoever has the key.)
    #[must_use]
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.max_payload = bytes;
        self
    }
}

impl<P: PayloadSerializer> PayloadSerializer for URLSafe<P> {
    fn dump_payload(&self, value: ValueRef<'_>) -> Result<Vec<u8>, JsonError> {
        // One buffer for all, from the JSON to the signature that will follow.
        let mut out = self.serializer.dump_payload(value)?;
        match compress(&out) {
            Some(compressed) => {
                out.clear();
                out.push(b'.');
                base64_append(&compressed, &mut out);
            }
            None => base64_in_place(&mut out),
        }
        Ok(out)
    }

    // ANCHOR: load_payload
    fn load_payload(&self, payload: &[u8]) -> Result<Value, SigningError> {
        let bad = |message| SigningError::BadPayload {
            message,
            original_error: None,
        };
        let (payload, is_compressed) = match payload.strip_prefix(b".") {
            Some(payload) => (payload, true),
            None => (payload, false),
        };
        let load = |json: &[u8]| {
            if !is_compressed {
                return self.serializer.load_payload(json);
            }
            let json = decompress(json, self.max_payload).ok_or_else(|| {
                bad("Could not zlib decompress the payload before decoding the payload")
            })?;
            self.serializer.load_payload(&json)
        };
        base64_decoded(payload, load).unwrap_or_else(|| {
            let message = "Could not base64 decode the payload because of an exception";
            Err(bad(message))
        })
    }
    // ANCHOR_END: load_payload
}
