//! `Cookie`: a signed session cookie, taken apart.
//!
//! What Flask puts into a cookie is `payload.timestamp.signature`: tagged JSON in base64 (zlib before
//! that, where the payload starts with a dot of its own), the Unix time of the signing, and an HMAC
//! of both. Everything but the signature can be read without the key, and that is the lesson.
//!
//! Read next: `signing/url_safe.rs` and `signing/timed.rs`, which make it.

use std::fmt;

use crate::json::{JsonError, ValueRef};
use crate::signing::{
    DigestMethod, KeyDerivation, PayloadSerializer, SecretKeys, SignerOptions, SigningError,
    TimestampSigner, URLSafe, base64_decode, bytes_to_int,
};
use crate::value::Value;

/// The parts of a signed session cookie.
///
/// ```
/// use carafe::{signing::DigestMethod, trace::Cookie};
/// let mut cookie = Cookie::take_apart(
///     "eyJ1c2VybmFtZSI6ImphY2sifQ.ZVPxAA.4GxFV-Pi7ofw9FLHUWL4PmXuPaY",
/// );
/// assert_eq!(cookie.payload.as_deref(), Some(r#"{"username":"jack"}"#));
/// assert_eq!(cookie.date().as_deref(), Some("2023-11-14 22:13:20 UTC"));
/// assert_eq!(cookie.signed_with, None);
/// assert!(!cookie.check("not the key", Cookie::SALT, DigestMethod::Sha1));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cookie {
    /// The whole value, as it travels.
    pub value: String,
    /// The payload as it travels.
    pub raw_payload: String,
    /// The payload's JSON text, where there is one to be had.
    pub payload: Option<String>,
    /// Whether the payload is compressed.
    pub compressed: bool,
    /// The timestamp as it travels.
    pub raw_timestamp: String,
    /// When it was signed, in Unix seconds.
    pub timestamp: Option<u64>,
    /// The signature as it travels.
    pub signature: String,
    /// Whether the app keeps its sessions elsewhere: then the value is an id, and no part is a session's.
    pub is_id: bool,
    /// The digest with which the signature was found right, by [`check`](Cookie::check).
    pub signed_with: Option<DigestMethod>,
}

impl Cookie {
    /// The salt of Flask's session cookies.
    pub const SALT: &'static str = "cookie-session";

    /// Takes a cookie's value apart. Parts that are not there are empty.
    #[must_use]
    pub fn take_apart(value: &str) -> Self {
        let (rest, signature) = value.rsplit_once('.').unwrap_or((value, ""));
        let (raw_payload, raw_timestamp) = rest.rsplit_once('.').unwrap_or((rest, ""));
        let seconds = base64_decode(raw_timestamp.as_bytes()).filter(|bytes| !bytes.is_empty());
        let payload = URLSafe::new(Text).load_payload(raw_payload.as_bytes());
        Cookie {
            value: value.to_owned(),
            raw_payload: raw_payload.to_owned(),
            payload: match payload {
                Ok(Value::Str(text)) => Some(text),
                _ => None,
            },
            compressed: raw_payload.starts_with('.'),
            raw_timestamp: raw_timestamp.to_owned(),
            timestamp: seconds.and_then(|bytes| bytes_to_int(&bytes)),
            signature: signature.to_owned(),
            is_id: false,
            signed_with: None,
        }
    }

    /// Whether one of these keys signed it, with this salt and digest and Flask's key derivation. If
    /// so, [`signed_with`](Cookie::signed_with) says so from now on.
    pub fn check(
        &mut self,
        secret_keys: impl Into<SecretKeys>,
        salt: &str,
        digest_method: DigestMethod,
    ) -> bool {
        let options = SignerOptions {
            key_derivation: KeyDerivation::Hmac,
            digest_method,
            ..SignerOptions::default()
        };
        let signer = TimestampSigner::with_options(secret_keys, salt, &options);
        let right = signer.is_ok_and(|signer| signer.validate(self.value.as_bytes(), None));
        if right {
            self.signed_with = Some(digest_method);
        }
        right
    }

    /// When it was signed, as a date: `2023-11-14 22:13:20 UTC`.
    #[must_use]
    pub fn date(&self) -> Option<String> {
        let seconds = i64::try_from(self.timestamp?).ok()?;
        let timestamp = jiff::Timestamp::from_second(seconds).ok()?;
        let text = timestamp.to_string();
        Some(text.replace('T', " ").replace('Z', " UTC"))
    }

    /// The digest's name, like `SHA-256`, where the signature was found right.
    #[must_use]
    pub fn digest_name(&self) -> Option<&'static str> {
        Some(match self.signed_with? {
            DigestMethod::Sha1 => "SHA-1",
            DigestMethod::Sha256 => "SHA-256",
            DigestMethod::Sha512 => "SHA-512",
        })
    }
}

impl fmt::Debug for Cookie {
    /// Not the value: it is as good as the user's password while it lasts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookie")
            .field("length", &self.value.len())
            .field("timestamp", &self.timestamp)
            .field("signed_with", &self.signed_with)
            .finish_non_exhaustive()
    }
}

/// Takes the payload for the text that it is.
struct Text;

impl PayloadSerializer for Text {
    fn dump_payload(&self, _value: ValueRef<'_>) -> Result<Vec<u8>, JsonError> {
        Ok(Vec::new())
    }

    fn load_payload(&self, payload: &[u8]) -> Result<Value, SigningError> {
        let text = String::from_utf8(payload.to_vec());
        text.map(Value::Str).map_err(|_| SigningError::BadPayload {
            message: "the payload is no text",
            original_error: None,
        })
    }
}
