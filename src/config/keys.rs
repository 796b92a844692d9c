//! What each of Flask's keys takes.
//!
//! Flask's keys have no types; what is here follows from how `flask/app.py`, `flask/sessions.py` and Werkzeug use each.
//!
//! Read next: `settled.rs`, how a request reads the settings.

use std::time::Duration;

use super::{ConfigError, Settings};
use crate::json;
use crate::value::Value;
use crate::wrappers::SameSite;

/// Whether `key` is one of Flask's that have a type here.
pub(super) fn is_flasks(key: &str) -> bool {
    let mut settings = Settings::default();
    let assigned = assign(&mut settings, key, Value::Null);
    assigned.is_err() || !settings.extra.contains_key(key)
}

/// The one place that knows the type of each of Flask's keys.
pub(super) fn assign(settings: &mut Settings, key: &str, value: Value) -> Result<(), ConfigError> {
    match key {
        "DEBUG" => settings.debug = boolean(key, &value)?.unwrap_or(false),
        "TESTING" => settings.testing = boolean(key, &value)?.unwrap_or(false),
        "PROPAGATE_EXCEPTIONS" => settings.propagate_exceptions = boolean(key, &value)?,
        "TRAP_HTTP_EXCEPTIONS" => {
            settings.trap_http_exceptions = boolean(key, &value)?.unwrap_or(false);
        }
        "TRAP_BAD_REQUEST_ERRORS" => settings.trap_bad_request_errors = boolean(key, &value)?,
        "SECRET_KEY" => settings.secret_key = secret(key, &value)?,
        "SECRET_KEY_FALLBACKS" => settings.secret_key_fallbacks = secrets(key, &value)?,
        "PERMANENT_SESSION_LIFETIME" => settings.permanent_session_lifetime = seconds(key, &value)?,
        "SESSION_REFRESH_EACH_REQUEST" => {
            settings.session_refresh_each_request = boolean(key, &value)?.unwrap_or(false);
        }
        "SESSION_COOKIE_NAME" => settings.session_cookie_name = required_text(key, &value)?,
        "SESSION_COOKIE_DOMAIN" => settings.session_cookie_domain = text(key, &value)?,
        "SESSION_COOKIE_PATH" => settings.session_cookie_path = text(key, &value)?,
        "SESSION_COOKIE_HTTPONLY" => {
            settings.session_cookie_httponly = boolean(key, &value)?.unwrap_or(false);
        }
        "SESSION_COOKIE_SECURE" => {
            settings.session_cookie_secure = boolean(key, &value)?.unwrap_or(false);
        }
        "SESSION_COOKIE_SAMESITE" => settings.session_cookie_samesite = same_site(key, &value)?,
        "SESSION_COOKIE_PARTITIONED" => {
            settings.session_cookie_partitioned = boolean(key, &value)?.unwrap_or(false);
        }
        "APPLICATION_ROOT" => settings.application_root = required_text(key, &value)?,
        "TRUSTED_HOSTS" => settings.trusted_hosts = texts(key, &value)?,
        "SERVER_NAME" => settings.server_name = text(key, &value)?,
        "PREFERRED_URL_SCHEME" => settings.preferred_url_scheme = required_text(key, &value)?,
        "MAX_CONTENT_LENGTH" => settings.max_content_length = size(key, &value)?,
        "MAX_COOKIE_SIZE" => settings.max_cookie_size = size(key, &value)?.unwrap_or(0),
        "PROVIDE_AUTOMATIC_OPTIONS" => {
            settings.provide_automatic_options = boolean(key, &value)?.unwrap_or(false);
        }
        _ => {
            settings.extra.insert(key.to_owned(), value);
        }
    }
    Ok(())
}

fn refused<T>(key: &str, expected: &str, value: &Value) -> Result<T, ConfigError> {
    let got = match value {
        // A key that has the wrong type is still a key: name its type, not its text.
        _ if key.starts_with("SECRET_KEY") => format!("a value of type {}", value.type_name()),
        value => json::dumps(value).unwrap_or_else(|_| format!("{value:?}")),
    };
    Err(ConfigError {
        key: key.to_owned(),
        expected: expected.to_owned(),
        got,
        variable: None,
    })
}

// ANCHOR: boolean
fn boolean(key: &str, value: &Value) -> Result<Option<bool>, ConfigError> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(*flag)),
        Value::Int(0) => Ok(Some(false)),
        Value::Int(1) => Ok(Some(true)),
        other => refused(key, "true or false", other),
    }
}
// ANCHOR_END: boolean

fn text(key: &str, value: &Value) -> Result<Option<String>, ConfigError> {
    match value {
        Value::Null => Ok(None),
        Value::Str(text) => Ok(Some(text.clone())),
        other => refused(key, "text", other),
    }
}

fn required_text(key: &str, value: &Value) -> Result<String, ConfigError> {
    text(key, value)?.map_or_else(|| refused(key, "text", value), Ok)
}

fn texts(key: &str, value: &Value) -> Result<Vec<String>, ConfigError> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Str(one) => Ok(vec![one.clone()]),
        Value::List(all) | Value::Tuple(all) => {
            all.iter().map(|each| required_text(key, each)).collect()
        }
        other => refused(key, "a list of texts", other),
    }
}

fn size(key: &str, value: &Value) -> Result<Option<u64>, ConfigError> {
    match value {
        Value::Null => Ok(None),
        Value::Int(bytes) if *bytes >= 0 => Ok(Some(bytes.unsigned_abs())),
        other => refused(key, "a number of bytes", other),
    }
}

fn seconds(key: &str, value: &Value) -> Result<Duration, ConfigError> {
    match value {
        Value::Int(seconds) if *seconds >= 0 => Ok(Duration::from_secs(seconds.unsigned_abs())),
        Value::Float(seconds) => Duration::try_from_secs_f64(*seconds)
            .or_else(|_| refused(key, "a number of seconds", value)),
        other => refused(key, "a number of seconds", other),
    }
}

fn secret(key: &str, value: &Value) -> Result<Option<Vec<u8>>, ConfigError> {
    match value {
        Value::Null => Ok(None),
        Value::Str(text) => Ok(Some(text.clone().into_bytes())),
        Value::Bytes(bytes) => Ok(Some(bytes.clone())),
        other => refused(key, "text or bytes", other),
    }
}

fn secrets(key: &str, value: &Value) -> Result<Vec<Vec<u8>>, ConfigError> {
    let expected = "a list of keys, each text or bytes, none of them empty";
    match value {
        Value::Null => Ok(Vec::new()),
        Value::List(keys) | Value::Tuple(keys) => keys
            .iter()
            .map(|each| match secret(key, each)? {
                Some(secret) if !secret.is_empty() => Ok(secret),
                _ => refused(key, expected, each),
            })
            .collect(),
        other => refused(key, expected, other),
    }
}

fn same_site(key: &str, value: &Value) -> Result<Option<SameSite>, ConfigError> {
    let expected = "\"Strict\", \"Lax\", \"None\" or null";
    match text(key, value)?.map(|text| text.parse()) {
        None => Ok(None),
        Some(Ok(samesite)) => Ok(Some(samesite)),
        Some(Err(_)) => refused(key, expected, value),
    }
}
