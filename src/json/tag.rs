//! Tagged JSON: how a session cookie keeps a tuple apart from a list.
//!
//! Mirrors `flask/json/tag.py`. A value that JSON has no form for becomes a dict of one item, whose
//! key is the tag: a tuple is `{" t": [...]}`. A dict that only looks like that gets a tag too.
//!
//! | tag | holds |
//! | --- | --- |
//! | ` di` | a dict of one item whose key is a tag: that key with `__` behind it |
//! | ` t` | a tuple: a list |
//! | ` b` | bytes: base64 |
//! | ` m` | `Markup`: its text |
//! | ` u` | a UUID: 32 hex digits |
//! | ` d` | a datetime: an HTTP date |
//!
//! The tagging happens in `encoder.rs`, while the text is written. What a tag's contents mean is
//! decided here, for each dict that `decoder.rs` has read to its end, innermost first.
//!
//! Read next: `signing/url_safe.rs`, which signs this text.

use uuid::Uuid;

use super::{JsonError, Style, ValueRef, decoder, encode};
use crate::python::{int_of_base, repr};
use crate::signing::b64decode;
use crate::wrappers::dates::{DateOverflow, try_parse_date};
use crate::{Dict, Value};

pub(super) const DICT: &str = " di";
pub(super) const TUPLE: &str = " t";
pub(super) const BYTES: &str = " b";
pub(super) const MARKUP: &str = " m";
pub(super) const UUID: &str = " u";
pub(super) const DATETIME: &str = " d";

/// `flask.json.tag.TaggedJSONSerializer`: JSON that gives back every type of a [`Value`].
///
/// ```
/// use carafe::{Value, json::TaggedJsonSerializer};
/// let pair = Value::Tuple(vec![1.into(), Value::Bytes(vec![0xff])]);
/// let text = TaggedJsonSerializer.dumps(&pair)?;
/// assert_eq!(text, r#"{" t":[1,{" b":"/w=="}]}"#);
/// assert_eq!(TaggedJsonSerializer.loads(&text)?, pair);
/// # Ok::<(), carafe::json::JsonError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TaggedJsonSerializer;

impl TaggedJsonSerializer {
    /// `TaggedJSONSerializer.dumps`: a [`Value`] or a [`Dict`] as text: keys sorted, ASCII only, no
    /// spaces.
    ///
    /// # Errors
    /// `TooDeep`, `IntTooLong`, `DateOutOfRange`: see [`JsonError`].
    pub fn dumps<'a>(&self, value: impl Into<ValueRef<'a>>) -> Result<String, JsonError> {
        encode(value.into(), &Style::TAGGED)
    }

    /// `TaggedJSONSerializer.loads`: the value that [`dumps`](Self::dumps) wrote.
    ///
    /// # Errors
    /// Where the text is not JSON, or a tag holds what it cannot ([`JsonError::Tag`]). As in Flask,
    /// a date that cannot be read is no error but `None`.
    pub fn loads(&self, text: &str) -> Result<Value, JsonError> {
        decoder::decode(text, true)
    }
}

/// Whether a dict with this one key would be read as a tag.
pub(super) fn is_tag(key: &str) -> bool {
    matches!(key, DICT | TUPLE | BYTES | MARKUP | UUID | DATETIME)
}

// ANCHOR: untag
/// `TaggedJSONSerializer.untag`: what a dict stands for, its own items being untagged already.
pub(super) fn untag(dict: Dict) -> Result<Value, JsonError> {
    if dict.len() != 1 {
        return Ok(Value::Dict(dict));
    }
    let untag: fn(Value) -> Result<Value, JsonError> = match dict.first() {
        Some((key, _)) => match key.as_str() {
            DICT => untag_dict,
            TUPLE => untag_tuple,
            BYTES => untag_bytes,
            MARKUP => untag_markup,
            UUID => untag_uuid,
            DATETIME => untag_datetime,
            _ => return Ok(Value::Dict(dict)),
        },
        None => return Ok(Value::Dict(dict)),
    };
    let value = dict.into_iter().next().map(|(_, value)| value);
    untag(value.unwrap_or_default())
}
// ANCHOR_END: untag

/// `TaggedJSONSerializer._untag_scan`: the same for all that is in a value, for one that was read
/// without a look at its tags.
pub(super) fn untag_scan(value: Value) -> Result<Value, JsonError> {
    match value {
        Value::Dict(dict) => {
            let untagged = dict
                .into_iter()
                .map(|(key, value)| Ok((key, untag_scan(value)?)));
            untag(untagged.collect::<Result<_, JsonError>>()?)
        }
        Value::List(items) => {
            let untagged = items.into_iter().map(untag_scan);
            Ok(Value::List(untagged.collect::<Result<_, _>>()?))
        }
        _ => Ok(value),
    }
}

/// `TagDict.to_python`: only the first item counts, and its key loses two characters.
fn untag_dict(value: Value) -> Result<Value, JsonError> {
    let Value::Dict(dict) = value else {
        return Err(JsonError::Tag(DICT, "not a dict"));
    };
    let Some((mut key, value)) = dict.into_iter().next() else {
        return Err(JsonError::Tag(DICT, "an empty dict"));
    };
    key.pop();
    key.pop();
    Ok(Value::Dict(Dict::from_iter([(key, value)])))
}

/// `TagTuple.to_python`: Python's `tuple()` of anything that it can walk over.
fn untag_tuple(value: Value) -> Result<Value, JsonError> {
    Ok(Value::Tuple(match value {
        Value::List(items) | Value::Tuple(items) => items,
        Value::Str(text) | Value::Markup(text) => {
            text.chars().map(|char| Value::Str(char.into())).collect()
        }
        Value::Dict(dict) => dict.into_keys().map(Value::Str).collect(),
        Value::Bytes(bytes) => bytes
            .into_iter()
            .map(|byte| Value::Int(byte.into()))
            .collect(),
        _ => return Err(JsonError::Tag(TUPLE, "not a list")),
    }))
}

/// `TagBytes.to_python`.
fn untag_bytes(value: Value) -> Result<Value, JsonError> {
    let encoded = match value {
        Value::Str(text) | Value::Markup(text) if text.is_ascii() => text.into_bytes(),
        Value::Bytes(bytes) => bytes,
        _ => return Err(JsonError::Tag(BYTES, "not ASCII text")),
    };
    b64decode(&encoded)
        .map(Value::Bytes)
        .ok_or(JsonError::Tag(BYTES, "not base64"))
}

/// `TagMarkup.to_python`: Python's `str()` of the value.
fn untag_markup(value: Value) -> Result<Value, JsonError> {
    /// Each level of nesting may double the text, as it escapes the one below. No cookie has room for
    /// more than half of this.
    const LONGEST: usize = 8192;
    let text = match value {
        Value::Str(text) | Value::Markup(text) => text,
        _ => match repr::str(&value).into_owned() {
            text if text.len() <= LONGEST => text,
            _ => return Err(JsonError::Tag(MARKUP, "too long a text")),
        },
    };
    Ok(Value::Markup(text))
}

/// `TagUUID.to_python`: Python's `UUID()` of the text, which forgives much.
fn untag_uuid(value: Value) -> Result<Value, JsonError> {
    const ERROR: JsonError = JsonError::Tag(UUID, "not a UUID");
    let (Value::Str(text) | Value::Markup(text)) = value else {
        return Err(ERROR);
    };
    if let Some(uuid) = plain_uuid(&text) {
        return Ok(Value::Uuid(uuid));
    }
    let text = text.replace("urn:", "").replace("uuid:", "");
    let text = text.trim_matches(['{', '}']).replace('-', "");
    if let Some(uuid) = plain_uuid(&text) {
        return Ok(Value::Uuid(uuid));
    }
    // `int(hex, 16)` takes spaces around, a sign, `0x` and underscores for digits.
    if text.chars().count() != 32 {
        return Err(ERROR);
    }
    let number = int_of_base(&text, 16).and_then(|number| u128::try_from(number).ok());
    number
        .map(|number| Value::Uuid(Uuid::from_u128(number)))
        .ok_or(ERROR)
}

/// 32 hex digits and nothing else.
fn plain_uuid(text: &str) -> Option<Uuid> {
    let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = if digits {
        u128::from_str_radix(text, 16).ok()
    } else {
        None
    };
    number.map(Uuid::from_u128)
}

/// `TagDateTime.to_python`.
fn untag_datetime(value: Value) -> Result<Value, JsonError> {
    const ERROR: JsonError = JsonError::Tag(DATETIME, "not text");
    match value {
        Value::Str(text) | Value::Markup(text) => {
            let date = try_parse_date(&text).map_err(|DateOverflow| JsonError::DateOutOfRange)?;
            Ok(date.map_or(Value::Null, Value::DateTime))
        }
        // What is empty is no date, before it is looked at; bytes never are one.
        Value::Null | Value::Bool(false) | Value::Int(0) | Value::Bytes(_) => Ok(Value::Null),
        Value::Float(0.0) => Ok(Value::Null),
        Value::List(items) | Value::Tuple(items) if items.is_empty() => Ok(Value::Null),
        Value::Dict(items) if items.is_empty() => Ok(Value::Null),
        _ => Err(ERROR),
    }
}
