//! How an app gets a `ServerSideSessionInterface`: by a store, a URL or config keys, and with options.
//!
//! Mirrors `__init__` of the interfaces in `flask_session/base.py`, and the defaults of
//! `flask_session/defaults.py`.
//!
//! Read next: `../store/config.rs`, for the config keys.

use std::sync::Arc;

use super::ServerSideSessionInterface;
use crate::app::App;
use crate::session::serialization::Format;
use crate::session::store::{Ability, Store, StoreError, from_config, open};

/// The arguments of Flask-Session's interfaces, and one of Carafe's own.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) key_prefix: String,
    pub(super) use_signer: bool,
    pub(super) permanent: bool,
    pub(super) id_length: usize,
    pub(super) format: Format,
    pub(super) cleanup_n_requests: Option<u64>,
    pub(super) optimistic: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            key_prefix: "session:".to_owned(),
            use_signer: false,
            permanent: true,
            id_length: 32,
            format: Format::default(),
            cleanup_n_requests: None,
            optimistic: false,
        }
    }
}

impl ServerSideSessionInterface {
    /// Keeps sessions in `store`, with Flask-Session's defaults. To keep a handle on a store of the
    /// app's, give an `Arc` of it.
    #[must_use]
    pub fn new(store: impl Store + 'static) -> Self {
        Self::with_store(Arc::new(store))
    }

    fn with_store(store: Arc<dyn Store>) -> Self {
        ServerSideSessionInterface {
            store,
            options: Options::default(),
            requests: Arc::default(),
            signer: Arc::default(),
        }
    }

    /// Keeps sessions in the store that `url` names: see [`store::open`](crate::session::store::open).
    ///
    /// # Errors
    /// Where the URL is no good, or the store can't be had.
    pub fn from_url(url: &str) -> Result<Self, StoreError> {
        Ok(Self::with_store(Arc::from(open(url)?)))
    }

    /// Keeps sessions as Flask-Session's config keys say: `Session(app)`. Where Flask has a client object,
    /// as in `SESSION_REDIS`, Carafe takes a URL. Of its own it has `SESSION_STORE_TIMEOUT` in seconds,
    /// `SESSION_STORE_POOL`, `SESSION_OPTIMISTIC`, and `memory` for a `SESSION_TYPE`.
    ///
    /// # Errors
    /// As [`from_url`](Self::from_url); also for a key that begins with `SESSION_` and that neither
    /// Flask nor Flask-Session knows, and for a value of another type.
    ///
    /// ```
    /// use carafe::{App, session::ServerSideSessionInterface};
    /// let mut app = App::new("shop");
    /// app.config().set("SESSION_TYPE", "memory")?;
    /// app.config().set("SESSION_KEY_PREFX", "shop:")?;
    /// let error = ServerSideSessionInterface::from_config(&app).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "session store config: unknown config key SESSION_KEY_PREFX: the nearest is \
    ///      SESSION_KEY_PREFIX"
    /// );
    /// # Ok::<(), carafe::Error>(())
    /// ```
    // ANCHOR: from_config
    pub fn from_config(app: &App) -> Result<Self, StoreError> {
        let config = from_config(&app.config().settings())?;
        let mut interface = Self::with_store(Arc::from(config.store));
        let options = &mut interface.options;
        options.permanent = config.permanent.unwrap_or(options.permanent);
        options.use_signer = config.use_signer.unwrap_or(options.use_signer);
        options.id_length = config.id_length.unwrap_or(options.id_length);
        options.format = config.format.unwrap_or(options.format);
        if let Some(key_prefix) = config.key_prefix {
            options.key_prefix = key_prefix;
        }
        interface
            .cleanup_n_requests(config.cleanup_n_requests)
            .optimistic(config.optimistic.unwrap_or(false))
    }
    // ANCHOR_END: from_config

    /// `SESSION_KEY_PREFIX`: what a key in the store starts with. `session:` by default.
    #[must_use]
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.options.key_prefix = prefix.into();
        self
    }

    /// `SESSION_USE_SIGNER`: whether the id in the cookie is signed with the app's secret key. Off by
    /// default: an id cannot be guessed as it is.
    #[must_use]
    pub fn use_signer(mut self, use_signer: bool) -> Self {
        self.options.use_signer = use_signer;
        self
    }

    /// `SESSION_PERMANENT`: whether a new session outlives the browser. It does by default.
    #[must_use]
    pub fn permanent(mut self, permanent: bool) -> Self {
        self.options.permanent = permanent;
        self
    }

    /// `SESSION_ID_LENGTH`: of a new id, in random bytes; 32 by default, and never less than 16.
    #[must_use]
    pub fn id_length(mut self, bytes: usize) -> Self {
        self.options.id_length = bytes.max(16);
        self
    }

    /// `SESSION_SERIALIZATION_FORMAT`: what sessions are written in. MessagePack by default. A store
    /// with a format of its own keeps to that.
    #[must_use]
    pub fn serialization_format(mut self, format: Format) -> Self {
        self.options.format = format;
        self
    }

    /// `SESSION_CLEANUP_N_REQUESTS`: every how many requests a store that does not expire sessions by
    /// itself is cleaned up. `None`, the default, leaves it to [`cleanup`](Self::cleanup).
    #[must_use]
    pub fn cleanup_n_requests(mut self, requests: impl Into<Option<u64>>) -> Self {
        self.options.cleanup_n_requests = requests.into().filter(|requests| *requests > 0);
        self
    }

    /// Whether a save fails with [`Conflict`](crate::session::store::StoreErrorKind::Conflict) where another request has saved
    /// the session since this one opened it. Off by default: the last write wins, as in Flask.
    ///
    /// # Errors
    /// Of the kind [`Unsupported`](crate::session::store::StoreErrorKind::Unsupported) where the store lacks
    /// [`Ability::CompareAndSet`].
    pub fn optimistic(mut self, optimistic: bool) -> Result<Self, StoreError> {
        if optimistic {
            self.require(Ability::CompareAndSet)?;
        }
        self.options.optimistic = optimistic;
        Ok(self)
    }

    /// Encrypts what is stored: see [`EncryptedStore`](crate::session::store::EncryptedStore). Off by default, as
    /// a Flask app could not read it.
    ///
    /// # Errors
    /// As [`EncryptedStore::new`](crate::session::store::EncryptedStore::new).
    #[cfg(feature = "encryption")]
    pub fn encrypted(
        mut self,
        secrets: impl Into<crate::signing::SecretKeys>,
    ) -> Result<Self, StoreError> {
        let encrypted = crate::session::store::EncryptedStore::new(self.store, secrets)?;
        self.store = Arc::new(encrypted);
        Ok(self)
    }

    pub(super) fn require(&self, ability: Ability) -> Result<(), StoreError> {
        match self.store.can(ability) {
            true => Ok(()),
            false => Err(StoreError::unsupported(self.store.name(), ability)),
        }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }
}
