//! `StoreError`: why a store did not do what it was asked.
//!
//! An app without a handler for it answers by [`StoreErrorKind::status`], which is 503 where the store
//! is down: the visitor may try again later. Python's stores raise whatever their client library does,
//! and Flask answers 500.
//!
//! Read next: `lifecycle/errors.rs`, where that answer is given.

use std::error::Error as StdError;
use std::fmt;

use super::Ability;

type Source = Box<dyn StdError + Send + Sync>;

/// What went wrong between a session and its store.
///
/// ```
/// use carafe::{App, Scaffold};
/// use carafe::session::store::StoreError;
/// let mut app = App::new("shop");
/// app.errorhandler_for(|error: &StoreError| {
///     (format!("no {} today", error.store()), error.kind().status())
/// });
/// ```
#[derive(Debug)]
pub struct StoreError {
    store: &'static str,
    kind: StoreErrorKind,
    message: String,
    source: Option<Source>,
}

/// What kind of [`StoreError`] it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store does not answer, or says that it cannot. It may, later.
    Unavailable,
    /// Another request has saved the session since it was opened. Only where saves are optimistic.
    Conflict,
    /// What is stored can't be read as a session.
    Unreadable,
    /// The session holds what this store or its format cannot keep.
    Unstorable,
    /// The store has no such [`Ability`].
    Unsupported,
    /// A URL or a config key that is no good. Only at start-up.
    Config,
}

impl StoreErrorKind {
    // ANCHOR: status
    /// The status code of an answer for which the app has no handler.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Unavailable => 503,
            Self::Conflict => 409,
            Self::Unreadable | Self::Unstorable | Self::Unsupported | Self::Config => 500,
        }
    }
    // ANCHOR_END: status
}

impl StoreError {
    /// An error with words of its own.
    #[must_use]
    pub fn new(store: &'static str, kind: StoreErrorKind, message: impl Into<String>) -> Self {
        StoreError {
            store,
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// The store does not answer: `source` is what its client says.
    #[must_use]
    pub fn unavailable(store: &'static str, source: impl Into<Source>) -> Self {
        let source = source.into();
        Self::new(store, StoreErrorKind::Unavailable, source.to_string()).with_source(source)
    }

    /// The store lacks an ability.
    #[must_use]
    pub fn unsupported(store: &'static str, ability: Ability) -> Self {
        let message = format!("this store cannot {ability}");
        Self::new(store, StoreErrorKind::Unsupported, message)
    }

    /// A URL or a config key is no good.
    #[must_use]
    pub fn config(store: &'static str, message: impl Into<String>) -> Self {
        Self::new(store, StoreErrorKind::Config, message)
    }

    /// The same, with what led to it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The [name](super::Store::name) of the store.
    #[must_use]
    pub fn store(&self) -> &'static str {
        self.store
    }

    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session store {}: {}", self.store, self.message)
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}
