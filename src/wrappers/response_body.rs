//! `ResponseBody`: what a response says, all of it or while it is sent.
//!
//! Mirrors `Response.response` of `werkzeug/wrappers/response.py`, which is a list or any other iterable.
//!
//! Read next: `response.rs`.

use std::fmt;

use bytes::Bytes;

use crate::error::Error;
use crate::wsgi::ByteStream;

/// The body of a [`Response`](super::Response).
#[derive(Default)]
pub enum ResponseBody {
    /// Nothing yet: Werkzeug's `response=None`.
    #[default]
    Empty,
    /// All of it.
    Bytes(Bytes),
    /// Chunks that are made while they are sent.
    Stream(ByteStream),
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

impl From<Bytes> for ResponseBody {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<String> for ResponseBody {
    fn from(text: String) -> Self {
        Self::Bytes(text.into())
    }
}

impl From<Vec<u8>> for ResponseBody {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<&str> for ResponseBody {
    fn from(text: &str) -> Self {
        Self::Bytes(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<&[u8]> for ResponseBody {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(Bytes::copy_from_slice(bytes))
    }
}

/// One piece of a streamed body.
pub trait IntoChunk {
    /// Converts it.
    ///
    /// # Errors
    /// What making it failed with; the stream ends there.
    fn into_chunk(self) -> Result<Bytes, Error>;
}

impl IntoChunk for Bytes {
    fn into_chunk(self) -> Result<Bytes, Error> {
        Ok(self)
    }
}

impl IntoChunk for String {
    fn into_chunk(self) -> Result<Bytes, Error> {
        Ok(Bytes::from(self))
    }
}

impl IntoChunk for &'static str {
    fn into_chunk(self) -> Result<Bytes, Error> {
        Ok(Bytes::from_static(self.as_bytes()))
    }
}

impl IntoChunk for Vec<u8> {
    fn into_chunk(self) -> Result<Bytes, Error> {
        Ok(Bytes::from(self))
    }
}

impl<T: IntoChunk, E: Into<Error>> IntoChunk for Result<T, E> {
    fn into_chunk(self) -> Result<Bytes, Error> {
        self.map_err(Into::into)?.into_chunk()
    }
}
