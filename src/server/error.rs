//! `ServerError`: why a server could not start.
//!
//! Once it serves, nothing ends it but the order to stop.
//!
//! Read next: `listener.rs`, where most of these come from.

use std::error::Error as StdError;
use std::fmt;
use std::io;

/// Why a server could not start.
pub struct ServerError {
    what: String,
    source: Option<io::Error>,
}

impl ServerError {
    pub(super) fn new(what: impl Into<String>, source: io::Error) -> Self {
        ServerError {
            what: what.into(),
            source: Some(source),
        }
    }

    pub(super) fn bare(what: impl Into<String>) -> Self {
        ServerError {
            what: what.into(),
            source: None,
        }
    }

    pub(super) fn nothing_to_listen_on() -> Self {
        Self::bare("the server has no address to listen on: call bind first")
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

/// The same words: this is what a `main` that returns the error prints.
impl fmt::Debug for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for ServerError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_ref()?;
        Some(source)
    }
}
