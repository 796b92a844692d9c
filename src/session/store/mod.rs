//! `Store`: where the data of server-side sessions is kept, under keys, for a time.
//!
//! Flask-Session has an abstract class with four methods for it (`flask_session/base.py`). Here it is a
//! trait that knows bytes and keys, nothing of sessions, cookies or formats: those are
//! `server_side.rs`'s. Four methods have to be written, one of which is a name; the others are abilities that a store may have.
//!
//! Read next: `memory.rs`, the shortest store, then any other: they are of one shape. `open.rs` lists
//! them all, `../server_side.rs` calls them.

mod config;
#[cfg(feature = "encryption")]
mod encrypted;
mod error;
mod files;
#[cfg(feature = "memcached")]
mod memcached;
mod memory;
#[cfg(feature = "mongodb")]
mod mongodb;
mod open;
#[cfg(any(feature = "redis", feature = "memcached"))]
mod pool;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod sql;
mod url;
#[cfg(any(
    feature = "sqlite",
    feature = "postgres",
    feature = "mysql",
    feature = "mongodb"
))]
mod workers;

#[cfg(feature = "redis")]
pub use self::redis::{RedisOptions, RedisStore};
pub(crate) use config::from_config;
#[cfg(feature = "encryption")]
pub use encrypted::EncryptedStore;
pub use error::{StoreError, StoreErrorKind};
pub use files::{FileOptions, FileStore};
#[cfg(feature = "memcached")]
pub use memcached::{MemcachedOptions, MemcachedStore};
pub use memory::MemoryStore;
#[cfg(feature = "mongodb")]
pub use mongodb::{MongoOptions, MongoStore};
pub use open::{Scheme, open, schemes};
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use sql::{Database, SqlOptions, SqlStore};
pub(crate) use url::StoreUrl;

use std::fmt;
use std::sync::Arc;

use super::serialization::Format;

// ANCHOR: store
/// A place for the data of sessions: bytes under a key, for a time.
///
/// The key is the prefix and the session's id, as in Flask-Session. An id is at most 255 printable ASCII
/// characters, none of them a space; but a client may have made it up, so it is no path and no part of a
/// query's text.
///
/// A method that fails loses nothing that was there before. It takes no longer than the store's timeout.
///
/// ```
/// use carafe::session::store::{Lifetime, MemoryStore, Store};
/// let store = MemoryStore::new();
/// let now = 1_700_000_000;
/// store.set("session:id", b"data", Lifetime { now, seconds: 60 })?;
/// assert_eq!(store.get("session:id", now + 60)?.as_deref(), Some(&b"data"[..]));
/// assert_eq!(store.get("session:id", now + 61)?, None);
/// # Ok::<(), carafe::session::store::StoreError>(())
/// ```
pub trait Store: Send + Sync {
    /// What it is called in errors and in traces, like `redis`.
    fn name(&self) -> &'static str;

    /// The bytes under `key`; `None` where there are none, or none any more. `now` is in Unix seconds,
    /// for a store that keeps the time itself.
    ///
    /// # Errors
    /// Where the store cannot say. Never where it knows that there are none.
    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps `value` under `key`, instead of what may be there, from now on for `lifetime`.
    ///
    /// # Errors
    /// Where it is not certain that they are kept.
    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError>;

    /// Removes what is under `key`, if there is anything.
    ///
    /// # Errors
    /// Where it is not certain that it is gone.
    fn delete(&self, key: &str) -> Result<(), StoreError>;
    // ANCHOR_END: store

    // ANCHOR: store_touch
    /// Keeps what is under `key` for another `lifetime` from now, and tells whether there is anything.
    /// A store that can do so without the value overrides this: what another request has written in
    /// between stays, and what it has deleted stays deleted.
    ///
    /// # Errors
    /// As [`set`](Store::set).
    fn touch(&self, key: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        let Some(value) = self.get(key, lifetime.now)? else {
            return Ok(false);
        };
        self.set(key, &value, lifetime)?;
        Ok(true)
    }
    // ANCHOR_END: store_touch

    // ANCHOR: store_abilities
    /// Whether it has an ability that not every store has.
    fn can(&self, _ability: Ability) -> bool {
        false
    }

    /// [`set`](Store::set), in one step, if `expected` is still what is under `key`; tells whether it
    /// was. With [`Ability::CompareAndSet`].
    ///
    /// # Errors
    /// As [`set`](Store::set); of the kind [`Unsupported`](StoreErrorKind::Unsupported) without the
    /// ability.
    fn compare_and_set(
        &self,
        _key: &str,
        _expected: Option<&[u8]>,
        _value: &[u8],
        _lifetime: Lifetime,
    ) -> Result<bool, StoreError> {
        Err(StoreError::unsupported(self.name(), Ability::CompareAndSet))
    }

    /// Shows each entry whose key starts with `prefix` to `visitor`, and deletes those of which it
    /// says so. Entries that come and go meanwhile may be shown or not. No lock is held while the visitor runs, which
    /// may use the store, and may take its time. With [`Ability::Visit`].
    ///
    /// # Errors
    /// Where the store fails on the way; of the kind [`Unsupported`](StoreErrorKind::Unsupported)
    /// without the ability.
    fn visit(
        &self,
        _prefix: &str,
        _now: u64,
        _visitor: &mut dyn FnMut(Entry<'_>) -> Verdict,
    ) -> Result<(), StoreError> {
        Err(StoreError::unsupported(self.name(), Ability::Visit))
    }

    /// Deletes what has expired, and tells how many entries that were. Nothing to do for a store that
    /// [expires](Store::expires_by_itself) them by itself.
    ///
    /// # Errors
    /// Where the store fails on the way.
    fn cleanup(&self, _now: u64) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// Whether what has expired goes away without [`cleanup`](Store::cleanup). Flask-Session: `ttl`.
    fn expires_by_itself(&self) -> bool {
        true
    }

    /// Whether a call may make the thread wait, as for a network or a disk.
    fn may_block(&self) -> bool {
        true
    }

    /// The one format that it takes, if it does not take just any bytes.
    fn format(&self) -> Option<Format> {
        None
    }
    // ANCHOR_END: store_abilities
}

/// From when on an entry is kept, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// The time by the app's clock, in Unix seconds.
    pub now: u64,
    /// How long, in seconds; at least 1.
    pub seconds: u64,
}

impl Lifetime {
    /// The last second in which the entry is there, in Unix seconds.
    #[must_use]
    pub fn ends(self) -> u64 {
        self.now.saturating_add(self.seconds)
    }
}

/// What a [`Store`] may be able to do, and need not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ability {
    /// [`Store::compare_and_set`]: what optimistic saves are made of.
    CompareAndSet,
    /// [`Store::visit`]: what "log out everywhere" is made of.
    Visit,
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CompareAndSet => "compare and set in one step",
            Self::Visit => "go through all of its sessions",
        })
    }
}

/// One entry that [`Store::visit`] shows.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its key, where the store knows it: a file's name is but a hash of it.
    pub key: Option<&'a str>,
    /// Its bytes.
    pub value: &'a [u8],
}

/// What becomes of an entry that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Keep,
    /// The store deletes it.
    Delete,
}

/// A shared store is a store: an app may keep a handle on it.
impl<S: Store + ?Sized> Store for Arc<S> {
    fn name(&self) -> &'static str {
        (**self).name()
    }
    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        (**self).get(key, now)
    }
    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        (**self).set(key, value, lifetime)
    }
    fn delete(&self, key: &str) -> Result<(), StoreError> {
        (**self).delete(key)
    }
    fn touch(&self, key: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        (**self).touch(key, lifetime)
    }
    fn can(&self, ability: Ability) -> bool {
        (**self).can(ability)
    }
    fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        lifetime: Lifetime,
    ) -> Result<bool, StoreError> {
        (**self).compare_and_set(key, expected, value, lifetime)
    }
    fn visit(
        &self,
        prefix: &str,
        now: u64,
        visitor: &mut dyn FnMut(Entry<'_>) -> Verdict,
    ) -> Result<(), StoreError> {
        (**self).visit(prefix, now, visitor)
    }
    fn cleanup(&self, now: u64) -> Result<u64, StoreError> {
        (**self).cleanup(now)
    }
    fn expires_by_itself(&self) -> bool {
        (**self).expires_by_itself()
    }
    fn may_block(&self) -> bool {
        (**self).may_block()
    }
    fn format(&self) -> Option<Format> {
        (**self).format()
    }
}

/// Whether a command may be given once more, over another connection, when it is not known whether the server has
/// carried it out. One that compares may not: the second time it would find what the first one wrote, and nobody could
/// tell that from what another request wrote.
#[cfg(any(
    feature = "redis",
    feature = "memcached",
    feature = "mongodb",
    feature = "sqlite",
    feature = "postgres",
    feature = "mysql"
))]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    Harmless,
    No,
}

/// Shows a command that goes to a store to whoever traces: an event of the target `carafe::store`. The
/// command names no session's id and no value: whoever has the id has the session.
pub(crate) fn show_command(store: &'static str, command: fmt::Arguments<'_>) {
    tracing::debug!(target: "carafe::store", store, "{command}");
}
