//! itsdangerous, rebuilt: values that leave the server and come back unchanged, or not at all.
//!
//! Mirrors itsdangerous 2.2, one file for each of its modules. Each layer adds one thing:
//!
//! | layer | adds | file |
//! | --- | --- | --- |
//! | [`Signer`] | `value.signature` | `signer.rs`, with `algorithm.rs` |
//! | [`TimestampSigner`] | `value.timestamp.signature` | `timed.rs` |
//! | [`Serializer`], [`TimedSerializer`] | the value is any [`Value`](crate::Value) | `serializer.rs`, `timed.rs` |
//! | [`URLSafeSerializer`], [`URLSafeTimedSerializer`] | zlib where it helps, and base64 | `url_safe.rs` |
//!
//! Flask's session cookie is the last of these. What is signed is not secret: anyone can read it,
//! nobody without the key can change it.
//!
//! Read next: `signer.rs`, from the bottom up; or `url_safe.rs`, from the top down.

mod algorithm;
mod compress;
mod encoding;
mod exc;
mod serializer;
mod signer;
mod timed;
mod url_safe;

pub use algorithm::{Algorithm, DigestMethod};
pub(crate) use encoding::b64decode;
pub use encoding::{base64_decode, base64_encode, bytes_to_int, int_to_bytes};
pub use exc::{SignerError, SigningError};
pub use serializer::{CompactJson, PayloadSerializer, PythonJson, Serializer};
pub use signer::{KeyDerivation, SecretKeys, Signer, SignerOptions};
pub(crate) use timed::LAST_TIMESTAMP;
pub use timed::{TimedSerializer, TimestampSigner};
pub use url_safe::{MAX_PAYLOAD, URLSafe, URLSafeSerializer, URLSafeTimedSerializer};
