//! `Serializer`: signs any [`Value`], not just bytes.
//!
//! Mirrors `itsdangerous/serializer.py` and `itsdangerous/_json.py`. How a value becomes bytes is a
//! [`PayloadSerializer`]: Flask's tagged JSON, Python's plain JSON in its two forms, or one of them
//! inside of [`URLSafe`](super::URLSafe).
//!
//! Read next: `timed.rs`.

use super::{SecretKeys, Signer, SignerError, SignerOptions, SigningError};
use crate::Value;
use crate::json::{self, JsonError, Style, TaggedJsonSerializer, ValueRef};

/// How a value becomes the bytes that are signed, and back: itsdangerous's `dump_payload` and
/// `load_payload`.
pub trait PayloadSerializer {
    /// `dump_payload`: the value as UTF-8.
    ///
    /// # Errors
    /// Where the value has no such form.
    fn dump_payload(&self, value: ValueRef<'_>) -> Result<Vec<u8>, JsonError>;

    /// `load_payload`: the value again.
    ///
    /// # Errors
    /// [`SigningError::BadPayload`].
    fn load_payload(&self, payload: &[u8]) -> Result<Value, SigningError>;
}

/// Python's `json` with its own defaults, which is itsdangerous's default: spaces behind `,` and
/// `:`, dicts in their own order, ASCII only.
#[derive(Clone, Copy, Debug, Default)]
pub struct PythonJson;

/// itsdangerous's `_CompactJSON`, the default of its URL-safe serializers: no spaces, dicts in
/// their own order, UTF-8.
#[derive(Clone, Copy, Debug, Default)]
pub struct CompactJson;

impl PayloadSerializer for PythonJson {
    fn dump_payload(&self, value: ValueRef<'_>) -> Result<Vec<u8>, JsonError> {
        json::encode(value, &Style::PYTHON).map(String::into_bytes)
    }
    fn load_payload(&self, payload: &[u8]) -> Result<Value, SigningError> {
        load_payload(payload, json::loads)
    }
}

impl PayloadSerializer for CompactJson {
    fn dump_payload(&self, value: ValueRef<'_>) -> Result<Vec<u8>, JsonError> {
        json::encode(value, &Style::COMPACT).map(String::into_bytes)
    }
    fn load_payload(&self, payload: &[u8]) -> Result<Value, SigningError> {
        load_payload(payload, json::loads)
    }
}

impl PayloadSerializer for TaggedJsonSerializer {
    fn dump_payload(&self, value: ValueRef<'_>) -> Result<Vec<u8>, JsonError> {
        self.dumps(value).map(String::into_bytes)
    }
    #[inline]
    fn load_payload(&self, payload: &[u8]) -> Result<Value, SigningError> {
        load_payload(payload, |text| self.loads(text))
    }
}

/// `Serializer.load_payload`.
#[inline]
fn load_payload(
    payload: &[u8],
    loads: impl FnOnce(&str) -> Result<Value, JsonError>,
) -> Result<Value, SigningError> {
    let text = std::str::from_utf8(payload).map_err(|_| JsonError::Unicode("utf-8"));
    text.and_then(loads).map_err(|error| SigningError::BadPayload {
        message: "Could not load the payload because an exception occurred on unserializing the \
                  data.",
        original_error: Some(Box::new(error)),
    })
}

/// `Serializer.iter_unsigners`: the signer for all keys, and then each fallback with each key.
pub(super) fn unsign_options(
    secret_keys: &SecretKeys,
    salt: &[u8],
    signer: &SignerOptions,
    fallback_signers: &[SignerOptions],
) -> Result<Vec<Signer>, SignerError> {
    let mut unsigners = vec![Signer::with_options(secret_keys.clone(), salt, signer)?];
    for fallback in fallback_signers {
        for secret_key in secret_keys.iter() {
            unsigners.push(Signer::with_options(secret_key, salt, fallback)?);
        }
    }
    Ok(unsigners)
}

/// Signed bytes as text. They are UTF-8 unless the separator is not.
pub(super) fn text(signed: Vec<u8>) -> Result<String, JsonError> {
    String::from_utf8(signed).map_err(|_| JsonError::Unicode("utf-8"))
}

/// The error of the last signer that was tried.
pub(super) fn last(error: Option<SigningError>) -> SigningError {
    error.unwrap_or_else(|| SigningError::BadSignature {
        message: "there is no signer".to_owned(),
        payload: None,
    })
}

/// `Serializer._loads_unsafe_impl`.
pub(super) fn unsafe_result(
    serializer: &impl PayloadSerializer,
    result: Result<Value, SigningError>,
) -> Result<(bool, Option<Value>), SigningError> {
    match result {
        Ok(value) => Ok((true, Some(value))),
        Err(error) if error.is_bad_signature() => {
            let payload = error.payload();
            Ok((
                false,
                payload.and_then(|payload| serializer.load_payload(payload).ok()),
            ))
        }
        Err(error) => Err(error),
    }
}

/// `itsdangerous.Serializer`: signs values without a time.
///
/// ```
/// use carafe::{Value, signing::{PythonJson, Serializer, SignerOptions}};
/// let options = SignerOptions::default();
/// let serializer = Serializer::new("secret", "activate", PythonJson, &options, &[])?;
/// let text = serializer.dumps(&Value::from(vec![1, 2]))?;
/// assert!(text.starts_with("[1, 2]."));
/// assert_eq!(serializer.loads(text)?, Value::from(vec![1, 2]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Serializer<P> {
    /// The signer, and then its fallbacks. Never empty.
    unsigners: Vec<Signer>,
    serializer: P,
}

impl<P: PayloadSerializer> Serializer<P> {
    /// itsdangerous's default salt of a serializer, timed or not.
    pub const SALT: &'static [u8] = b"itsdangerous";

    /// A serializer that signs with the newest of the keys and these options. `fallback_signers`
    /// are options with which something may have been signed earlier.
    ///
    /// # Errors
    /// As [`Signer::with_options`].
    pub fn new(
        secret_keys: impl Into<SecretKeys>,
        salt: impl AsRef<[u8]>,
        serializer: P,
        signer: &SignerOptions,
        fallback_signers: &[SignerOptions],
    ) -> Result<Self, SignerError> {
        let unsigners =
            unsign_options(&secret_keys.into(), salt.as_ref(), signer, fallback_signers)?;
        Ok(Self {
            unsigners,
            serializer,
        })
    }

    /// `Serializer.dumps`: the value as signed text.
    ///
    /// # Errors
    /// Where the value cannot become text.
    pub fn dumps<'a>(&self, value: impl Into<ValueRef<'a>>) -> Result<String, JsonError> {
        let mut out = self.serializer.dump_payload(value.into())?;
        if let Some(signer) = self.unsigners.first() {
            signer.sign_in_place(&mut out);
        }
        text(out)
    }

    /// `Serializer.loads`: the value, where the signature is right.
    ///
    /// # Errors
    /// [`SigningError::BadSignature`] or [`SigningError::BadPayload`].
    pub fn loads(&self, signed: impl AsRef<[u8]>) -> Result<Value, SigningError> {
        let mut last_error = None;
        for signer in &self.unsigners {
            match signer.unsign(signed.as_ref()) {
                Ok(payload) => return self.serializer.load_payload(payload),
                Err(error) => last_error = Some(error),
            }
        }
        Err(last(last_error))
    }

    /// `Serializer.loads_unsafe`: whether the signature is right, and the value **even where it is
    /// not**, for debugging. `None` where it cannot be read at all.
    ///
    /// # Errors
    /// [`SigningError::BadPayload`], where the signature is right and the value unreadable.
    pub fn loads_unsafe(
        &self,
        signed: impl AsRef<[u8]>,
    ) -> Result<(bool, Option<Value>), SigningError> {
        unsafe_result(&self.serializer, self.loads(signed))
    }
}
