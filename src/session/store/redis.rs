//! `RedisStore`: sessions in a Redis server, or in a cluster of them.
//!
//! Mirrors `flask_session/redis/redis.py`: one `GET` where a session is opened, one `SET` with its
//! lifetime where it is saved, and nothing else. Redis lets go of what has expired by itself. Any server
//! that speaks the protocol will do: Valkey, KeyDB, Dragonfly.
//!
//! Read next: `redis/node.rs`, the connections to one server; `redis/cluster.rs`, which server it is.

mod cluster;
mod node;

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use redis::{
    Client, Cmd, ConnectionInfo, ErrorKind, FromRedisValue, IntoConnectionInfo, RedisError, cmd,
};

use super::pool::Deadline;
use super::url::{POOL, TIMEOUT};
use super::{Ability, Again, Entry, Lifetime, Store, StoreError, StoreUrl, Verdict, show_command};
use cluster::Cluster;
use node::Node;

/// Keeps sessions in Redis. To share one, clone an `Arc` of it.
///
/// It connects when the first request needs it, and again after a connection was lost. A server that is
/// down when the app starts is no reason not to start.
///
/// ```no_run
/// use carafe::App;
/// use carafe::session::ServerSideSessionInterface;
/// use carafe::session::store::RedisStore;
/// let client = redis::Client::open("redis://127.0.0.1:6379/0")?; // The app's own.
/// let mut app = App::new("shop");
/// app.session_interface(ServerSideSessionInterface::new(RedisStore::new(client)));
/// # Ok::<(), redis::RedisError>(())
/// ```
pub struct RedisStore {
    servers: Servers,
    options: RedisOptions,
}

enum Servers {
    One(Box<Node>),
    Many(Cluster),
}

/// How a [`RedisStore`] uses its servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisOptions {
    /// How long a command may take: the wait for a connection, opening one, and the answer. 5 seconds by
    /// default. An answer that comes in pieces has this long for each piece. Looking up a host's name is the system's, with a
    /// timeout of its own.
    pub timeout: Duration,
    /// How many connections there are at most, to each server; 8 by default. Further requests wait.
    pub pool: u32,
}

impl Default for RedisOptions {
    fn default() -> Self {
        RedisOptions {
            timeout: TIMEOUT,
            pool: POOL,
        }
    }
}

impl RedisStore {
    /// Keeps sessions in the server of this client. Each connection is opened by the client, with
    /// whatever it was given: TLS, a user, a database.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self::with_options(client, RedisOptions::default())
    }

    /// The same, with options.
    #[must_use]
    pub fn with_options(client: Client, options: RedisOptions) -> Self {
        let servers = Servers::One(Box::new(Node::new(client, options.pool)));
        RedisStore { servers, options }
    }

    /// Keeps sessions in a cluster, of which these are some nodes; it tells what the others are. Each
    /// is spoken to as the first of these is: with its user, and TLS or none.
    ///
    /// # Errors
    /// Of the kind [`Config`](super::StoreErrorKind::Config) where there is no node, or one cannot be spoken to.
    ///
    /// ```no_run
    /// use carafe::session::store::{RedisOptions, RedisStore};
    /// let nodes = ["redis://10.0.0.1:6379", "redis://10.0.0.2:6379"];
    /// let store = RedisStore::cluster(nodes, RedisOptions::default())?;
    /// # Ok::<(), carafe::session::store::StoreError>(())
    /// ```
    pub fn cluster<T: IntoConnectionInfo>(
        nodes: impl IntoIterator<Item = T>,
        options: RedisOptions,
    ) -> Result<Self, StoreError> {
        let refused = |error: RedisError| StoreError::config("redis", error.to_string());
        let nodes = nodes
            .into_iter()
            .map(IntoConnectionInfo::into_connection_info);
        let nodes = nodes.collect::<Result<Vec<_>, _>>().map_err(refused)?;
        let servers = Servers::Many(Cluster::new(nodes, options.pool).map_err(refused)?);
        Ok(RedisStore { servers, options })
    }

    fn deadline(&self) -> Deadline {
        Deadline::after(self.options.timeout)
    }

    /// Sends a command about this key, which is one of its arguments, to the server that has it.
    fn query<T: FromRedisValue>(&self, key: &str, command: &Cmd) -> Result<T, StoreError> {
        self.query_again(key, command, Again::Harmless)
    }

    fn query_again<T: FromRedisValue>(
        &self,
        key: &str,
        command: &Cmd,
        again: Again,
    ) -> Result<T, StoreError> {
        match &self.servers {
            Servers::One(node) => {
                let answer = node.query(command, self.deadline(), again);
                answer.map_err(|error| node.error(error))
            }
            Servers::Many(cluster) => cluster.query(key, command, self.deadline(), again),
        }
    }

    /// Shows what one server has, in as many pages as it takes.
    fn visit_node(
        &self,
        node: &Node,
        prefix: &str,
        seen: &mut Seen,
        visitor: &mut dyn FnMut(Entry<'_>) -> Verdict,
    ) -> Result<(), StoreError> {
        let mut cursor = String::from("0");
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(&cursor).arg("MATCH").arg(pattern(prefix));
            scan.arg("COUNT").arg(PAGE);
            let page: (String, Vec<Vec<u8>>) = node
                .query(&scan, self.deadline(), Again::Harmless)
                .map_err(|error| node.error(error))?;
            cursor = page.0;
            let keys = page.1.into_iter().map(String::from_utf8);
            let keys: Vec<String> = keys.flatten().filter(|key| seen.is_new(key)).collect();
            for (key, value) in keys.iter().zip(self.get_page(node, &keys)?) {
                let Some(value) = value else { continue };
                let entry = Entry {
                    key: Some(key),
                    value: &value,
                };
                if visitor(entry) == Verdict::Delete {
                    self.delete(key)?;
                }
            }
            if cursor == "0" {
                return Ok(());
            }
        }
    }

    /// The values of a page's keys, in one round trip.
    fn get_page(&self, node: &Node, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let gets: Vec<Cmd> = keys.iter().map(Cmd::get).collect();
        let answers = node
            .query_all(&gets, self.deadline(), Again::Harmless)
            .map_err(|error| node.error(error))?;
        let values = keys.iter().zip(answers).map(|(key, answer)| match answer {
            Ok(value) => Ok(value),
            // No session, but somebody's list.
            Err(error) if error.code() == Some("WRONGTYPE") => Ok(None),
            // It has moved to another server meanwhile.
            Err(_) => self.query(key, &Cmd::get(key)),
        });
        values.collect()
    }
}

/// How many keys a `SCAN` looks at: so many that a round trip is small beside it, so few that other
/// clients do not notice.
const PAGE: usize = 500;

/// What was shown already: `SCAN` may tell a key twice. Known by hashes, of which a million are 16 MB.
#[derive(Default)]
struct Seen {
    hasher: RandomState,
    hashes: HashSet<u64>,
}

impl Seen {
    fn is_new(&mut self, key: &str) -> bool {
        self.hashes.insert(self.hasher.hash_one(key))
    }
}

/// All keys that start so, as `MATCH` wants it: a backslash before what has a meaning there.
fn pattern(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for char in prefix.chars() {
        if matches!(char, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern.push('*');
    pattern
}

// ANCHOR: store
impl Store for RedisStore {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn get(&self, key: &str, _now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        show_command("redis", format_args!("GET"));
        self.query(key, &Cmd::get(key))
    }

    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        let seconds = seconds(lifetime);
        show_command("redis", format_args!("SET EX {seconds}"));
        let mut set = cmd("SET");
        set.arg(key).arg(value).arg("EX").arg(seconds);
        self.query(key, &set)
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        show_command("redis", format_args!("DEL"));
        self.query(key, &Cmd::del(key))
    }

    fn touch(&self, key: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        let seconds = seconds(lifetime);
        show_command("redis", format_args!("EXPIRE {seconds}"));
        self.query(key, cmd("EXPIRE").arg(key).arg(seconds))
    }
    // ANCHOR_END: store

    fn can(&self, ability: Ability) -> bool {
        matches!(ability, Ability::CompareAndSet | Ability::Visit)
    }

    // ANCHOR: compare_and_set
    fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        lifetime: Lifetime,
    ) -> Result<bool, StoreError> {
        let seconds = seconds(lifetime);
        let Some(expected) = expected else {
            show_command("redis", format_args!("SET NX EX {seconds}"));
            let mut set = cmd("SET");
            set.arg(key).arg(value).arg("NX").arg("EX").arg(seconds);
            return self.query_again(key, &set, Again::No);
        };
        show_command("redis", format_args!("EVAL: if GET, SET EX {seconds}"));
        let mut eval = cmd("EVAL");
        eval.arg(COMPARE_AND_SET).arg(1).arg(key);
        eval.arg(expected).arg(value).arg(seconds);
        self.query_again(key, &eval, Again::No)
    }
    // ANCHOR_END: compare_and_set

    /// Without an index of its own, so that saving costs nothing more: the whole database is gone
    /// through, 500 keys at a time.
    fn visit(
        &self,
        prefix: &str,
        _now: u64,
        visitor: &mut dyn FnMut(Entry<'_>) -> Verdict,
    ) -> Result<(), StoreError> {
        show_command("redis", format_args!("SCAN MATCH, GET"));
        let mut seen = Seen::default();
        match &self.servers {
            Servers::One(node) => self.visit_node(node, prefix, &mut seen, visitor),
            Servers::Many(cluster) => {
                for node in cluster.masters(self.deadline())? {
                    self.visit_node(&node, prefix, &mut seen, visitor)?;
                }
                Ok(())
            }
        }
    }
}

// ANCHOR: script
/// What Redis runs in one step, with nobody in between.
const COMPARE_AND_SET: &str = "\
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
    return 1
end
return 0";
// ANCHOR_END: script

/// Redis refuses a time that it cannot add to its own; a hundred years are as good.
fn seconds(lifetime: Lifetime) -> u64 {
    lifetime.seconds.min(100 * 365 * 24 * 60 * 60)
}

// ANCHOR: open
/// The store of a `redis:` or a `redis+cluster:` URL.
pub(super) fn open(mut url: StoreUrl) -> Result<Box<dyn Store>, StoreError> {
    let options = RedisOptions {
        timeout: url.take_timeout()?,
        pool: url.take_pool()?,
    };
    // redis-py's other way to write `/1`, and `user:password@`.
    let database = url.take_number("db")?;
    let (username, password) = (url.take("username"), url.take("password"));
    let shown = url.shown();
    let url = url.finish()?;
    let (scheme, rest) = url.split_once(':').unwrap_or((&url, ""));
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let refused = |error: RedisError| {
        let message = format!("{shown}: {error}");
        StoreError::config("redis", message).with_source(error)
    };
    let store = match scheme.strip_suffix("+cluster") {
        None => {
            let info = match scheme {
                "unix" | "redis+unix" => socket_info(rest),
                _ => info(&format!("{scheme}://{rest}")),
            };
            let info = info.map_err(refused)?;
            let mut redis = info.redis_settings().clone();
            if let Some(database) = database {
                redis = redis.set_db(i64::try_from(database).unwrap_or(i64::MAX));
            }
            if let Some(username) = username {
                redis = redis.set_username(username);
            }
            if let Some(password) = password {
                redis = redis.set_password(password);
            }
            let client = Client::open(info.set_redis_settings(redis)).map_err(refused)?;
            RedisStore::with_options(client, options)
        }
        Some(scheme) => {
            let (user, nodes) = match rest.rsplit_once('@') {
                Some((user, nodes)) => (format!("{user}@"), nodes),
                None => (String::new(), rest),
            };
            let nodes = nodes.trim_end_matches('/').split(',');
            let infos = nodes.map(|node| info(&format!("{scheme}://{user}{node}")));
            let infos = infos.collect::<Result<Vec<_>, _>>().map_err(refused)?;
            RedisStore::cluster(infos, options)?
        }
    };
    Ok(Box::new(store))
}
// ANCHOR_END: open

/// How to connect to the server of this URL.
fn info(url: &str) -> Result<ConnectionInfo, RedisError> {
    let info = url.into_connection_info()?;
    if info.redis_settings().db() < 0 {
        return Err((ErrorKind::InvalidClientConfig, "Invalid database number").into());
    }
    // A large session is not held back until the server has acknowledged its first part.
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    // Who we are is of no use to the server, and costs each connection a round trip.
    let redis = info.redis_settings().clone().set_skip_set_lib_name();
    Ok(info.set_tcp_settings(tcp).set_redis_settings(redis))
}

/// A socket in the file system: `user:password@/path`. The crate's URLs have no user there.
fn socket_info(rest: &str) -> Result<ConnectionInfo, RedisError> {
    let (user, path) = match rest.split_once('@') {
        Some((user, path)) if !rest.starts_with('/') => (user, path),
        _ => ("", rest),
    };
    let with_user = info(&format!("redis://{user}@localhost"))?;
    let info = info(&format!("redis+unix://{path}"))?;
    Ok(info.set_redis_settings(with_user.redis_settings().clone()))
}

impl fmt::Debug for RedisStore {
    /// Shows where it is, without what it says to get in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RedisStore");
        match &self.servers {
            Servers::One(node) => debug.field("server", &node.address()),
            Servers::Many(cluster) => debug.field("servers", &cluster.addresses()),
        };
        debug.field("options", &self.options).finish()
    }
}
