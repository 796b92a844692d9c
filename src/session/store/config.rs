//! A session interface by Flask-Session's config keys.
//!
//! Mirrors `Session._get_interface` in `flask_session/__init__.py`, and `flask_session/defaults.py`. Where
//! a Flask app puts a client object, Carafe takes a URL: the keys become parameters of that, and
//! `open.rs` does the rest. A key that nobody knows is an error, and so is a value of another type: Flask
//! would pass over the one, and fail in some request over the other.
//!
//! Read next: `url.rs`.

use super::open::{open_url, schemes};
use super::url::{distance, nearest, seconds};
use super::{Store, StoreError, StoreUrl};
use crate::config::{ConfigError, Settings};
use crate::json;
use crate::session::serialization::Format;
use crate::value::{Dict, Value};

/// Flask-Session's keys, and Carafe's own at the end.
const KEYS: &[&str] = &[
    "SESSION_TYPE",
    "SESSION_PERMANENT",
    "SESSION_USE_SIGNER",
    "SESSION_KEY_PREFIX",
    "SESSION_ID_LENGTH",
    "SESSION_SERIALIZATION_FORMAT",
    "SESSION_CLEANUP_N_REQUESTS",
    "SESSION_REDIS",
    "SESSION_MEMCACHED",
    "SESSION_CACHELIB",
    "SESSION_FILE_DIR",
    "SESSION_FILE_THRESHOLD",
    "SESSION_FILE_MODE",
    "SESSION_MONGODB",
    "SESSION_MONGODB_DB",
    "SESSION_MONGODB_COLLECT",
    "SESSION_SQLALCHEMY",
    "SESSION_SQLALCHEMY_TABLE",
    "SESSION_SQLALCHEMY_SEQUENCE",
    "SESSION_SQLALCHEMY_SCHEMA",
    "SESSION_SQLALCHEMY_BIND_KEY",
    "SESSION_DYNAMODB",
    "SESSION_DYNAMODB_TABLE",
    "SESSION_STORE_TIMEOUT",
    "SESSION_STORE_POOL",
    "SESSION_OPTIMISTIC",
];

/// Flask's own, which a typo may have meant.
const FLASK_KEYS: &[&str] = &[
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_DOMAIN",
    "SESSION_COOKIE_PATH",
    "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_SECURE",
    "SESSION_COOKIE_SAMESITE",
    "SESSION_COOKIE_PARTITIONED",
    "SESSION_REFRESH_EACH_REQUEST",
    "PERMANENT_SESSION_LIFETIME",
];

/// What the keys say. A `None` leaves the interface's default.
pub(crate) struct SessionConfig {
    pub(crate) store: Box<dyn Store>,
    pub(crate) permanent: Option<bool>,
    pub(crate) use_signer: Option<bool>,
    pub(crate) key_prefix: Option<String>,
    pub(crate) id_length: Option<usize>,
    pub(crate) format: Option<Format>,
    pub(crate) cleanup_n_requests: Option<u64>,
    pub(crate) optimistic: Option<bool>,
}

pub(crate) fn from_config(settings: &Settings) -> Result<SessionConfig, StoreError> {
    let keys = Keys(&settings.extra);
    keys.refuse_unknown()?;
    Ok(SessionConfig {
        store: open_url(keys.url()?)?,
        permanent: keys.flag("SESSION_PERMANENT")?,
        use_signer: keys.flag("SESSION_USE_SIGNER")?,
        key_prefix: keys.key_prefix()?,
        id_length: keys.id_length()?,
        format: keys.format()?,
        cleanup_n_requests: keys.number("SESSION_CLEANUP_N_REQUESTS")?,
        optimistic: keys.flag("SESSION_OPTIMISTIC")?,
    })
}

struct Keys<'a>(&'a Dict);

impl<'a> Keys<'a> {
    fn refuse_unknown(&self) -> Result<(), StoreError> {
        for key in self.0.keys() {
            if KEYS.contains(&&**key) {
                continue;
            }
            let names = KEYS.iter().chain(FLASK_KEYS).copied();
            let nearest = nearest(key, names).unwrap_or_default();
            // An app's own keys are its own, unless they look like one of these.
            if key.starts_with("SESSION_") || distance(key, nearest) <= 2 {
                let message = format!("unknown config key {key}: the nearest is {nearest}");
                return Err(StoreError::config("config", message));
            }
        }
        for key in ["SESSION_SQLALCHEMY_SEQUENCE", "SESSION_SQLALCHEMY_BIND_KEY"] {
            if self.get(key).is_some() {
                return refused(key, "nothing: Carafe has no use for it", self.get(key));
            }
        }
        Ok(())
    }

    /// A key's value; `None` where it is not set, or Python's `None`.
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, StoreError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            other => refused(key, "true or false", other),
        }
    }

    fn text(&self, key: &str) -> Result<Option<&'a str>, StoreError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Str(text)) => Ok(Some(text)),
            other => refused(key, "text", other),
        }
    }

    /// A name in a database: not empty, and without these characters.
    fn name(&self, key: &str, without: &str) -> Result<Option<&'a str>, StoreError> {
        match self.text(key)? {
            Some(name) if name.is_empty() || name.contains(|c| without.contains(c)) => {
                let expected = match without {
                    "" => "a name",
                    _ => &format!("a name without any of {without:?}"),
                };
                refused(key, expected, self.get(key))
            }
            name => Ok(name),
        }
    }

    fn number(&self, key: &str) -> Result<Option<u64>, StoreError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Int(number)) if *number >= 0 => Ok(Some(number.unsigned_abs())),
            other => refused(key, "a number", other),
        }
    }

    /// Memcached takes a key of 250 bytes, id and all, and no space in it. What every save would be refused for is
    /// better known now.
    fn key_prefix(&self) -> Result<Option<String>, StoreError> {
        let key = "SESSION_KEY_PREFIX";
        let prefix = self.text(key)?.unwrap_or("session:");
        let is_memcached = self
            .text("SESSION_TYPE")?
            .is_some_and(|kind| kind.eq_ignore_ascii_case("memcached"));
        // In base64.
        let id = (self.id_length()?.unwrap_or(32) * 4).div_ceil(3);
        let is_odd = |byte| byte <= b' ' || byte == 0x7f;
        if is_memcached && (prefix.len() + id > 250 || prefix.bytes().any(is_odd)) {
            let expected = format!("{} bytes for memcached, and no space", 250 - id);
            return refused(key, &expected, self.get(key));
        }
        Ok(self.text(key)?.map(str::to_owned))
    }

    fn id_length(&self) -> Result<Option<usize>, StoreError> {
        let key = "SESSION_ID_LENGTH";
        match self.number(key)? {
            None => Ok(None),
            Some(bytes @ 16..=128) => Ok(usize::try_from(bytes).ok()),
            _ => refused(key, "16 to 128 bytes", self.get(key)),
        }
    }

    fn format(&self) -> Result<Option<Format>, StoreError> {
        let key = "SESSION_SERIALIZATION_FORMAT";
        match self.text(key)? {
            None => Ok(None),
            Some("msgpack") => Ok(Some(Format::MessagePack)),
            Some("json") => Ok(Some(Format::Json)),
            Some(_) => refused(key, "\"msgpack\" or \"json\"", self.get(key)),
        }
    }

    // ANCHOR: url
    /// The store, as a URL.
    fn url(&self) -> Result<StoreUrl, StoreError> {
        let key = "SESSION_TYPE";
        let kind = self.text(key)?.map(str::to_ascii_lowercase);
        let mut url = match kind.as_deref() {
            Some("redis") => {
                let schemes = schemes_of(&["redis", "redis-tls"]);
                self.client("SESSION_REDIS", "redis://127.0.0.1:6379", &schemes)?
            }
            Some("memcached") => self.memcached()?,
            Some("filesystem" | "cachelib") => self.files()?,
            Some("mongodb") => self.mongodb()?,
            Some("sqlalchemy") => self.sql()?,
            Some("memory") => return StoreUrl::parse("memory:"),
            Some("dynamodb") => return refused(key, "a store that Carafe has", self.get(key)),
            _ => {
                let kinds = "redis, memcached, filesystem, mongodb, sqlalchemy or memory";
                return refused(key, kinds, self.get(key));
            }
        };
        if let Some(timeout) = self.get("SESSION_STORE_TIMEOUT") {
            let Some(timeout) = timeout.as_f64().and_then(seconds) else {
                let key = "SESSION_STORE_TIMEOUT";
                return refused(key, "a number of seconds", self.get(key));
            };
            url.set_default("timeout", timeout.as_secs_f64().to_string());
        }
        match self.number("SESSION_STORE_POOL")? {
            Some(0 | 0x1_0000_0000..) => {
                let key = "SESSION_STORE_POOL";
                return refused(key, "a number of connections", self.get(key));
            }
            // Files are not connected to.
            Some(pool) if url.scheme() != "file" => url.set_default("pool", pool.to_string()),
            _ => {}
        }
        Ok(url)
    }
    // ANCHOR_END: url

    /// A key for which a Flask app has a client object, and Carafe a URL.
    fn client(&self, key: &str, default: &str, schemes: &[&str]) -> Result<StoreUrl, StoreError> {
        let expected = format!("a {}: URL", schemes.join(": or "));
        let text = match self.get(key) {
            None => default,
            Some(Value::Str(text)) => text,
            // There may be a password in it.
            Some(other) => return refused(key, &expected, Some(&other.type_name().into())),
        };
        let url = StoreUrl::parse(text)?;
        match schemes.contains(&url.scheme()) {
            true => Ok(url),
            false => {
                let got = Value::from(url.shown());
                refused(key, &expected, Some(&got))
            }
        }
    }

    /// One URL, or the servers' addresses.
    fn memcached(&self) -> Result<StoreUrl, StoreError> {
        let key = "SESSION_MEMCACHED";
        let servers: Vec<&str> = match self.get(key) {
            Some(Value::Str(text)) if !text.contains("://") => vec![text],
            Some(Value::List(items) | Value::Tuple(items)) => {
                let servers: Option<_> = items.iter().map(Value::as_str).collect();
                servers.unwrap_or_default()
            }
            _ => return self.client(key, "memcached://127.0.0.1:11211", &["memcached"]),
        };
        if servers.is_empty() {
            return refused(key, "a memcached: URL, or servers", self.get(key));
        }
        StoreUrl::parse(&format!("memcached://{}", servers.join(",")))
    }

    /// Flask-Session's files are cachelib's.
    fn files(&self) -> Result<StoreUrl, StoreError> {
        if self.get("SESSION_CACHELIB").is_some() {
            let expected = "nothing: say SESSION_TYPE = \"filesystem\", and SESSION_FILE_DIR";
            return refused("SESSION_CACHELIB", expected, self.get("SESSION_CACHELIB"));
        }
        let dir = self.text("SESSION_FILE_DIR")?.unwrap_or("flask_session");
        let dir = std::path::absolute(dir).map_err(|error| {
            let message = format!("config key SESSION_FILE_DIR: {error}");
            StoreError::config("config", message)
        })?;
        let mut url = StoreUrl::of_path("file", &dir.to_string_lossy());
        url.set_default("cachelib", "true");
        if let Some(threshold) = self.number("SESSION_FILE_THRESHOLD")? {
            url.set_default("threshold", threshold.to_string());
        }
        match self.number("SESSION_FILE_MODE")? {
            None => {}
            // A number in Python, which is written 0o600 there.
            Some(mode @ ..=0o777) if mode & 0o600 == 0o600 => {
                url.set_default("mode", format!("{mode:o}"));
            }
            Some(_) => {
                let key = "SESSION_FILE_MODE";
                return refused(key, "permissions like 0o600", self.get(key));
            }
        }
        Ok(url)
    }

    fn mongodb(&self) -> Result<StoreUrl, StoreError> {
        let schemes = schemes_of(&["mongodb"]);
        let mut url = self.client("SESSION_MONGODB", "mongodb://127.0.0.1:27017", &schemes)?;
        let database = self.name("SESSION_MONGODB_DB", "/\\. \"$")?;
        url.set_database(database, "flask_session");
        if let Some(collection) = self.name("SESSION_MONGODB_COLLECT", "$")? {
            url.set_default("collection", collection);
        }
        Ok(url)
    }

    /// Without a URL of its own, the one that Flask-SQLAlchemy has.
    fn sql(&self) -> Result<StoreUrl, StoreError> {
        let mut key = "SESSION_SQLALCHEMY";
        if self.get(key).is_none() && self.get("SQLALCHEMY_DATABASE_URI").is_some() {
            key = "SQLALCHEMY_DATABASE_URI";
        }
        // A driver of Python's, as in mysql+pymysql, is not Carafe's.
        let Some(text) = self.text(key)? else {
            return refused(key, "a URL of a database", self.get(key));
        };
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        let scheme = scheme.split('+').next().unwrap_or_default();
        let schemes = schemes_of(&["sqlite", "postgres", "mysql"]);
        if !schemes.contains(&scheme) {
            let got = Value::from(scheme);
            let expected = format!("a {}: URL", schemes.join(": or "));
            return refused(key, &expected, Some(&got));
        }
        let mut url = StoreUrl::parse(&format!("{scheme}:{rest}"))?;
        if let Some(table) = self.name("SESSION_SQLALCHEMY_TABLE", "")? {
            url.set_default("table", table);
        }
        if let Some(schema) = self.name("SESSION_SQLALCHEMY_SCHEMA", "")? {
            url.set_default("schema", schema);
        }
        Ok(url)
    }
}

/// What a URL may begin with for the stores of these features.
fn schemes_of(features: &[&str]) -> Vec<&'static str> {
    let schemes = schemes().iter();
    let of_these = schemes.filter(|each| each.feature.is_some_and(|it| features.contains(&it)));
    of_these.map(|each| each.name).collect()
}

/// In the words of every other config key.
fn refused<T>(key: &str, expected: &str, got: Option<&Value>) -> Result<T, StoreError> {
    let got = got.map(|value| json::dumps(value).unwrap_or_else(|_| format!("{value:?}")));
    let error = ConfigError {
        key: key.to_owned(),
        expected: expected.to_owned(),
        got: got.unwrap_or_else(|| "nothing".to_owned()),
        variable: None,
    };
    Err(StoreError::config("config", error.to_string()))
}
