//! `Config`: the settings of an app, under Flask's names.
//!
//! Mirrors `flask/config.py` and `Flask.default_config`. Flask keeps a dict and finds a bad value when
//! some request first uses it. Here every known key has a type, so a bad value is an error at
//! start-up that names the key; unknown upper-case keys are the app's own and are kept as they are.
//!
//! Read next: `config/keys.rs`, the type of each key; `session/interface.rs`, which reads most of them.

mod keys;
mod settled;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::clock::{Clock, SystemClock};
use crate::json;
use crate::value::{Dict, Value};
use crate::wrappers::SameSite;

/// The typed settings that a request reads; one snapshot serves a whole request.
#[derive(Clone)]
#[non_exhaustive]
pub struct Settings {
    /// `DEBUG`.
    pub debug: bool,
    /// `TESTING`.
    pub testing: bool,
    /// `PROPAGATE_EXCEPTIONS`: `None` follows TESTING and DEBUG.
    pub propagate_exceptions: Option<bool>,
    /// `TRAP_HTTP_EXCEPTIONS`.
    pub trap_http_exceptions: bool,
    /// `TRAP_BAD_REQUEST_ERRORS`.
    pub trap_bad_request_errors: Option<bool>,
    /// `SECRET_KEY`: an empty one counts as none.
    pub secret_key: Option<Vec<u8>>,
    /// `SECRET_KEY_FALLBACKS`: older keys that still open a session, newest last.
    pub secret_key_fallbacks: Vec<Vec<u8>>,
    /// `PERMANENT_SESSION_LIFETIME`.
    pub permanent_session_lifetime: Duration,
    /// `SESSION_REFRESH_EACH_REQUEST`.
    pub session_refresh_each_request: bool,
    /// `SESSION_COOKIE_NAME`.
    pub session_cookie_name: String,
    /// `SESSION_COOKIE_DOMAIN`.
    pub session_cookie_domain: Option<String>,
    /// `SESSION_COOKIE_PATH`: `None` follows APPLICATION_ROOT.
    pub session_cookie_path: Option<String>,
    /// `SESSION_COOKIE_HTTPONLY`.
    pub session_cookie_httponly: bool,
    /// `SESSION_COOKIE_SECURE`.
    pub session_cookie_secure: bool,
    /// `SESSION_COOKIE_SAMESITE`.
    pub session_cookie_samesite: Option<SameSite>,
    /// `SESSION_COOKIE_PARTITIONED`.
    pub session_cookie_partitioned: bool,
    /// `APPLICATION_ROOT`.
    pub application_root: String,
    /// `TRUSTED_HOSTS`: the only hosts that requests may be made to; one that begins with a dot stands for its
    /// subdomains, too. Any host may be asked for where there are none.
    pub trusted_hosts: Vec<String>,
    /// `SERVER_NAME`.
    pub server_name: Option<String>,
    /// `PREFERRED_URL_SCHEME`.
    pub preferred_url_scheme: String,
    /// `MAX_CONTENT_LENGTH`, in bytes.
    pub max_content_length: Option<u64>,
    /// `MAX_COOKIE_SIZE`, in bytes: a larger cookie is sent, with a warning. 0 is no limit.
    pub max_cookie_size: u64,
    /// `PROVIDE_AUTOMATIC_OPTIONS`.
    pub provide_automatic_options: bool,
    /// Where "now" comes from; a test sets a [`FixedClock`](crate::clock::FixedClock).
    pub clock: Arc<dyn Clock>,
    /// Every other upper-case key.
    pub extra: Dict,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            debug: false,
            testing: false,
            propagate_exceptions: None,
            trap_http_exceptions: false,
            trap_bad_request_errors: None,
            secret_key: None,
            secret_key_fallbacks: Vec::new(),
            permanent_session_lifetime: Duration::from_secs(31 * 24 * 60 * 60),
            session_refresh_each_request: true,
            session_cookie_name: "session".to_owned(),
            session_cookie_domain: None,
            session_cookie_path: None,
            session_cookie_httponly: true,
            session_cookie_secure: false,
            session_cookie_samesite: None,
            session_cookie_partitioned: false,
            application_root: "/".to_owned(),
            trusted_hosts: Vec::new(),
            server_name: None,
            preferred_url_scheme: "http".to_owned(),
            max_content_length: None,
            max_cookie_size: 4093,
            provide_automatic_options: true,
            clock: Arc::new(SystemClock),
            extra: Dict::new(),
        }
    }
}

impl fmt::Debug for Settings {
    /// Shows no secret key: settings end up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("debug", &self.debug)
            .field("testing", &self.testing)
            .field("secret_key", &self.secret_key.as_ref().map(|_| "..."))
            .field("session_cookie_name", &self.session_cookie_name)
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

/// A setting that cannot be used: which key, and what it should have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The key, as it was given.
    pub key: String,
    /// What the key takes.
    pub expected: String,
    /// What it was given.
    pub got: String,
    /// The environment variable that it came from, if it did: [`Config::from_prefixed_env`].
    pub variable: Option<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key, expected, got, ..
        } = self;
        write!(f, "config key {key} takes {expected}, not {got}")?;
        let Some(variable) = &self.variable else {
            return Ok(());
        };
        write!(f, " (from the environment variable {variable}")?;
        if expected.starts_with("text") {
            write!(
                f,
                ", which is read as JSON: with quotes in it, it is text, {variable}='\"...\"'"
            )?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for ConfigError {}

/// `app.config`: a handle on the app's settings. Clones share them.
///
/// ```
/// use carafe::App;
/// # fn main() -> Result<(), carafe::config::ConfigError> {
/// let app = App::new("shop");
/// app.config().set_secret_key("adavafa");
/// app.config().set("SESSION_COOKIE_SAMESITE", "Lax")?;
///
/// let error = app.config().set("SESSION_COOKIE_SECURE", "maybe").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     r#"config key SESSION_COOKIE_SECURE takes true or false, not "maybe""#
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Config {
    shared: Arc<settled::Shared>,
}

impl Config {
    /// The settings as they are now.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.shared.read())
    }

    // ANCHOR: update
    fn update<R>(&self, change: impl FnOnce(&mut Settings) -> R) -> R {
        self.shared.update(change)
    }
    // ANCHOR_END: update

    /// `app.secret_key = ...`.
    pub fn set_secret_key(&self, key: impl AsRef<[u8]>) {
        let key = key.as_ref().to_vec();
        self.update(|settings| settings.secret_key = Some(key));
    }

    /// Sets where "now" comes from.
    pub fn set_clock(&self, clock: Arc<dyn Clock>) {
        // The clock that was there may ask for settings when it goes: not while they are locked.
        self.update(|settings| std::mem::replace(&mut settings.clock, clock));
    }

    /// `config[key] = value`.
    ///
    /// # Errors
    /// [`ConfigError`] where `key` is one of Flask's and `value` not of its type; nothing is changed.
    pub fn set(&self, key: &str, value: impl Into<Value>) -> Result<(), ConfigError> {
        let value = value.into();
        self.update(|settings| keys::assign(settings, key, value))
    }

    /// `config.setdefault(key, value)`: sets a key that is not set, as an extension does with its own. Flask's keys are
    /// always set.
    ///
    /// ```
    /// let app = carafe::App::new("shop");
    /// app.config().set("MAIL_PORT", 2525)?;
    /// // Later, in the extension:
    /// app.config().setdefault("MAIL_SERVER", "localhost");
    /// app.config().setdefault("MAIL_PORT", 25);
    /// assert_eq!(app.config().get_as("MAIL_SERVER"), Some("localhost".to_owned()));
    /// assert_eq!(app.config().get_as("MAIL_PORT"), Some(2525));
    /// # Ok::<(), carafe::config::ConfigError>(())
    /// ```
    pub fn setdefault(&self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        if keys::is_flasks(key) || self.settings().extra.contains_key(key) {
            return;
        }
        self.update(|settings| {
            settings.extra.setdefault(key.to_owned(), value);
        });
    }

    /// `config.from_mapping(...)`: sets every upper-case key and passes over the others.
    ///
    /// # Errors
    /// [`ConfigError`] at the first bad value; the keys before it are set.
    pub fn from_mapping<K: AsRef<str>, V: Into<Value>>(
        &self,
        mapping: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), ConfigError> {
        for (key, value) in mapping {
            if is_config_key(key.as_ref()) {
                self.set(key.as_ref(), value)?;
            }
        }
        Ok(())
    }

    /// `config.from_prefixed_env(prefix)`: sets `KEY` from each environment variable `PREFIX_KEY`, in
    /// the order of their names. A value that is JSON is read as JSON, any other is text; `A__B`
    /// sets key `B` in the dict `A`. So a secret key of digits wants quotes of its own, as in
    /// `SHOP_SECRET_KEY='"12345"'`. (Flask takes the number, and each request fails.)
    ///
    /// # Errors
    /// [`ConfigError`] at the first bad value, with the name of its variable; the keys before it are set.
    pub fn from_prefixed_env(&self, prefix: &str) -> Result<(), ConfigError> {
        let prefix = format!("{prefix}_");
        let mut variables: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(key, _)| key.starts_with(&prefix))
            .collect();
        variables.sort();
        for (name, text) in variables {
            let value = json::loads(&text).unwrap_or(Value::Str(text));
            let mut path = name[prefix.len()..].split("__");
            let key = path.next().unwrap_or_default();
            let inner: Vec<&str> = path.collect();
            let value = if inner.is_empty() {
                value
            } else {
                let mut outer = self.get(key).unwrap_or_default();
                set_nested(&mut outer, &inner, value);
                outer
            };
            self.set(key, value).map_err(|error| ConfigError {
                variable: Some(name.clone()),
                ..error
            })?;
        }
        Ok(())
    }

    /// A key of the app's own, as it was set. For Flask's keys read [`Config::settings`].
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value> {
        self.settings().extra.get(key).cloned()
    }

    /// [`Config::get`], as any type that serde can build; `None` too where the value is no `T`.
    ///
    /// ```
    /// let app = carafe::App::new("shop");
    /// app.config().set("PAGE_SIZE", 20)?;
    /// assert_eq!(app.config().get_as::<usize>("PAGE_SIZE"), Some(20));
    /// # Ok::<(), carafe::config::ConfigError>(())
    /// ```
    #[must_use]
    pub fn get_as<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        json::from_value(self.get(key)?).ok()
    }

    /// `config.get_namespace(prefix)`: the keys of the app's own that begin with `prefix`, without it and in lower case.
    ///
    /// ```
    /// let app = carafe::App::new("shop");
    /// app.config().from_mapping([("MAIL_SERVER", "localhost"), ("MAIL_USER", "jack"), ("NAME", "shop")])?;
    /// let mail = app.config().get_namespace("MAIL_");
    /// assert_eq!(mail.get("server"), Some(&"localhost".into()));
    /// assert_eq!(mail.len(), 2);
    /// # Ok::<(), carafe::config::ConfigError>(())
    /// ```
    #[must_use]
    pub fn get_namespace(&self, prefix: &str) -> Dict {
        let settings = self.settings();
        let in_it = settings.extra.iter().filter_map(|(key, value)| {
            Some((key.strip_prefix(prefix)?.to_lowercase(), value.clone()))
        });
        in_it.collect()
    }
}

/// Flask reads upper-case names only, so that a mapping may hold helpers too.
fn is_config_key(key: &str) -> bool {
    !key.is_empty() && key == key.to_uppercase() && key.chars().any(char::is_alphabetic)
}

fn set_nested(outer: &mut Value, path: &[&str], value: Value) {
    let Some((key, rest)) = path.split_first() else {
        *outer = value;
        return;
    };
    if !matches!(outer, Value::Dict(_)) {
        *outer = Value::Dict(Dict::new());
    }
    if let Value::Dict(dict) = outer {
        set_nested(dict.setdefault((*key).to_owned(), Value::Null), rest, value);
    }
}
