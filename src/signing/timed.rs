//! `TimestampSigner` and `TimedSerializer`: signatures that know how old they are.
//!
//! Mirrors `itsdangerous/timed.py`. The time stands between value and signature, and is signed too:
//! `value.timestamp.signature`.
//!
//! Read next: `url_safe.rs`, the last layer.

use std::fmt;
use std::sync::Arc;

use super::encoding::{base64_append, base64_decoded, bytes_to_int, significant_bytes};
use super::serializer::{PayloadSerializer, unsign_options};
use super::{SecretKeys, Signer, SignerError, SignerOptions, SigningError};
use crate::Value;
use crate::clock::{Clock, SystemClock};
use crate::json::{JsonError, ValueRef};

/// The last second of the year 9999: Python's `datetime` knows none beyond it.
pub(crate) const LAST_TIMESTAMP: u64 = 253_402_300_799;

/// `itsdangerous.TimestampSigner`: a [`Signer`] that also records the time.
///
/// ```
/// use std::sync::Arc;
/// use carafe::{clock::FixedClock, signing::TimestampSigner};
/// let clock = Arc::new(FixedClock::new(1_700_000_000));
/// let signer = TimestampSigner::new("secret key")?.clock(clock.clone());
/// let signed = signer.sign(b"hello");
/// clock.advance(31);
/// let error = signer.unsign(&signed, Some(30)).unwrap_err();
/// assert_eq!(error.to_string(), "Signature age 31 > 30 seconds");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TimestampSigner {
    signer: Signer,
    clock: Arc<dyn Clock>,
}

impl TimestampSigner {
    /// A signer with itsdangerous's default salt and settings, and the system's clock.
    ///
    /// # Errors
    /// As [`Signer::with_options`].
    pub fn new(secret_keys: impl Into<SecretKeys>) -> Result<Self, SignerError> {
        Ok(Self::from_signer(Signer::new(secret_keys)?))
    }

    /// A signer with its own salt and settings, and the system's clock.
    ///
    /// # Errors
    /// As [`Signer::with_options`].
    pub fn with_options(
        secret_keys: impl Into<SecretKeys>,
        salt: impl AsRef<[u8]>,
        options: &SignerOptions,
    ) -> Result<Self, SignerError> {
        Ok(Self::from_signer(Signer::with_options(
            secret_keys,
            salt,
            options,
        )?))
    }

    fn from_signer(signer: Signer) -> Self {
        Self {
            signer,
            clock: Arc::new(SystemClock),
        }
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// `TimestampSigner.get_timestamp`: the time, in Unix seconds.
    #[must_use]
    pub fn get_timestamp(&self) -> u64 {
        self.clock.now()
    }

    /// `TimestampSigner.sign`: the value, the time, the signature of both.
    #[must_use]
    pub fn sign(&self, value: &[u8]) -> Vec<u8> {
        let mut out = value.to_vec();
        sign_in_place(&self.signer, &mut out, self.get_timestamp());
        out
    }

    /// `TimestampSigner.unsign`: the value and when it was signed (Unix seconds), where the
    /// signature is right, and not older than `max_age` seconds.
    ///
    /// # Errors
    /// [`SigningError::BadSignature`], `BadTimeSignature`, `SignatureExpired` or `DateOutOfRange`.
    pub fn unsign<'a>(
        &self,
        signed_value: &'a [u8],
        max_age: Option<i64>,
    ) -> Result<(&'a [u8], u64), SigningError> {
        unsign(&self.signer, signed_value, max_age, || self.get_timestamp())
    }

    /// `TimestampSigner.validate`: whether [`unsign`](Self::unsign) would give the value. Without a
    /// `max_age` the year of the time does not matter.
    #[must_use]
    pub fn validate(&self, signed_value: &[u8], max_age: Option<i64>) -> bool {
        match self.unsign(signed_value, max_age) {
            Err(SigningError::DateOutOfRange) => max_age.is_none(),
            result => result.is_ok(),
        }
    }
}

impl fmt::Debug for TimestampSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimestampSigner")
            .field("signer", &self.signer)
            .finish_non_exhaustive()
    }
}

fn sign_in_place(signer: &Signer, value: &mut Vec<u8>, now: u64) {
    value.extend_from_slice(signer.sep());
    base64_append(significant_bytes(&now.to_be_bytes()), value);
    signer.sign_in_place(value);
}

fn unsign<'a>(
    signer: &Signer,
    signed_value: &'a [u8],
    max_age: Option<i64>,
    now: impl FnOnce() -> u64,
) -> Result<(&'a [u8], u64), SigningError> {
    let malformed = |value: &[u8]| SigningError::BadTimeSignature {
        message: "Malformed timestamp".to_owned(),
        payload: Some(value.to_vec()),
        date_signed: None,
    };
    let timestamp = |encoded| base64_decoded(encoded, bytes_to_int).flatten();

    let result = match signer.unsign(signed_value) {
        Ok(result) => result,
        Err(error) => {
            // Tell the value and its time apart all the same, for whoever wants to look at them.
            let signed = error.payload().unwrap_or_default();
            let Some((value, time)) = signer.split(signed) else {
                return Err(error);
            };
            let date_signed = timestamp(time);
            if date_signed.is_some_and(|time| time > LAST_TIMESTAMP) {
                return Err(malformed(value));
            }
            return Err(SigningError::BadTimeSignature {
                message: error.to_string(),
                payload: Some(value.to_vec()),
                date_signed,
            });
        }
    };
    let Some((value, time)) = signer.split(result) else {
        return Err(SigningError::BadTimeSignature {
            message: "timestamp missing".to_owned(),
            payload: Some(result.to_vec()),
            date_signed: None,
        });
    };
    let Some(date_signed) = timestamp(time) else {
        return Err(malformed(value));
    };
    if date_signed > LAST_TIMESTAMP {
        return Err(SigningError::DateOutOfRange);
    }
    if let Some(max_age) = max_age {
        let age = i128::from(now()) - i128::from(date_signed);
        let limit = if age > max_age.into() {
            format!("> {max_age}")
        } else if age < 0 {
            "< 0".to_owned()
        } else {
            return Ok((value, date_signed));
        };
        return Err(SigningError::SignatureExpired {
            message: format!("Signature age {age} {limit} seconds"),
            payload: value.to_vec(),
            date_signed,
        });
    }
    Ok((value, date_signed))
}

/// `itsdangerous.TimedSerializer`: a [`Serializer`](super::Serializer) whose signatures know how
/// old they are.
#[derive(Clone)]
pub struct TimedSerializer<P> {
    /// The signer, and then its fallbacks. Never empty.
    unsigners: Vec<Signer>,
    serializer: P,
    clock: Arc<dyn Clock>,
}

impl<P: PayloadSerializer> TimedSerializer<P> {
    /// A serializer that signs with the newest of the keys and these options, and takes the time
    /// from the system. `fallback_signers` are options with which something may have been signed
    /// earlier.
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
            clock: Arc::new(SystemClock),
        })
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// `TimedSerializer.dumps`: the value as signed text.
    ///
    /// # Errors
    /// Where the value cannot become text.
    pub fn dumps<'a>(&self, value: impl Into<ValueRef<'a>>) -> Result<String, JsonError> {
        self.dumps_at(value, self.clock.now())
    }

    /// [`dumps`](Self::dumps), at another time than now, in Unix seconds.
    ///
    /// # Errors
    /// Where the value cannot become text.
    pub fn dumps_at<'a>(
        &self,
        value: impl Into<ValueRef<'a>>,
        now: u64,
    ) -> Result<String, JsonError> {
        let mut out = self.serializer.dump_payload(value.into())?;
        if let Some(signer) = self.unsigners.first() {
            sign_in_place(signer, &mut out, now);
        }
        super::serializer::text(out)
    }

    /// `TimedSerializer.loads`: the value, where the signature is right, and not older than
    /// `max_age` seconds.
    ///
    /// # Errors
    /// See [`SigningError`].
    pub fn loads(
        &self,
        signed: impl AsRef<[u8]>,
        max_age: Option<i64>,
    ) -> Result<Value, SigningError> {
        self.loads_timestamp(signed, max_age)
            .map(|(value, _)| value)
    }

    /// `TimedSerializer.loads(return_timestamp=True)`: the value, and when it was signed, in Unix
    /// seconds.
    ///
    /// # Errors
    /// See [`SigningError`].
    pub fn loads_timestamp(
        &self,
        signed: impl AsRef<[u8]>,
        max_age: Option<i64>,
    ) -> Result<(Value, u64), SigningError> {
        self.load(signed.as_ref(), max_age, || self.clock.now())
    }

    /// [`loads_timestamp`](Self::loads_timestamp), at another time than now, in Unix seconds.
    ///
    /// # Errors
    /// See [`SigningError`].
    pub fn loads_at(
        &self,
        signed: impl AsRef<[u8]>,
        max_age: Option<i64>,
        now: u64,
    ) -> Result<(Value, u64), SigningError> {
        self.load(signed.as_ref(), max_age, || now)
    }

    fn load(
        &self,
        signed: &[u8],
        max_age: Option<i64>,
        now: impl Fn() -> u64,
    ) -> Result<(Value, u64), SigningError> {
        let mut last_error = None;
        for signer in &self.unsigners {
            match unsign(signer, signed, max_age, &now) {
                Ok((payload, date_signed)) => {
                    return Ok((self.serializer.load_payload(payload)?, date_signed));
                }
                // The signature is right: no other signer could make it younger, or an earlier year.
                Err(error) if error.is_signature_expired() || !error.is_bad_signature() => {
                    return Err(error);
                }
                Err(error) => last_error = Some(error),
            }
        }
        Err(super::serializer::last(last_error))
    }

    /// `TimedSerializer.loads_unsafe`: whether the signature is right and young enough, and the
    /// value **even where it is not**, for debugging. `None` where it cannot be read at all.
    ///
    /// # Errors
    /// [`SigningError::BadPayload`], where the signature is right and the value unreadable;
    /// [`SigningError::DateOutOfRange`].
    pub fn loads_unsafe(
        &self,
        signed: impl AsRef<[u8]>,
        max_age: Option<i64>,
    ) -> Result<(bool, Option<Value>), SigningError> {
        super::serializer::unsafe_result(&self.serializer, self.loads(signed, max_age))
    }
}

impl<P: fmt::Debug> fmt::Debug for TimedSerializer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimedSerializer")
            .field("unsigners", &self.unsigners)
            .field("serializer", &self.serializer)
            .finish_non_exhaustive()
    }
}
