//! JSON, as msgspec writes and reads it: Flask-Session's other format.
//!
//! What JSON lacks becomes what msgspec makes of it: bytes are base64, dates and UUIDs text, a float
//! that is no number is null. A key that is a number becomes text.
//!
//! Read next: `pickle.rs`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::FormatError;
use super::time::{self, TIMESTAMP, Time};
use crate::json::{self, MAX_DEPTH, Style};
use crate::value::{Dict, Foreign, Value};

/// `msgspec.json.encode(session)`.
pub(super) fn encode(session: &Dict, odd: &[(Value, Value)]) -> Result<Vec<u8>, FormatError> {
    let mut plain = dict(session, 0)?;
    plain.extend(pairs(odd, 0)?);
    match json::encode((&plain).into(), &Style::COMPACT) {
        Ok(text) => Ok(text.into_bytes()),
        Err(error) => FormatError::new(error.to_string()),
    }
}

/// `msgspec.json.decode(bytes)`.
pub(super) fn decode(bytes: &[u8]) -> Result<Value, FormatError> {
    let text = std::str::from_utf8(bytes);
    let value = text.map(json::loads);
    match value {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => FormatError::new(error.to_string()),
        Err(_) => FormatError::new("the JSON is no UTF-8"),
    }
}

fn dict(dict: &Dict, depth: usize) -> Result<Dict, FormatError> {
    let items = dict.iter();
    items
        .map(|(key, each)| Ok((key.clone(), value(each, depth + 1)?)))
        .collect()
}

/// The same with nothing in it that JSON lacks. Kept small, as it calls itself.
fn value(value: &Value, depth: usize) -> Result<Value, FormatError> {
    if depth > MAX_DEPTH {
        return FormatError::new("lists and dicts nest too deep");
    }
    match value {
        Value::List(items) | Value::Tuple(items) => list(items, depth),
        Value::Dict(items) => dict(items, depth).map(Value::Dict),
        Value::Foreign(foreign) => match &**foreign {
            Foreign::Map(items) => pairs(items, depth).map(Value::Dict),
            Foreign::Ext {
                code: TIMESTAMP,
                data,
            } => time(time::from_bytes(data)),
            Foreign::Ext { .. } => FormatError::new("JSON has no extension types"),
            Foreign::Object(object) => self::value(&super::plain(object)?, depth + 1),
        },
        other => scalar(other),
    }
}

fn list(items: &[Value], depth: usize) -> Result<Value, FormatError> {
    let items = items.iter().map(|item| value(item, depth + 1));
    Ok(Value::List(items.collect::<Result<_, _>>()?))
}

fn pairs(items: &[(Value, Value)], depth: usize) -> Result<Dict, FormatError> {
    let items = items.iter();
    items
        .map(|(key, each)| Ok((text(key)?, value(each, depth + 1)?)))
        .collect()
}

fn scalar(value: &Value) -> Result<Value, FormatError> {
    Ok(match value {
        Value::Float(number) if !number.is_finite() => Value::Null,
        Value::Bytes(bytes) => STANDARD.encode(bytes).into(),
        Value::Uuid(uuid) => uuid.to_string().into(),
        Value::DateTime(seconds) => time(Some((*seconds, 0)))?,
        Value::Markup(text) => text.as_str().into(),
        other => other.clone(),
    })
}

/// A key as text.
fn text(key: &Value) -> Result<String, FormatError> {
    match key {
        Value::Str(text) | Value::Markup(text) => Ok(text.clone()),
        Value::Int(number) => Ok(number.to_string()),
        Value::BigInt(digits) => Ok(digits.clone()),
        Value::Float(number) if number.is_finite() => Ok(format!("{number:?}")),
        Value::Bytes(bytes) => Ok(STANDARD.encode(bytes)),
        Value::Uuid(uuid) => Ok(uuid.to_string()),
        other => {
            let name = other.type_name();
            FormatError::new(format!("JSON has no dict with a {name} for a key"))
        }
    }
}

fn time(time: Option<Time>) -> Result<Value, FormatError> {
    match time.and_then(time::text) {
        Some(text) => Ok(text.into()),
        None => FormatError::new("a time outside of the years that there are"),
    }
}
