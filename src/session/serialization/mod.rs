//! What a session is in a store: bytes, in one of three formats.
//!
//! Mirrors `MsgSpecSerializer` in `flask_session/base.py`. A session is written in the configured format
//! and read by whichever format it is in: the configured one is tried first, then the other one, then
//! the pickle that Flask-Session wrote up to 0.6. A pickle is a program; here it is only read, as data.
//!
//! Read next: `msgpack.rs`, what most sessions are in.

mod json;
mod msgpack;

use std::fmt;

use crate::value::{Dict, Object, Value};

/// The format of a session in a store. Flask-Session: `SESSION_SERIALIZATION_FORMAT`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// `msgpack`, as msgspec writes it.
    #[default]
    MessagePack,
    /// `json`, as msgspec writes it.
    Json,
    /// A pickle, which only cachelib's files still are.
    Pickle,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MessagePack => "msgpack",
            Self::Json => "json",
            Self::Pickle => "pickle",
        })
    }
}

/// Why a session can't be written, or what is stored can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FormatError(pub(crate) String);

impl FormatError {
    pub(crate) fn new<T>(message: impl Into<String>) -> Result<T, Self> {
        Err(FormatError(message.into()))
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FormatError {}

/// The session as bytes: Flask-Session's `encode`.
pub(crate) fn encode(session: &Dict, format: Format) -> Result<Vec<u8>, FormatError> {
    match format {
        Format::MessagePack => msgpack::encode(session),
        Format::Json => json::encode(session),
        Format::Pickle => FormatError::new("later"),
    }
}

/// The session in these bytes, by the format that they turn out to be in: Flask-Session's `decode`.
pub(crate) fn decode(bytes: &[u8], configured: Format) -> Result<Dict, FormatError> {
    let _ = configured;
    msgpack::decode(bytes)
}

/// What was read has to be a dict with text for keys: a session's.
fn session_dict(value: Value) -> Result<Dict, FormatError> {
    match value {
        Value::Dict(dict) => Ok(dict),
        other => FormatError::new(format!("a session is a dict, not a {}", other.type_name())),
    }
}

/// An object as the formats that have no classes would hold it.
fn plain(object: &Object) -> Result<Value, FormatError> {
    FormatError::new(format!("an object of {} has no other form", object.name))
}
