//! `ServerSideSessionInterface`: the browser has an id, the data is in a store.
//!
//! Mirrors the class of that name in `flask_session/base.py` of Flask-Session 0.8.0, which a Flask app may
//! use on the same store at the same time. Where that writes a session that nobody has changed once more,
//! to set its expiry anew, Carafe touches it instead: the same round trip, and no other request's
//! write is undone by it.
//!
//! Read next: `stored.rs`, what a session knows of its store; then `store/`, where the data goes, and
//! `serialization/`, as what.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::serialization::{self, Format};
use super::store::{
    Ability, Entry, Lifetime, Store, StoreError, StoreErrorKind, Verdict, from_config, open,
};
use super::stored::Stored;
use super::{Session, SessionInterface};
use crate::app::App;
use crate::config::Settings;
use crate::error::Error;
use crate::logging;
use crate::request::Request;
use crate::signing::{KeyDerivation, Signer, SignerOptions};
use crate::value::{Dict, Value};
use crate::wrappers::{Response, SetCookie};

/// Keeps sessions in a [`Store`]. A clone is the same interface: an app that wants more of it than
/// opening and saving keeps one.
///
/// ```
/// use carafe::session::ServerSideSessionInterface;
/// use carafe::{App, Scaffold, session};
/// let mut app = App::new("shop");
/// app.session_interface(ServerSideSessionInterface::from_url("memory:")?);
/// app.route("/login", || {
///     session().regenerate();
///     session().insert("username", "jack")?;
///     Ok::<_, carafe::Error>("welcome")
/// });
/// let mut client = app.test_client();
/// client.get("/login").send()?;
/// assert_eq!(client.get_cookie("session").map(str::len), Some(43));
/// # Ok::<(), carafe::Error>(())
/// ```
#[derive(Clone)]
pub struct ServerSideSessionInterface {
    store: Arc<dyn Store>,
    options: Options,
    /// Counts requests, for `cleanup_n_requests`.
    requests: Arc<AtomicU64>,
    /// The signer for the settings that the first request saw, as `SecureCookieSessionInterface` has it.
    signer: Arc<OnceLock<(Arc<Settings>, Signer)>>,
}

/// The arguments of Flask-Session's interfaces, and one of Carafe's own.
#[derive(Clone, Debug)]
struct Options {
    key_prefix: String,
    use_signer: bool,
    permanent: bool,
    id_length: usize,
    format: Format,
    cleanup_n_requests: Option<u64>,
    optimistic: bool,
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

/// No store has to take a longer id, unless the app's own are longer.
const MAX_ID: usize = 255;

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

    /// Keeps sessions in the store that `url` names: see [`store::open`](super::store::open).
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

    /// Whether a save fails with [`Conflict`](StoreErrorKind::Conflict) where another request has saved
    /// the session since this one opened it. Off by default: the last write wins, as in Flask.
    ///
    /// # Errors
    /// Of the kind [`Unsupported`](StoreErrorKind::Unsupported) where the store lacks
    /// [`Ability::CompareAndSet`].
    pub fn optimistic(mut self, optimistic: bool) -> Result<Self, StoreError> {
        if optimistic {
            self.require(Ability::CompareAndSet)?;
        }
        self.options.optimistic = optimistic;
        Ok(self)
    }

    /// Encrypts what is stored: see [`EncryptedStore`](super::store::EncryptedStore). Off by default, as
    /// a Flask app could not read it.
    ///
    /// # Errors
    /// As [`EncryptedStore::new`](super::store::EncryptedStore::new).
    #[cfg(feature = "encryption")]
    pub fn encrypted(
        mut self,
        secrets: impl Into<crate::signing::SecretKeys>,
    ) -> Result<Self, StoreError> {
        let encrypted = super::store::EncryptedStore::new(self.store, secrets)?;
        self.store = Arc::new(encrypted);
        Ok(self)
    }

    fn require(&self, ability: Ability) -> Result<(), StoreError> {
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

    /// Gives the session a new id: [`Session::regenerate`].
    pub fn regenerate(&self, session: &Session) {
        session.regenerate();
    }

    /// Deletes what has expired from a store that does not do so by itself, and tells how many sessions
    /// that were: `flask session_cleanup`. For a timer, or a command of the app's.
    ///
    /// # Errors
    /// Where the store fails on the way.
    pub fn cleanup(&self, app: &App) -> Result<u64, StoreError> {
        self.store.cleanup(app.config().settings().clock.now())
    }

    /// The sessions that `belongs` picks. It is shown each one that the store holds, which takes as
    /// long as there are many.
    ///
    /// # Errors
    /// Where the store fails on the way, or lacks [`Ability::Visit`].
    pub fn sessions(
        &self,
        app: &App,
        mut belongs: impl FnMut(&Dict) -> bool,
    ) -> Result<Vec<FoundSession>, StoreError> {
        let mut found = Vec::new();
        self.visit(app, &mut |id, data| {
            if belongs(&data) {
                found.push(FoundSession { id, data });
            }
            Verdict::Keep
        })?;
        Ok(found)
    }

    // ANCHOR: delete_sessions
    /// Deletes the sessions that `belongs` picks, and tells how many: "log out everywhere". One that a
    /// request has open at this moment is there again when that request writes to it, unless saves are
    /// [optimistic](Self::optimistic). The current request's own session is to be cleared too.
    ///
    /// # Errors
    /// As [`sessions`](Self::sessions).
    ///
    /// ```
    /// # use carafe::session::ServerSideSessionInterface;
    /// # use carafe::{App, Scaffold, current_app, session};
    /// # let mut app = App::new("shop");
    /// let sessions = ServerSideSessionInterface::from_url("memory:")?;
    /// app.session_interface(sessions.clone());
    /// app.post("/logout-everywhere", move || {
    ///     let user: Option<String> = session().get("username");
    ///     let is_mine = |other: &carafe::Dict| {
    ///         user.is_some() && other.get("username").and_then(|name| name.as_str()) == user.as_deref()
    ///     };
    ///     let deleted = sessions.delete_sessions(&current_app(), is_mine)?;
    ///     session().clear()?;
    ///     Ok::<_, carafe::Error>(format!("{deleted} sessions ended"))
    /// });
    /// # Ok::<(), carafe::Error>(())
    /// ```
    pub fn delete_sessions(
        &self,
        app: &App,
        mut belongs: impl FnMut(&Dict) -> bool,
    ) -> Result<u64, StoreError> {
        let mut deleted = 0;
        self.visit(app, &mut |_id, data| match belongs(&data) {
            true => {
                deleted += 1;
                Verdict::Delete
            }
            false => Verdict::Keep,
        })?;
        Ok(deleted)
    }
    // ANCHOR_END: delete_sessions

    /// Shows each session that can be read.
    fn visit(
        &self,
        app: &App,
        visitor: &mut dyn FnMut(Option<String>, Dict) -> Verdict,
    ) -> Result<(), StoreError> {
        self.require(Ability::Visit)?;
        let prefix = &*self.options.key_prefix;
        let now = app.config().settings().clock.now();
        let visitor = &mut |entry: Entry<'_>| {
            let id = entry.key.and_then(|key| key.strip_prefix(prefix));
            match serialization::decode(entry.value, self.format()) {
                Ok(content) => visitor(id.map(str::to_owned), content.dict),
                Err(_) => Verdict::Keep,
            }
        };
        self.store.visit(prefix, now, visitor)
    }

    fn format(&self) -> Format {
        self.store.format().unwrap_or(self.options.format)
    }

    fn key(&self, id: &str) -> String {
        format!("{}{id}", self.options.key_prefix)
    }

    /// `_cleanup_n_requests`. That it fails is no reason to fail the request, which needs nothing of it.
    fn cleanup_now_and_then(&self, settings: &Settings) {
        let Some(every) = self.options.cleanup_n_requests else {
            return;
        };
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        if (request + 1).is_multiple_of(every)
            && !self.store.expires_by_itself()
            && let Err(error) = self.store.cleanup(settings.clock.now())
        {
            logging::error("Cleaning up the sessions failed", &error.into());
        }
    }

    /// `_get_signer`.
    fn get_signer(&self, settings: &Arc<Settings>) -> Result<Cow<'_, Signer>, Error> {
        let make = || {
            let Some(secret_key) = settings.secret_key.as_ref().filter(|key| !key.is_empty())
            else {
                let message = "SECRET_KEY must be set when SESSION_USE_SIGNER=True";
                return Err(Error::python("KeyError", message));
            };
            let mut keys = settings.secret_key_fallbacks.clone();
            keys.push(secret_key.clone());
            let options = SignerOptions {
                key_derivation: KeyDerivation::Hmac,
                ..SignerOptions::default()
            };
            Ok(Signer::with_options(keys, "flask-session", &options)?)
        };
        let cached = match self.signer.get() {
            Some(cached) => cached,
            None => {
                let signer = make()?;
                self.signer.get_or_init(|| (Arc::clone(settings), signer))
            }
        };
        Ok(match cached {
            (of, signer) if Arc::ptr_eq(of, settings) => Cow::Borrowed(signer),
            _ => Cow::Owned(make()?),
        })
    }

    // ANCHOR: client_id
    /// The id that the client brought, if it is one that we or Flask could have given it.
    fn client_id(
        &self,
        settings: &Arc<Settings>,
        request: &Request,
    ) -> Result<Option<String>, Error> {
        let Some(cookie) = request.cookie(self.get_cookie_name(settings)) else {
            return Ok(None);
        };
        let id = match self.options.use_signer && !cookie.is_empty() {
            true => {
                let signer = self.get_signer(settings)?;
                let id = signer.unsign(cookie.as_bytes()).ok();
                id.and_then(|id| std::str::from_utf8(id).ok())
                    .map(str::to_owned)
            }
            false => Some(cookie.into_owned()),
        };
        let longest = MAX_ID.max(self.options.id_length * 2);
        Ok(id.filter(|id| {
            let printable = id.bytes().all(|byte| byte.is_ascii_graphic());
            printable && (1..=longest).contains(&id.len())
        }))
    }
    // ANCHOR_END: client_id

    fn new_session(&self) -> Session {
        let mut data = Dict::new();
        if self.options.permanent {
            data.insert("_permanent".to_owned(), Value::Bool(true));
        }
        Session::of_store(data, true, Stored::new(self.options.id_length))
    }

    // ANCHOR: save
    /// Saves the session, which is not empty. Tells whether it is in the store now: another request
    /// may have ended it.
    fn save(
        &self,
        settings: &Settings,
        session: &Session,
        stored: &Stored,
    ) -> Result<bool, StoreError> {
        let id = stored.id()?;
        let key = self.key(&id);
        let state = stored.lock().clone();
        let lifetime = lifetime(settings);
        if state.is_stored && !session.modified() {
            return self.store.touch(&key, lifetime);
        }
        let bytes = session.with(|data| serialization::encode(data, &state.odd, self.format()));
        let bytes = bytes.map_err(|error| self.error(StoreErrorKind::Unstorable, error))?;
        let opened = state.opened.filter(|_| self.options.optimistic);
        match (&state.old_id, opened) {
            // The new one is there before the old one goes. Whatever fails, one of them is left, and
            // the browser has the id of it.
            (Some(old_id), opened) => {
                let old_key = self.key(old_id);
                if let Some(opened) = opened {
                    self.compare_and_set(&old_key, &opened, &opened, lifetime)?;
                }
                self.store.set(&key, &bytes, lifetime)?;
                self.store.delete(&old_key)?;
            }
            (None, Some(opened)) => self.compare_and_set(&key, &opened, &bytes, lifetime)?,
            (None, None) => self.store.set(&key, &bytes, lifetime)?,
        }
        let mut state = stored.lock();
        state.is_stored = true;
        state.old_id = None;
        state.opened = self.options.optimistic.then_some(bytes);
        Ok(true)
    }
    // ANCHOR_END: save

    fn compare_and_set(
        &self,
        key: &str,
        opened: &[u8],
        bytes: &[u8],
        lifetime: Lifetime,
    ) -> Result<(), StoreError> {
        let is_saved = self
            .store
            .compare_and_set(key, Some(opened), bytes, lifetime)?;
        match is_saved {
            true => Ok(()),
            false => Err(self.error(
                StoreErrorKind::Conflict,
                "another request has saved the session in between",
            )),
        }
    }

    /// Deletes the session wherever it is.
    fn delete(&self, stored: &Stored) -> Result<(), StoreError> {
        let state = stored.lock().clone();
        let id = state.id.filter(|_| state.is_stored);
        for id in [id, state.old_id].into_iter().flatten() {
            self.store.delete(&self.key(&id))?;
        }
        let mut state = stored.lock();
        state.is_stored = false;
        state.old_id = None;
        Ok(())
    }

    fn error(&self, kind: StoreErrorKind, message: impl fmt::Display) -> StoreError {
        StoreError::new(self.store.name(), kind, message.to_string())
    }
}

impl SessionInterface for ServerSideSessionInterface {
    // ANCHOR: open_session
    fn open_session(
        &self,
        settings: &Arc<Settings>,
        request: &Request,
    ) -> Result<Option<Session>, Error> {
        self.cleanup_now_and_then(settings);
        let Some(id) = self.client_id(settings, request)? else {
            return Ok(Some(self.new_session()));
        };
        let found = self.store.get(&self.key(&id), settings.clock.now())?;
        let Some(bytes) = found.filter(|bytes| !bytes.is_empty()) else {
            // Never take an id that the client made up.
            return Ok(Some(self.new_session()));
        };
        let content = serialization::decode(&bytes, self.format())
            .map_err(|error| self.error(StoreErrorKind::Unreadable, error))?;
        let opened = self.options.optimistic.then_some(bytes);
        let stored = Stored::found(id, content.odd, opened, self.options.id_length);
        Ok(Some(Session::of_store(content.dict, false, stored)))
    }
    // ANCHOR_END: open_session

    // ANCHOR: save_session
    fn save_session(
        &self,
        settings: &Arc<Settings>,
        session: &Session,
        response: &mut Response,
    ) -> Result<(), Error> {
        let Some(stored) = session.stored() else {
            return Err(Error::runtime("the session is of another interface"));
        };
        if session.accessed() {
            response.vary_add("Cookie");
        }
        if stored.lock().has_failed {
            return Ok(());
        }
        let now = settings.clock.now();
        let name = self.get_cookie_name(settings);
        if session.is_empty() {
            if session.modified() {
                self.delete(stored)
                    .inspect_err(|_| stored.lock().has_failed = true)?;
                let cookie = self.cookie(settings, SetCookie::deletion(name));
                response.set_cookie(cookie, now)?;
                response.vary_add("Cookie");
            }
            return Ok(());
        }
        if !session.modified() && !settings.session_refresh_each_request {
            return Ok(());
        }
        let is_there = self
            .save(settings, session, stored)
            .inspect_err(|_| stored.lock().has_failed = true)?;
        if !is_there || !self.should_set_cookie(settings, session) {
            return Ok(());
        }
        let id = stored.id()?;
        let value = match self.options.use_signer {
            true => {
                let signed = self.get_signer(settings)?.sign(id.as_bytes());
                String::from_utf8_lossy(&signed).into_owned()
            }
            false => id,
        };
        let expires = self.get_expiration_time(settings, session);
        let expires = expires.map(|unix| i64::try_from(unix).unwrap_or(i64::MAX));
        let cookie = SetCookie::new(name, value).expires(expires);
        response.set_cookie(self.cookie(settings, cookie), now)?;
        response.vary_add("Cookie");
        Ok(())
    }
    // ANCHOR_END: save_session

    fn may_block(&self) -> bool {
        self.store.may_block()
    }
}

/// `PERMANENT_SESSION_LIFETIME`, which is every stored session's, permanent or not.
fn lifetime(settings: &Settings) -> Lifetime {
    Lifetime {
        now: settings.clock.now(),
        seconds: settings.permanent_session_lifetime.as_secs().max(1),
    }
}

/// A session that [`ServerSideSessionInterface::sessions`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundSession {
    /// Its id, where the store knows it. Whoever has it has the session: don't show it.
    pub id: Option<String>,
    /// What is in it.
    pub data: Dict,
}

impl fmt::Debug for ServerSideSessionInterface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSideSessionInterface")
            .field("store", &self.store.name())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
