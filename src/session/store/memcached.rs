//! `MemcachedStore`: sessions in memcached, in one server or in several.
//!
//! Mirrors `flask_session/memcached/memcached.py`, with pymemcache as its client. Memcached is a cache: it
//! drops what was not used for longest where it has no room, and all of it when it restarts. Sessions
//! that have to last belong elsewhere.
//!
//! Read next: `memcached/connection.rs`, what is on the wire; `memcached/hash.rs`, which server has a key.

mod connection;
mod hash;

use std::fmt;
use std::time::Duration;

use super::pool::{Deadline, Pool};
use super::url::{POOL, TIMEOUT};
use super::{Ability, Again, Lifetime, Store, StoreError, StoreErrorKind, StoreUrl, show_command};
use crate::clock::{Clock, SystemClock};
use connection::{Address, Connection, Failure};

/// Keeps sessions in memcached. To share one, clone an `Arc` of it.
///
/// It connects when the first request needs it, and again after a connection was lost. While a server is
/// down, its sessions are an error; they do not move to another one, where they would be empty.
///
/// A server that is full drops what was not used for longest. One that is told not to (`-M`) refuses to
/// save instead, and drops the session that was to be saved: only of a large one, from 64 KB on, the old
/// value stays.
///
/// ```no_run
/// use carafe::App;
/// use carafe::session::ServerSideSessionInterface;
/// use carafe::session::store::{MemcachedOptions, MemcachedStore};
/// let servers = ["10.0.0.1:11211", "10.0.0.2:11211"];
/// let store = MemcachedStore::new(servers, MemcachedOptions::default())?;
/// let mut app = App::new("shop");
/// app.session_interface(ServerSideSessionInterface::new(store));
/// # Ok::<(), carafe::session::store::StoreError>(())
/// ```
pub struct MemcachedStore {
    /// `host:port` of each server, or the path of its socket: what pymemcache calls it, and chooses it by.
    names: Vec<String>,
    pools: Vec<Pool<Address>>,
    options: MemcachedOptions,
}

/// How a [`MemcachedStore`] uses its servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemcachedOptions {
    /// How long a command may take in all: the wait for a connection, opening one, and the answer. 5
    /// seconds by default. Looking up a host's name is the system's, with a
    /// timeout of its own.
    pub timeout: Duration,
    /// How many connections there are at most, to each server; 8 by default. Further requests wait.
    pub pool: u32,
}

impl Default for MemcachedOptions {
    fn default() -> Self {
        MemcachedOptions {
            timeout: TIMEOUT,
            pool: POOL,
        }
    }
}

/// The store of a `memcached://host:port,/path/of/a/socket` URL.
pub(super) fn open(mut url: StoreUrl) -> Result<Box<dyn Store>, StoreError> {
    let options = MemcachedOptions {
        timeout: url.take_timeout()?,
        pool: url.take_pool()?,
    };
    let url = url.finish()?;
    let servers = url.split_once("://").map_or("", |(_, servers)| servers);
    let servers = servers.trim_end_matches('/').split(',');
    Ok(Box::new(MemcachedStore::new(servers, options)?))
}

impl MemcachedStore {
    /// Keeps sessions in these servers: `host:port`, or `host` for port 11211, or `/path/of/a/socket`, with `unix:` before
    /// it or without. A Flask app that shares them has to give its `HashClient` the very same names: `localhost` is not
    /// `127.0.0.1`.
    ///
    /// # Errors
    /// Of the kind [`Config`](StoreErrorKind::Config) where there is no server, or a name is none.
    pub fn new<T: AsRef<str>>(
        servers: impl IntoIterator<Item = T>,
        options: MemcachedOptions,
    ) -> Result<Self, StoreError> {
        let (mut names, mut pools) = (Vec::new(), Vec::new());
        for server in servers {
            let address = parse(server.as_ref().trim())?;
            names.push(address.to_string());
            pools.push(Pool::new(address, options.pool));
        }
        if names.is_empty() {
            return Err(StoreError::config("memcached", "no server is named"));
        }
        Ok(MemcachedStore {
            names,
            pools,
            options,
        })
    }

    /// Runs one exchange with the server that has this key.
    fn run<R>(
        &self,
        key: &str,
        again: Again,
        exchange: impl Fn(&mut Connection, Deadline) -> Result<R, Failure>,
    ) -> Result<R, StoreError> {
        let index = match self.names.len() {
            1 => 0,
            _ => hash::choose(&self.names, key).unwrap_or_default(),
        };
        let (Some(pool), Some(name)) = (self.pools.get(index), self.names.get(index)) else {
            return Err(StoreError::config("memcached", "no server is named"));
        };
        let by = Deadline::after(self.options.timeout);
        pool.run(by, again, exchange).map_err(|failure| {
            let kind = match &failure {
                Failure::Refused(line) if line.contains("too large") => StoreErrorKind::Unstorable,
                _ => StoreErrorKind::Unavailable,
            };
            StoreError::new("memcached", kind, format!("{name}: {failure}")).with_source(failure)
        })
    }

    fn store(
        &self,
        command: &'static str,
        key: &str,
        value: &[u8],
        lifetime: Lifetime,
        token: &str,
    ) -> Result<bool, StoreError> {
        if !is_key(key) {
            let message = format!(
                "a key of {} bytes is too long, or its prefix has a space in it",
                key.len()
            );
            let kind = StoreErrorKind::Unstorable;
            return Err(StoreError::new("memcached", kind, message));
        }
        let expires = expires(lifetime, SystemClock.now());
        show_command("memcached", format_args!("{command}, expires {expires}"));
        let again = match command {
            "add" | "cas" => Again::No,
            _ => Again::Harmless,
        };
        self.run(key, again, |connection, by| {
            connection.store(command, key, value, expires, token, by)
        })
    }
}

fn parse(server: &str) -> Result<Address, StoreError> {
    let refused = || {
        let message = format!("{server:?} is no server: write host:port, or the path of a socket");
        StoreError::config("memcached", message)
    };
    let path = server.strip_prefix("unix:").unwrap_or(server);
    if path.starts_with('/') {
        return Ok(Address::Unix(path.to_owned()));
    }
    if server.contains('@') {
        // It may be a password that stands before it.
        let message = "memcached is not told of a user: write host:port";
        return Err(StoreError::config("memcached", message));
    }
    let (host, port) = match server.rsplit_once(':') {
        // The colons of an IPv6 address are no port's, unless it is in brackets.
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port),
        _ => (server, "11211"),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() || host.contains(|char: char| char.is_whitespace() || char == '/') {
        return Err(refused());
    }
    Ok(Address::Tcp {
        host: host.to_owned(),
        port: port.parse().map_err(|_| refused())?,
    })
}

// ANCHOR: is_key
/// Whether memcached takes it: at most 250 bytes, no space and no control character.
fn is_key(key: &str) -> bool {
    let fits = (1..=250).contains(&key.len());
    fits && key.bytes().all(|byte| byte > b' ' && byte != 0x7f)
}
// ANCHOR_END: is_key

// ANCHOR: expires
/// When memcached is to drop it; `now` is by the machine's clock, not the app's, since memcached compares it with its
/// own. Up to 30 days it takes seconds from now on. What is more than that it
/// takes for a Unix time, so it has to be one; and one beyond 2038 it does not read.
fn expires(lifetime: Lifetime, now: u64) -> u64 {
    const THIRTY_DAYS: u64 = 60 * 60 * 24 * 30;
    const NEVER: u64 = 0;
    match lifetime.seconds {
        seconds @ ..=THIRTY_DAYS => seconds,
        seconds => match now.saturating_add(seconds) {
            ends if i32::try_from(ends).is_ok() => ends,
            _ => NEVER,
        },
    }
}
// ANCHOR_END: expires

/// From how many bytes on a value may be too large for a server. The limit is 1 MiB, unless it is
/// started with another one.
const LARGE: usize = 64 * 1024;

impl Store for MemcachedStore {
    fn name(&self) -> &'static str {
        "memcached"
    }

    // ANCHOR: get
    fn get(&self, key: &str, _now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        // A client that made up an id that memcached cannot have gets a new one.
        if !is_key(key) {
            return Ok(None);
        }
        show_command("memcached", format_args!("gets"));
        let found = self.run(key, Again::Harmless, |connection, by| {
            connection.get(key, by)
        })?;
        Ok(found.map(|found| found.value))
    }
    // ANCHOR_END: get

    // ANCHOR: set
    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        // Where memcached refuses a `set` as too large, it drops the old value too; a `replace` it
        // refuses without.
        if value.len() >= LARGE && self.store("replace", key, value, lifetime, "")? {
            return Ok(());
        }
        match self.store("set", key, value, lifetime, "")? {
            true => Ok(()),
            false => Err(StoreError::unavailable("memcached", "it did not store it")),
        }
    }
    // ANCHOR_END: set

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        if !is_key(key) {
            return Ok(());
        }
        show_command("memcached", format_args!("delete"));
        self.run(key, Again::Harmless, |connection, by| {
            connection.delete(key, by)
        })?;
        Ok(())
    }

    fn touch(&self, key: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        if !is_key(key) {
            return Ok(false);
        }
        let expires = expires(lifetime, SystemClock.now());
        show_command("memcached", format_args!("touch, expires {expires}"));
        self.run(key, Again::Harmless, |connection, by| {
            connection.touch(key, expires, by)
        })
    }

    fn can(&self, ability: Ability) -> bool {
        ability == Ability::CompareAndSet
    }

    // ANCHOR: compare_and_set
    fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        lifetime: Lifetime,
    ) -> Result<bool, StoreError> {
        let Some(expected) = expected else {
            return self.store("add", key, value, lifetime, "");
        };
        if !is_key(key) {
            return Ok(false);
        }
        // Memcached compares no values, but tokens, of which each write has its own.
        show_command("memcached", format_args!("gets"));
        let found = self.run(key, Again::Harmless, |connection, by| {
            connection.get(key, by)
        })?;
        match found.filter(|found| found.value == expected) {
            Some(found) => self.store("cas", key, value, lifetime, &format!(" {}", found.token)),
            None => Ok(false),
        }
    }
    // ANCHOR_END: compare_and_set
}

impl fmt::Debug for MemcachedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemcachedStore")
            .field("servers", &self.names)
            .field("options", &self.options)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, Lifetime, expires, is_key, parse};

    #[test]
    fn more_than_30_days_are_a_time_and_not_a_number_of_seconds() {
        let now = 1_700_000_000;
        let expires = |seconds| expires(Lifetime { now, seconds }, now);
        assert_eq!(expires(1), 1);
        assert_eq!(expires(2_592_000), 2_592_000);
        assert_eq!(expires(2_592_001), now + 2_592_001);
        assert_eq!(expires(u64::from(i32::MAX as u32) - now), i32::MAX as u64);
        assert_eq!(expires(u64::from(i32::MAX as u32)), 0);
        assert_eq!(expires(u64::MAX), 0);
    }

    #[test]
    fn a_key_is_what_memcached_takes_for_one() {
        let long = "x".repeat(250);
        for key in ["session:id", "x", "größe", &long] {
            assert!(is_key(key), "{key}");
        }
        let longer = "x".repeat(251);
        for key in ["", "a b", "a\r\nflush_all", "a\u{7f}", "a\tb", &longer] {
            assert!(!is_key(key), "{key}");
        }
    }

    #[test]
    fn a_server_has_a_host_and_perhaps_a_port_or_it_is_a_path() {
        let address = |server| match parse(server).unwrap() {
            Address::Tcp { host, port } => format!("{host} {port}"),
            Address::Unix(path) => path,
        };
        assert_eq!(address("a.example:1"), "a.example 1");
        assert_eq!(address("a.example"), "a.example 11211");
        assert_eq!(address("[::1]:22122"), "::1 22122");
        assert_eq!(address("[::1]"), "::1 11211");
        assert_eq!(address("::1"), "::1 11211");
        assert_eq!(address("/run/a:1"), "/run/a:1");
        assert_eq!(address("unix:/run/a b"), "/run/a b");
        for server in ["", ":1", "a:b", "a:70000", "a b:1", "a/b", "unix:a"] {
            assert!(parse(server).is_err(), "{server}");
        }
    }
}
