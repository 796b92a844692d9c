//! The body of a request, read once and within its limits.
//!
//! Mirrors `get_input_stream` and `LimitedStream` of `werkzeug/wsgi.py`, and the cache behind
//! `Request.get_data`.
//!
//! Read next: `request.rs` (`data`, `form`, `get_json`).

use std::io::{self, Read};

use bytes::Bytes;

use super::exceptions::HttpException;
use crate::error::Error;

/// Memory is set aside for as much of a body at once; a client that only claims more gets no more.
const FIRST_BUFFER: u64 = 64 * 1024;

/// `wsgi.input`, and what was read of it.
pub(crate) struct Input {
    reader: Box<dyn Read + Send>,
    /// Whether the server ends the stream where the body ends.
    terminated: bool,
    /// How many bytes were read so far.
    position: u64,
    /// The body, where it was read by `get_data`.
    cached: Option<Bytes>,
}

impl Input {
    pub(crate) fn new(reader: Box<dyn Read + Send>, terminated: bool) -> Self {
        Self {
            reader,
            terminated,
            position: 0,
            cached: None,
        }
    }

    pub(crate) fn cached(&self) -> Option<&Bytes> {
        self.cached.as_ref()
    }

    /// The body, kept for the next time.
    pub(crate) fn read(
        &mut self,
        content_length: Option<u64>,
        max_content_length: Option<u64>,
    ) -> Result<Bytes, Error> {
        let bytes = self.read_uncached(content_length, max_content_length)?;
        self.cached = Some(bytes.clone());
        Ok(bytes)
    }

    /// The body, not kept unless it was kept before; the second time it is empty.
    pub(crate) fn read_uncached(
        &mut self,
        content_length: Option<u64>,
        max_content_length: Option<u64>,
    ) -> Result<Bytes, Error> {
        if let Some(bytes) = &self.cached {
            return Ok(bytes.clone());
        }
        check_length(content_length, max_content_length)?;
        if self.terminated {
            return self.read_to_end(max_content_length);
        }
        // Without a length nobody knows where the body ends, and a read could wait forever.
        let remaining = content_length.unwrap_or(0).saturating_sub(self.position);
        let bytes = self.read_some(remaining)?;
        if (bytes.len() as u64) < remaining {
            return Err(HttpException::client_disconnected().into());
        }
        Ok(bytes)
    }

    fn read_to_end(&mut self, max: Option<u64>) -> Result<Bytes, Error> {
        let Some(max) = max else {
            return self.read_some(u64::MAX);
        };
        // One byte more than is allowed tells a body that is too large from one that just fits.
        // (Werkzeug cuts the body off at the limit, and says so only at the next read.)
        let bytes = self.read_some(max.saturating_add(1).saturating_sub(self.position))?;
        if self.position > max {
            return Err(HttpException::request_entity_too_large().into());
        }
        Ok(bytes)
    }

    fn read_some(&mut self, limit: u64) -> Result<Bytes, Error> {
        if limit == 0 {
            return Ok(Bytes::new());
        }
        let capacity = usize::try_from(limit.min(FIRST_BUFFER)).unwrap_or(0);
        let mut bytes = Vec::with_capacity(capacity);
        let result = (&mut self.reader).take(limit).read_to_end(&mut bytes);
        self.position += bytes.len() as u64;
        match result {
            Ok(_) => Ok(bytes.into()),
            Err(error) => Err(failed_read(&error).into()),
        }
    }
}

/// What a server's reader failed with, as the client is told of it.
fn failed_read(error: &io::Error) -> HttpException {
    match error.kind() {
        io::ErrorKind::TimedOut => HttpException::new(408),
        io::ErrorKind::FileTooLarge => HttpException::request_entity_too_large(),
        _ => HttpException::client_disconnected(),
    }
}

/// Refuses a body that says itself that it is too large.
pub(crate) fn check_length(
    content_length: Option<u64>,
    max_content_length: Option<u64>,
) -> Result<(), Error> {
    match (content_length, max_content_length) {
        (Some(length), Some(max)) if length > max => {
            Err(HttpException::request_entity_too_large().into())
        }
        _ => Ok(()),
    }
}
