//! Sessions: what a user's next request can still know.
//!
//! Mirrors `flask/sessions.py`. [`Session`] is the dict, with the flags that decide whether it is
//! saved; [`SessionInterface`] opens and saves it; [`SecureCookieSessionInterface`] keeps it in a
//! signed cookie.
//!
//! Read next: `interface.rs`, then `secure_cookie.rs`.

mod interface;
mod secure_cookie;
mod serialization;
mod server_side;
pub mod store;
mod stored;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use interface::SessionInterface;
pub(crate) use interface::{make_null_session, open_session, save_session};
pub use secure_cookie::SecureCookieSessionInterface;
pub use serialization::Format;
pub use server_side::{FoundSession, ServerSideSessionInterface};

use crate::error::Error;
use crate::json;
use crate::python::truth;
use crate::trace::SessionState;
use crate::value::{Dict, Value};
use stored::Stored;

/// A session's dict and its flags. Flask: `SecureCookieSession`, `NullSession` and `SessionMixin`.
///
/// Reading takes the value out as any type that serde can build; writing takes any that serde can
/// take apart. A tuple, bytes, a UUID or a datetime that a Flask app put in is kept as it is.
///
/// ```
/// use carafe::{App, Scaffold, session};
/// let mut app = App::new("shop");
/// app.config().set_secret_key("adavafa");
/// app.route("/count", || {
///     let n: u32 = session().get("n").unwrap_or(0) + 1;
///     session().insert("n", n)?;
///     Ok::<_, carafe::Error>(format!("visit {n}"))
/// });
/// let mut client = app.test_client();
/// assert_eq!(client.get("/count").send()?.text(), "visit 1");
/// assert_eq!(client.get("/count").send()?.text(), "visit 2");
/// # Ok::<(), carafe::Error>(())
/// ```
pub struct Session {
    data: Mutex<Dict>,
    /// What every request asks of `data`, to be had without its lock: whether it is empty, and whether it says that
    /// the session is permanent.
    empty: AtomicBool,
    permanent: AtomicBool,
    new: bool,
    modified: AtomicBool,
    accessed: AtomicBool,
    /// A null session can be read, and every write to it fails.
    null: bool,
    /// What it knows of its store, if it is from one.
    stored: Option<Box<Stored>>,
}

/// What a write to a session without a secret key fails with. Its words are Flask's.
const NO_SECRET_KEY: &str = "The session is unavailable because no secret key was set.  Set the \
secret_key on the application to something unique and secret.";

impl Session {
    /// A session that was opened with `data` in it.
    #[must_use]
    pub fn from_data(data: Dict) -> Self {
        Session {
            empty: AtomicBool::new(data.is_empty()),
            permanent: AtomicBool::new(is_permanent(&data)),
            data: Mutex::new(data),
            new: false,
            modified: AtomicBool::new(false),
            accessed: AtomicBool::new(false),
            null: false,
            stored: None,
        }
    }

    /// One that is kept in a store.
    fn of_store(data: Dict, new: bool, stored: Stored) -> Self {
        Session {
            new,
            stored: Some(Box::new(stored)),
            ..Session::from_data(data)
        }
    }

    fn stored(&self) -> Option<&Stored> {
        self.stored.as_deref()
    }

    /// An empty session for a client that brought none.
    #[must_use]
    pub fn new() -> Self {
        Session {
            new: true,
            ..Session::from_data(Dict::new())
        }
    }

    /// Flask's `NullSession`: empty, and every write to it fails.
    #[must_use]
    pub fn null() -> Self {
        Session {
            null: true,
            ..Session::from_data(Dict::new())
        }
    }

    /// Whether this is a null session.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.null
    }

    fn lock(&self) -> MutexGuard<'_, Dict> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<R>(&self, change: impl FnOnce(&mut Dict) -> R) -> Result<R, Error> {
        if self.null {
            return Err(Error::runtime(NO_SECRET_KEY));
        }
        Ok(change(&mut Writing(self, self.lock()).1))
    }

    // ANCHOR: insert
    /// `session[key] = value`.
    ///
    /// # Errors
    /// A `RuntimeError` on a null session; a `TypeError` where `value` cannot be kept in a session.
    pub fn insert<K>(&self, key: K, value: impl Serialize) -> Result<(), Error>
    where
        K: AsRef<str> + Into<String>,
    {
        let value = json::to_value(&value)?;
        self.write(|data| {
            match data.get_mut(key.as_ref()) {
                Some(there) => *there = value,
                None => _ = data.insert(key.into(), value),
            }
            self.set_modified(true);
        })
    }
    // ANCHOR_END: insert

    /// `session.get(key)`: `None` where there is none, or one that is no `T`.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let value = self.lock().get(key).cloned()?;
        json::from_value(value).ok()
    }

    /// `session.pop(key, None)`: takes a value out.
    ///
    /// # Errors
    /// A `RuntimeError` on a null session.
    pub fn pop(&self, key: &str) -> Result<Option<Value>, Error> {
        self.write(|data| {
            let value = data.shift_remove(key);
            if value.is_some() {
                self.set_modified(true);
            }
            value
        })
    }

    /// [`Session::pop`], as any type that serde can build: `let cart: Option<Vec<u32>> = session().pop_as("cart")?`. A
    /// value that is no `T` stays where it is.
    ///
    /// # Errors
    /// A `RuntimeError` on a null session.
    pub fn pop_as<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let value = self.get(key);
        // A null session has nothing to take out, and refuses all the same.
        if value.is_some() || self.null {
            self.pop(key)?;
        }
        Ok(value)
    }

    /// `session.setdefault(key, value)`: the value that is there, or else this one, which is put in.
    ///
    /// ```
    /// let session = carafe::Session::new();
    /// assert_eq!(session.setdefault("token", "b5c1".to_owned())?, "b5c1");
    /// assert_eq!(session.setdefault("token", "70ef".to_owned())?, "b5c1");
    /// # Ok::<(), carafe::Error>(())
    /// ```
    ///
    /// # Errors
    /// A `RuntimeError` on a null session; a `TypeError` where `value` cannot be kept in a session, and an error where the
    /// one that is there is no `T`.
    pub fn setdefault<T>(&self, key: &str, value: T) -> Result<T, Error>
    where
        T: Serialize + DeserializeOwned,
    {
        let default = json::to_value(&value)?;
        let there = self.write(|data| {
            let there = data.get(key).cloned();
            if there.is_none() {
                data.insert(key.to_owned(), default);
                self.set_modified(true);
            }
            there
        })?;
        there.map_or(Ok(value), |there| Ok(json::from_value(there)?))
    }

    /// `session.clear()`: an emptied session is deleted at the end of the request. A session from a
    /// store stays as permanent as it was.
    ///
    /// # Errors
    /// A `RuntimeError` on a null session.
    pub fn clear(&self) -> Result<(), Error> {
        self.write(|data| {
            let permanent = data.shift_remove("_permanent");
            data.clear();
            if let Some(stored) = self.stored() {
                stored.clear();
                let permanent = permanent.unwrap_or(Value::Bool(false));
                data.insert("_permanent".to_owned(), permanent);
            }
            self.set_modified(true);
        })
    }

    // ANCHOR: update
    /// Changes the dict in place, for nested values, and marks the session modified. `change` must
    /// not use this session.
    ///
    /// # Errors
    /// A `RuntimeError` on a null session.
    pub fn update<R>(&self, change: impl FnOnce(&mut Dict) -> R) -> Result<R, Error> {
        self.write(|data| {
            self.set_modified(true);
            change(data)
        })
    }
    // ANCHOR_END: update

    /// Looks at the dict in place. `look` must not use this session.
    pub fn with<R>(&self, look: impl FnOnce(&Dict) -> R) -> R {
        look(&self.lock())
    }

    /// `dict(session)`: a copy of all that is in it.
    #[must_use]
    pub fn to_dict(&self) -> Dict {
        self.lock().clone()
    }

    /// `key in session`.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.lock().contains_key(key)
    }

    /// `len(session)`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// `not session`. Whether it is permanent does not count in a session from a store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Some(stored) = self.stored() else {
            return self.empty.load(Ordering::Relaxed);
        };
        let data = self.lock();
        let is_empty = data.is_empty() || (data.len() == 1 && data.contains_key("_permanent"));
        is_empty && stored.is_empty()
    }

    /// `session.sid`: the id under which a store keeps it, or will. Whoever has it has the session:
    /// don't show it. `None` for a session that is not from a store.
    #[must_use]
    pub fn sid(&self) -> Option<String> {
        self.stored()?.id().ok()
    }

    /// Gives a session from a store a new id when it is saved, and makes the old one worthless. For a
    /// login, and wherever else a visitor gets to do more than before. Nothing else changes; a session
    /// that is not from a store has no id, and is left alone. Flask-Session:
    /// `session_interface.regenerate(session)`.
    pub fn regenerate(&self) {
        if let Some(stored) = self.stored() {
            stored.regenerate();
            if !self.is_empty() {
                self.set_modified(true);
            }
        }
    }

    /// `session.permanent`: whether it outlives the browser. It is kept in the session itself, as
    /// `_permanent`.
    #[must_use]
    pub fn permanent(&self) -> bool {
        self.permanent.load(Ordering::Relaxed)
    }

    /// `session.permanent = ...`. It modifies the session, even where it was so already.
    ///
    /// # Errors
    /// A `RuntimeError` on a null session.
    pub fn set_permanent(&self, permanent: bool) -> Result<(), Error> {
        self.insert("_permanent", permanent)
    }

    /// `session.new`: whether the client brought none that could be opened.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.new
    }

    /// `session.modified`: whether it will be saved.
    #[must_use]
    pub fn modified(&self) -> bool {
        self.modified.load(Ordering::Relaxed)
    }

    /// `session.modified = ...`.
    pub fn set_modified(&self, modified: bool) {
        self.modified.store(modified, Ordering::Relaxed);
    }

    /// `session.accessed`: whether the response depends on it (`Vary: Cookie`).
    #[must_use]
    pub fn accessed(&self) -> bool {
        self.accessed.load(Ordering::Relaxed)
    }

    pub(crate) fn mark_accessed(&self) {
        self.accessed.store(true, Ordering::Relaxed);
    }

    /// A copy for a trace, unless the session is in use at this very moment.
    pub(crate) fn peek(&self) -> Option<SessionState> {
        let data = match self.data.try_lock() {
            Ok(data) => data,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(SessionState {
            data: data.clone(),
            new: self.new,
            modified: self.modified(),
            accessed: self.accessed(),
            null: self.null,
        })
    }
}

/// A change of the dict, whose end is noted even where it panics.
struct Writing<'a>(&'a Session, MutexGuard<'a, Dict>);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let Writing(session, data) = self;
        let permanent = is_permanent(data);
        session.empty.store(data.is_empty(), Ordering::Relaxed);
        session.permanent.store(permanent, Ordering::Relaxed);
    }
}

/// Whether it says that it is to outlive the browser.
fn is_permanent(data: &Dict) -> bool {
    data.get("_permanent").is_some_and(truth)
}

impl Default for Session {
    fn default() -> Self {
        Session::new()
    }
}

impl fmt::Debug for Session {
    /// Shows the flags and the keys, not the values: they are the user's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(if self.null { "NullSession" } else { "Session" })
            .field("keys", &self.lock().keys().collect::<Vec<_>>())
            .field("new", &self.new)
            .field("modified", &self.modified())
            .field("accessed", &self.accessed())
            .finish()
    }
}
