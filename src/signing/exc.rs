//! What can be wrong with a signed value, and with the settings of a signer.
//!
//! Mirrors `itsdangerous/exc.py`. There, classes inherit from one another; here they are the
//! variants of one enum, and [`SigningError::is_bad_signature`] and its like answer what
//! `isinstance` does there. (`BadHeader` has had no use since itsdangerous 2.1, and is left out.)
//!
//! Read next: `signer.rs`, which raises them.

use std::error::Error;
use std::fmt;

/// `itsdangerous.BadData`: why a signed value is refused.
#[derive(Debug)]
#[non_exhaustive]
pub enum SigningError {
    /// The signature does not match, or there is none.
    BadSignature {
        /// What happened, in itsdangerous's words.
        message: String,
        /// What was signed, as far as it could be told apart. Anyone may have written it.
        payload: Option<Vec<u8>>,
    },
    /// As `BadSignature`, for a value that carries a time; or that time is missing or malformed.
    BadTimeSignature {
        /// What happened, in itsdangerous's words.
        message: String,
        /// What was signed, as far as it could be told apart. Anyone may have written it.
        payload: Option<Vec<u8>>,
        /// When it says it was signed, in Unix seconds.
        date_signed: Option<u64>,
    },
    /// The signature is right, but too old, or from the future.
    SignatureExpired {
        /// What happened, in itsdangerous's words.
        message: String,
        /// What was signed.
        payload: Vec<u8>,
        /// When it was signed, in Unix seconds.
        date_signed: u64,
    },
    /// The signature is right, but the time is beyond the year 9999. (No error of itsdangerous's own:
    /// Python's `datetime` raises a `ValueError`, and no other signer is tried.)
    DateOutOfRange,
    /// The signature is right, but what was signed cannot be read.
    BadPayload {
        /// What happened, in itsdangerous's words.
        message: &'static str,
        /// Why.
        original_error: Option<Box<dyn Error + Send + Sync>>,
    },
}

impl SigningError {
    /// Whether this is itsdangerous's `BadSignature` or a subclass of it: everything but
    /// `BadPayload` and `DateOutOfRange`. Flask starts a new session on these, and fails on the others.
    #[must_use]
    pub fn is_bad_signature(&self) -> bool {
        !matches!(self, Self::DateOutOfRange | Self::BadPayload { .. })
    }

    /// Whether this is itsdangerous's `BadTimeSignature` or its subclass `SignatureExpired`.
    #[must_use]
    pub fn is_bad_time_signature(&self) -> bool {
        matches!(
            self,
            Self::BadTimeSignature { .. } | Self::SignatureExpired { .. }
        )
    }

    /// Whether this is itsdangerous's `SignatureExpired`.
    #[must_use]
    pub fn is_signature_expired(&self) -> bool {
        matches!(self, Self::SignatureExpired { .. })
    }

    /// What was signed, as far as it could be told apart. Do not trust it.
    #[must_use]
    pub fn payload(&self) -> Option<&[u8]> {
        match self {
            Self::BadSignature { payload, .. } | Self::BadTimeSignature { payload, .. } => {
                payload.as_deref()
            }
            Self::SignatureExpired { payload, .. } => Some(payload),
            Self::DateOutOfRange | Self::BadPayload { .. } => None,
        }
    }

    /// When it was signed, or says so, in Unix seconds.
    #[must_use]
    pub fn date_signed(&self) -> Option<u64> {
        match self {
            Self::BadTimeSignature { date_signed, .. } => *date_signed,
            Self::SignatureExpired { date_signed, .. } => Some(*date_signed),
            Self::BadSignature { .. } | Self::DateOutOfRange | Self::BadPayload { .. } => None,
        }
    }

    /// The name of itsdangerous's class, or of Python's.
    #[must_use]
    pub fn class_name(&self) -> &'static str {
        match self {
            Self::BadSignature { .. } => "BadSignature",
            Self::BadTimeSignature { .. } => "BadTimeSignature",
            Self::SignatureExpired { .. } => "SignatureExpired",
            Self::DateOutOfRange => "ValueError",
            Self::BadPayload { .. } => "BadPayload",
        }
    }
}

impl fmt::Display for SigningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadSignature { message, .. }
            | Self::BadTimeSignature { message, .. }
            | Self::SignatureExpired { message, .. } => f.write_str(message),
            Self::DateOutOfRange => f.write_str("year is out of range"),
            Self::BadPayload { message, .. } => f.write_str(message),
        }
    }
}

impl Error for SigningError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::BadPayload {
                original_error: Some(error),
                ..
            } => Some(&**error),
            _ => None,
        }
    }
}

/// Why a signer cannot be made with these settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignerError {
    /// There is no secret key. (itsdangerous fails with an `IndexError` when it first signs.)
    NoSecretKey,
    /// One of the secret keys is empty. itsdangerous takes it, and then anyone can sign.
    EmptySecretKey,
    /// The separator could be part of a signature.
    BadSeparator,
}

impl fmt::Display for SignerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSecretKey => "No secret key was given to sign with.",
            Self::EmptySecretKey => "A secret key is empty: anyone could sign with it.",
            Self::BadSeparator => {
                "The given separator cannot be used because it may be contained in the signature \
                 itself. ASCII letters, digits, and '-_=' must not be used."
            }
        })
    }
}

impl Error for SignerError {}
