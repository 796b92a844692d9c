//! `ServerSideSessionInterface`: the browser has an id, the data is in a store.
//!
//! Mirrors the class of that name in `flask_session/base.py` of Flask-Session 0.8.0, which a Flask app may
//! use on the same store at the same time. Where that writes a session that nobody has changed once more,
//! to set its expiry anew, Carafe touches it instead: the same round trip, and no other request's
//! write is undone by it.
//!
//! Read next: `stored.rs`, what a session knows of its store; `server_side/builder.rs` and `server_side/all.rs`,
//! what an app may ask of an interface; then `store/`, where the data goes, and `serialization/`, as what.

mod all;
mod builder;
mod calls;

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

pub use self::all::FoundSession;
use self::builder::Options;
use self::calls::Calls;
use super::serialization::{self, Format};
use super::store::{Lifetime, Store, StoreError, StoreErrorKind};
use super::stored::Stored;
use super::{Session, SessionInterface};
use crate::config::Settings;
use crate::error::Error;
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

/// No store has to take a longer id, unless the app's own are longer.
const MAX_ID: usize = 255;

impl ServerSideSessionInterface {
    /// Gives the session a new id: [`Session::regenerate`].
    pub fn regenerate(&self, session: &Session) {
        session.regenerate();
    }

    fn format(&self) -> Format {
        self.store.format().unwrap_or(self.options.format)
    }

    /// The store, as all calls of it go.
    fn calls(&self) -> Calls<'_> {
        Calls {
            store: &*self.store,
            key_prefix: &self.options.key_prefix,
            format: self.format(),
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
    /// Saves the session, which is not empty. Returns the id that it has in the store now, or nothing: another
    /// request may have ended it.
    fn save(
        &self,
        settings: &Settings,
        session: &Session,
        stored: &Stored,
    ) -> Result<Option<String>, StoreError> {
        let lifetime = lifetime(settings);
        let (id, state) = stored.lock_with_id()?;
        if state.is_stored && !session.modified() {
            drop(state);
            let is_there = self.calls().touch(&id, lifetime)?;
            return Ok(is_there.then_some(id));
        }
        let (old_id, opened) = (state.old_id.clone(), state.opened.clone());
        // Not held while the store works.
        drop(state);
        let bytes = session
            .with(|data| serialization::encode(data, &stored.lock().odd, self.format()))
            .map_err(|error| self.error(StoreErrorKind::Unstorable, error))?;
        let opened = opened.filter(|_| self.options.optimistic);
        match (&old_id, opened) {
            // The new one is there before the old one goes: whatever fails, one of them is left.
            (Some(old_id), opened) => {
                if let Some(opened) = opened {
                    self.compare_and_set(old_id, &opened, &opened, lifetime)?;
                }
                self.calls().set(&id, &bytes, lifetime)?;
                stored.lock().is_stored = true;
                self.calls().delete(old_id)?;
            }
            (None, Some(opened)) => self.compare_and_set(&id, &opened, &bytes, lifetime)?,
            (None, None) => self.calls().set(&id, &bytes, lifetime)?,
        }
        let mut state = stored.lock();
        if state.id.as_ref() == Some(&id) {
            state.is_stored = true;
            state.old_id = None;
            state.opened = self.options.optimistic.then_some(bytes);
        } else {
            // Another thread has asked for a new id meanwhile. That came too late for this response.
            state.old_id = Some(id.clone());
        }
        Ok(Some(id))
    }
    // ANCHOR_END: save

    fn compare_and_set(
        &self,
        id: &str,
        opened: &[u8],
        bytes: &[u8],
        lifetime: Lifetime,
    ) -> Result<(), StoreError> {
        if self.calls().compare_and_set(id, opened, bytes, lifetime)? {
            return Ok(());
        }
        Err(self.error(
            StoreErrorKind::Conflict,
            "another request has saved the session in between",
        ))
    }

    /// Gives the browser the session's id.
    fn set_cookie(
        &self,
        settings: &Arc<Settings>,
        session: &Session,
        id: String,
        response: &mut Response,
    ) -> Result<(), Error> {
        let value = match self.options.use_signer {
            true => {
                let signed = self.get_signer(settings)?.sign(id.as_bytes());
                String::from_utf8_lossy(&signed).into_owned()
            }
            false => id,
        };
        let expires = self.get_expiration_time(settings, session);
        let expires = expires.map(|unix| i64::try_from(unix).unwrap_or(i64::MAX));
        let cookie = SetCookie::new(self.get_cookie_name(settings), value).expires(expires);
        response.set_cookie_at(self.cookie(settings, cookie), settings.clock.now())?;
        response.vary_add("Cookie");
        Ok(())
    }

    /// Deletes the session wherever it is.
    fn delete(&self, stored: &Stored) -> Result<(), StoreError> {
        let state = stored.lock().clone();
        let id = state.id.filter(|_| state.is_stored);
        for id in [id, state.old_id].into_iter().flatten() {
            self.calls().delete(&id)?;
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
        let found = self.calls().get(&id, settings.clock.now())?;
        let Some(bytes) = found.filter(|bytes| !bytes.is_empty()) else {
            // Never take an id that the client made up.
            return Ok(Some(self.new_session()));
        };
        let content = serialization::decode(&bytes, self.format())
            .map_err(|error| self.error(StoreErrorKind::Unreadable, error))?;
        let Some(content) = content else {
            return Ok(Some(self.new_session()));
        };
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
        let state = stored.lock();
        let has_moved = state.is_stored && state.old_id.is_some();
        let has_failed = state.has_failed;
        drop(state);
        // ANCHOR: has_failed
        if has_failed {
            // This is the error's page. Nothing is tried twice; but where the session has moved and only
            // its old place is not certain to be gone, the browser has to know the new one.
            return match has_moved {
                true => self.set_cookie(settings, session, stored.id()?, response),
                false => Ok(()),
            };
        }
        // ANCHOR_END: has_failed
        if session.is_empty() {
            if session.modified() {
                self.delete(stored)
                    .inspect_err(|_| stored.lock().has_failed = true)?;
                let name = self.get_cookie_name(settings);
                let cookie = self.cookie(settings, SetCookie::deletion(name));
                response.set_cookie_at(cookie, settings.clock.now())?;
                response.vary_add("Cookie");
            }
            return Ok(());
        }
        if !session.modified() && !settings.session_refresh_each_request {
            return Ok(());
        }
        let saved = self
            .save(settings, session, stored)
            .inspect_err(|_| stored.lock().has_failed = true)?;
        match saved.filter(|_| self.should_set_cookie(settings, session)) {
            Some(id) => self.set_cookie(settings, session, id, response),
            None => Ok(()),
        }
    }
    // ANCHOR_END: save_session

    fn may_block(&self) -> bool {
        self.store.may_block()
    }

    fn keeps_in_cookie(&self) -> bool {
        false
    }
}

/// `PERMANENT_SESSION_LIFETIME`, which is every stored session's, permanent or not.
fn lifetime(settings: &Settings) -> Lifetime {
    Lifetime {
        now: settings.clock.now(),
        seconds: settings.permanent_session_lifetime.as_secs().max(1),
    }
}

impl fmt::Debug for ServerSideSessionInterface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSideSessionInterface")
            .field("store", &self.store.name())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
