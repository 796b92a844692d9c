//! The stores by their URLs: the one place that knows all of them.
//!
//! To add a store: its module in `mod.rs`, its schemes in [`schemes`], and its line in `opener`. Its
//! `open` takes its own parameters out of the URL and refuses what is left.
//!
//! Read next: `url.rs`, what an `open` gets.

use super::url::nearest;
use super::{Store, StoreError, StoreUrl, files, memory};

/// A scheme that [`open`] knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
    /// What a URL starts with, without the colon.
    pub name: &'static str,
    /// The crate's feature that the store is behind; `None` for one that is always there.
    pub feature: Option<&'static str>,
}

const fn scheme(name: &'static str, feature: Option<&'static str>) -> Scheme {
    Scheme { name, feature }
}

/// Every scheme that there is, whether its feature is on or not.
#[must_use]
pub fn schemes() -> &'static [Scheme] {
    const SCHEMES: &[Scheme] = &[
        scheme("memory", None),
        scheme("file", None),
        scheme("redis", Some("redis")),
        scheme("redis+unix", Some("redis")),
        scheme("unix", Some("redis")),
        scheme("rediss", Some("redis-tls")),
        scheme("redis+cluster", Some("redis")),
        scheme("rediss+cluster", Some("redis-tls")),
        scheme("memcached", Some("memcached")),
        scheme("mongodb", Some("mongodb")),
        scheme("mongodb+srv", Some("mongodb")),
        scheme("sqlite", Some("sqlite")),
        scheme("postgres", Some("postgres")),
        scheme("postgresql", Some("postgres")),
        scheme("mysql", Some("mysql")),
        scheme("mariadb", Some("mysql")),
    ];
    SCHEMES
}

type Opener = fn(StoreUrl) -> Result<Box<dyn Store>, StoreError>;

/// The function that opens a store of this scheme, unless its feature is off.
fn opener(scheme: &str) -> Option<Opener> {
    // Each store behind a feature has a line of its own here, under its `#[cfg]`.
    Some(match scheme {
        "memory" => memory::open,
        "file" => files::open,
        #[cfg(feature = "memcached")]
        "memcached" => super::memcached::open,
        #[cfg(feature = "redis")]
        "redis" | "redis+unix" | "unix" | "redis+cluster" => super::redis::open,
        #[cfg(feature = "redis-tls")]
        "rediss" | "rediss+cluster" => super::redis::open,
        #[cfg(feature = "mongodb")]
        "mongodb" | "mongodb+srv" => super::mongodb::open,
        #[cfg(feature = "sqlite")]
        "sqlite" => super::sql::sqlite::open,
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => super::sql::postgres::open,
        #[cfg(feature = "mysql")]
        "mysql" | "mariadb" => super::sql::mysql::open,
        _ => return None,
    })
}

/// Opens the store that a URL names.
///
/// | URL | store |
/// | --- | --- |
/// | `memory:` | [`MemoryStore`](super::MemoryStore) |
/// | `file:///directory?threshold=500&mode=600&cachelib=true` | [`FileStore`](super::FileStore), with [`FileOptions`](super::FileOptions) |
/// | `redis://user:password@host:port/database` | `RedisStore`, with `RedisOptions`; feature `redis` |
/// | `unix://user:password@/path/of/a/socket?db=1`, `redis+unix:` | the same |
/// | `redis+cluster://user:password@host:port,host:port` | the same, with the nodes of a cluster |
/// | `rediss:`, `rediss+cluster:` | the same, over TLS; feature `redis-tls` |
/// | `memcached://host:port,/path/of/a/socket` | `MemcachedStore`, with `MemcachedOptions`; feature `memcached` |
/// | `mongodb://host/database?collection=sessions`, `mongodb+srv:` | `MongoStore`, with `MongoOptions`; feature `mongodb` |
/// | `sqlite:///absolute/path.db?table=sessions` | `SqlStore`, with `SqlOptions`; feature `sqlite` |
/// | `postgres://user@host/database?table=sessions&schema=public`, `postgresql:` | the same; feature `postgres` |
/// | `mysql://user@host/database?table=sessions`, `mariadb:` | the same; feature `mysql` |
///
/// All but `memory:` take `timeout=SECONDS`, and all but the first two `pool=CONNECTIONS`.
///
/// # Errors
/// Of the kind [`Config`](super::StoreErrorKind::Config): an unknown scheme or parameter, or a store
/// whose feature is off; it names the nearest right one. Of another kind: what the store itself fails
/// with.
///
/// ```
/// use carafe::session::store::open;
/// assert_eq!(open("memory:")?.name(), "memory");
/// let error = open("memroy:").err().map(|error| error.to_string());
/// assert_eq!(
///     error.as_deref(),
///     Some("session store url: unknown scheme \"memroy\": the nearest is \"memory\"")
/// );
/// # Ok::<(), carafe::session::store::StoreError>(())
/// ```
pub fn open(url: &str) -> Result<Box<dyn Store>, StoreError> {
    open_url(StoreUrl::parse(url)?)
}

pub(crate) fn open_url(url: StoreUrl) -> Result<Box<dyn Store>, StoreError> {
    let known = schemes().iter().find(|known| known.name == url.scheme());
    let Some(known) = known else {
        let names = schemes().iter().map(|known| known.name);
        let nearest = nearest(url.scheme(), names).unwrap_or_default();
        let message = format!(
            "unknown scheme {:?}: the nearest is {nearest:?}",
            url.scheme()
        );
        return Err(StoreError::config("url", message));
    };
    match (opener(known.name), known.feature) {
        (Some(opener), _) => opener(url.of_store(known.name)),
        (None, feature) => {
            let message = format!(
                "{}: URLs need carafe's feature {:?}, which is off",
                known.name,
                feature.unwrap_or_default()
            );
            Err(StoreError::config(known.name, message))
        }
    }
}
