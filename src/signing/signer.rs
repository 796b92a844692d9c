//! `Signer`: a value, a separator, and a signature.
//!
//! Mirrors `itsdangerous/signer.py`. The keys are derived once, when the signer is made, and only
//! what is derived from them is kept.
//!
//! Read next: `timed.rs`, which puts the time between value and signature.

use std::fmt;

use super::algorithm::{Algorithm, DigestMethod, Keyed, Room};
use super::encoding::{base64_append, base64_decoded, base64_encode, rsplit};
use super::{SignerError, SigningError};
use crate::python::repr::bytes_repr;

/// All that may stand in a signature.
const BASE64_ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=";

/// One secret key, or several, oldest to newest: the newest signs, all verify.
///
/// ```
/// use carafe::signing::SecretKeys;
/// let one = SecretKeys::from("only");
/// let rotated = SecretKeys::from(["old", "new"]);
/// assert_eq!(format!("{one:?} {rotated:?}"), "SecretKeys(1 key) SecretKeys(2 keys)");
///
/// // Those of an app, to sign with as it signs its sessions.
/// let app = carafe::App::new("shop");
/// app.config().set_secret_key("new");
/// app.config().set("SECRET_KEY_FALLBACKS", vec!["old"])?;
/// let settings = app.config().settings();
/// let keys = settings.secret_key_fallbacks.iter().chain(&settings.secret_key);
/// assert_eq!(keys.cloned().collect::<SecretKeys>(), rotated);
/// # Ok::<(), carafe::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKeys(Vec<Vec<u8>>);

impl SecretKeys {
    /// The keys, oldest to newest.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }
}

impl From<&str> for SecretKeys {
    fn from(key: &str) -> Self {
        Self(vec![key.into()])
    }
}

impl From<String> for SecretKeys {
    fn from(key: String) -> Self {
        Self(vec![key.into()])
    }
}

impl From<&[u8]> for SecretKeys {
    fn from(key: &[u8]) -> Self {
        Self(vec![key.into()])
    }
}

impl<K: Into<Vec<u8>>> From<Vec<K>> for SecretKeys {
    fn from(keys: Vec<K>) -> Self {
        keys.into_iter().collect()
    }
}

impl<K: Into<Vec<u8>>, const N: usize> From<[K; N]> for SecretKeys {
    fn from(keys: [K; N]) -> Self {
        keys.into_iter().collect()
    }
}

impl<K: Into<Vec<u8>>> FromIterator<K> for SecretKeys {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        Self(keys.into_iter().map(Into::into).collect())
    }
}

impl fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(
            f,
            "SecretKeys({count} key{})",
            if count == 1 { "" } else { "s" }
        )
    }
}

/// itsdangerous's `key_derivation`: how a secret key and the salt give the key that signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeyDerivation {
    /// `"concat"`: the hash of salt and key.
    Concat,
    /// `"django-concat"`: the hash of salt, `signer` and key. The default of itsdangerous.
    #[default]
    DjangoConcat,
    /// `"hmac"`: the HMAC of the salt. What Flask's session cookie uses.
    Hmac,
    /// `"none"`: the key as it is; the salt counts for nothing.
    None,
}

/// What itsdangerous calls `signer_kwargs`: the settings of a [`Signer`] but for key and salt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignerOptions {
    /// Stands between value and signature. Default `.`.
    pub sep: Vec<u8>,
    /// Default [`KeyDerivation::DjangoConcat`].
    pub key_derivation: KeyDerivation,
    /// Default [`DigestMethod::Sha1`].
    pub digest_method: DigestMethod,
    /// Default: HMAC with `digest_method`.
    pub algorithm: Option<Algorithm>,
}

impl Default for SignerOptions {
    fn default() -> Self {
        Self {
            sep: b".".to_vec(),
            key_derivation: KeyDerivation::default(),
            digest_method: DigestMethod::default(),
            algorithm: None,
        }
    }
}

impl SignerOptions {
    // ANCHOR: derive_key
    /// itsdangerous's `Signer.derive_key`.
    fn derive_key(&self, secret_key: &[u8], salt: &[u8]) -> Vec<u8> {
        match self.key_derivation {
            KeyDerivation::Concat => self.digest_method.digest(&[salt, secret_key]),
            KeyDerivation::DjangoConcat => {
                self.digest_method.digest(&[salt, b"signer", secret_key])
            }
            KeyDerivation::Hmac => Keyed::new(Algorithm::Hmac(self.digest_method), secret_key)
                .get_signature(salt, &mut [0; 64])
                .to_vec(),
            KeyDerivation::None => secret_key.to_vec(),
        }
    }
    // ANCHOR_END: derive_key
}

/// `itsdangerous.Signer`: appends a signature to a value, and checks it.
///
/// ```
/// use carafe::signing::Signer;
/// let signer = Signer::new("secret key")?;
/// let signed = signer.sign(b"hello");
/// assert_eq!(signer.unsign(&signed)?, b"hello");
/// let error = signer.unsign(b"hello.forged").unwrap_err();
/// assert_eq!(error.to_string(), "Signature b'forged' does not match");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Signer {
    /// Oldest to newest. Never empty.
    keys: Vec<Keyed>,
    sep: Vec<u8>,
}

impl Signer {
    /// itsdangerous's default salt of a signer.
    pub const SALT: &'static [u8] = b"itsdangerous.Signer";

    /// A signer with itsdangerous's default salt and settings.
    ///
    /// # Errors
    /// As [`with_options`](Self::with_options).
    pub fn new(secret_keys: impl Into<SecretKeys>) -> Result<Self, SignerError> {
        Self::with_options(secret_keys, Self::SALT, &SignerOptions::default())
    }

    /// A signer with its own salt and settings. The salt is not secret: it keeps signatures of one
    /// purpose from being good for another.
    ///
    /// # Errors
    /// Where there is no secret key, one is empty, or the separator could be part of a signature.
    pub fn with_options(
        secret_keys: impl Into<SecretKeys>,
        salt: impl AsRef<[u8]>,
        options: &SignerOptions,
    ) -> Result<Self, SignerError> {
        let secret_keys = secret_keys.into();
        if secret_keys.0.is_empty() {
            return Err(SignerError::NoSecretKey);
        }
        if secret_keys.iter().any(<[u8]>::is_empty) {
            return Err(SignerError::EmptySecretKey);
        }
        let sep = options.sep.clone();
        if sep.is_empty() || BASE64_ALPHABET.windows(sep.len()).any(|part| part == sep) {
            return Err(SignerError::BadSeparator);
        }
        let algorithm = options
            .algorithm
            .unwrap_or(Algorithm::Hmac(options.digest_method));
        let derive = |key| Keyed::new(algorithm, &options.derive_key(key, salt.as_ref()));
        Ok(Self {
            keys: secret_keys.iter().map(derive).collect(),
            sep,
        })
    }

    /// `Signer.get_signature`: the signature of a value, in base64.
    #[must_use]
    pub fn get_signature(&self, value: &[u8]) -> String {
        base64_encode(self.sign_with_newest(value, &mut [0; 64]))
    }

    /// `Signer.sign`: the value, the separator, the signature.
    #[must_use]
    pub fn sign(&self, value: &[u8]) -> Vec<u8> {
        let mut out = value.to_vec();
        self.sign_in_place(&mut out);
        out
    }

    /// [`sign`](Self::sign), without a copy.
    pub(super) fn sign_in_place(&self, value: &mut Vec<u8>) {
        let mut room = [0; 64];
        let signature = self.sign_with_newest(value, &mut room);
        value.extend_from_slice(&self.sep);
        base64_append(signature, value);
    }

    fn sign_with_newest<'r>(&self, value: &[u8], room: &'r mut Room) -> &'r [u8] {
        let newest = self.keys.last();
        newest.map_or(b"", |key| key.get_signature(value, room))
    }

    // ANCHOR: verify_signature
    /// `Signer.verify_signature`: whether any of the keys gave this signature, newest first.
    #[must_use]
    pub fn verify_signature(&self, value: &[u8], signature: &[u8]) -> bool {
        let verify = |signature: &[u8]| {
            let mut newest_first = self.keys.iter().rev();
            newest_first.any(|key| key.verify_signature(value, signature))
        };
        base64_decoded(signature, verify).unwrap_or(false)
    }
    // ANCHOR_END: verify_signature

    // ANCHOR: unsign
    /// `Signer.unsign`: the value, where the signature is right.
    ///
    /// # Errors
    /// [`SigningError::BadSignature`].
    pub fn unsign<'a>(&self, signed_value: &'a [u8]) -> Result<&'a [u8], SigningError> {
        let Some((value, signature)) = self.split(signed_value) else {
            let message = format!("No {} found in value", bytes_repr(&self.sep));
            return Err(SigningError::BadSignature {
                message,
                payload: None,
            });
        };
        if self.verify_signature(value, signature) {
            return Ok(value);
        }
        let message = format!("Signature {} does not match", bytes_repr(signature));
        Err(SigningError::BadSignature {
            message,
            payload: Some(value.to_vec()),
        })
    }
    // ANCHOR_END: unsign

    /// `Signer.validate`: whether the signature is right.
    #[must_use]
    pub fn validate(&self, signed_value: &[u8]) -> bool {
        self.split(signed_value)
            .is_some_and(|(value, sig)| self.verify_signature(value, sig))
    }

    /// What is before the last separator, and what is behind it.
    pub(super) fn split<'a>(&self, value: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        rsplit(value, &self.sep)
    }

    pub(super) fn sep(&self) -> &[u8] {
        &self.sep
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sep = String::from_utf8_lossy(&self.sep);
        let keys = self.keys.len();
        f.debug_struct("Signer")
            .field("keys", &keys)
            .field("sep", &sep)
            .finish_non_exhaustive()
    }
}
