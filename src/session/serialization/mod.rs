//! What a session is in a store: bytes, in one of three formats.
//!
//! Mirrors `MsgSpecSerializer` in `flask_session/base.py`. A session is written in the configured format
//! and read by whichever format it is in: the configured one is tried first, then the other one, then
//! the pickle that Flask-Session wrote up to 0.6. A pickle is a program; here it is only read, as data.
//!
//! Read next: `msgpack.rs`, what most sessions are in, then `json.rs` and `pickle.rs`.

mod json;
mod msgpack;
mod pickle;
mod pickle_long;
mod pickle_old;
mod pickle_value;
mod pickle_writer;
mod time;

use std::fmt;

use super::store::{StoreError, StoreErrorKind};
use crate::value::{Dict, Foreign, Object, Value};

/// The format of a session in a store. Flask-Session: `SESSION_SERIALIZATION_FORMAT`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// `msgpack`, as msgspec writes it.
    #[default]
    MessagePack,
    /// `json`, as msgspec writes it.
    Json,
    /// A pickle, which only cachelib's files still are.
    Pickle,
}

impl Format {
    /// The session as bytes.
    ///
    /// # Errors
    /// Of the kind [`Unstorable`](StoreErrorKind::Unstorable), where the format has nothing for a value.
    ///
    /// ```
    /// use carafe::{Dict, session::Format};
    /// let session = Dict::from_iter([("n".to_owned(), 1.into())]);
    /// assert_eq!(Format::MessagePack.encode(&session)?, b"\x81\xa1n\x01");
    /// assert_eq!(Format::Json.encode(&session)?, br#"{"n":1}"#);
    /// // Whichever it is, it is read.
    /// assert_eq!(Format::MessagePack.decode(br#"{"n":1}"#)?, session);
    /// # Ok::<(), carafe::session::store::StoreError>(())
    /// ```
    pub fn encode(self, session: &Dict) -> Result<Vec<u8>, StoreError> {
        encode(session, &[], self).map_err(|error| {
            StoreError::new("format", StoreErrorKind::Unstorable, error.to_string())
        })
    }

    /// The session in these bytes, in this format or in another. What is under keys that are no text is
    /// left out.
    ///
    /// # Errors
    /// Of the kind [`Unreadable`](StoreErrorKind::Unreadable), where they are in none.
    pub fn decode(self, bytes: &[u8]) -> Result<Dict, StoreError> {
        let content = decode(bytes, self).and_then(|content| match content {
            Some(content) => Ok(content.dict),
            None => FormatError::new("a session is a dict, not None"),
        });
        content.map_err(|error| {
            StoreError::new("format", StoreErrorKind::Unreadable, error.to_string())
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MessagePack => "msgpack",
            Self::Json => "json",
            Self::Pickle => "pickle",
        })
    }
}

/// What a session is made of: its dict, and what a Flask app put under keys that are no text. A Rust app
/// does not see those; they stay with the session.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Content {
    pub(crate) dict: Dict,
    pub(crate) odd: Pairs,
}

/// Keys of any kind, and what is under them.
pub(crate) type Pairs = Vec<(Value, Value)>;

/// Why a session can't be written, or what is stored can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FormatError(pub(crate) String);

impl FormatError {
    pub(crate) fn new<T>(message: impl Into<String>) -> Result<T, Self> {
        Err(FormatError(message.into()))
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FormatError {}

/// The session as bytes: Flask-Session's `encode`.
pub(crate) fn encode(
    session: &Dict,
    odd: &[(Value, Value)],
    format: Format,
) -> Result<Vec<u8>, FormatError> {
    match format {
        Format::MessagePack => msgpack::encode(session, odd),
        Format::Json => json::encode(session, odd),
        Format::Pickle => pickle_writer::encode(session, odd),
    }
}

// ANCHOR: decode
/// The session in these bytes, by the format that they turn out to be in: Flask-Session's `decode`. None where they
/// say `None`, which is no session. Where they are in no format, the error is the configured one's, or that of a pickle.
pub(crate) fn decode(bytes: &[u8], configured: Format) -> Result<Option<Content>, FormatError> {
    let others = match configured {
        Format::MessagePack => [Format::Json, Format::Pickle],
        Format::Json => [Format::MessagePack, Format::Pickle],
        Format::Pickle => [Format::MessagePack, Format::Json],
    };
    // Why a pickle is refused is what counts, where it is one.
    let told = match looks_like_pickle(bytes) {
        true => Format::Pickle,
        false => configured,
    };
    decode_as(bytes, configured)
        .or_else(|_| decode_as(bytes, others[0]))
        .or_else(|_| decode_as(bytes, others[1]))
        .or_else(|_| decode_as(bytes, told))
}
// ANCHOR_END: decode

/// Whether they begin as a pickle of a dict does: neither a MessagePack nor a JSON of one does so. The protocols
/// 0 and 1 do not say that they are.
pub(crate) fn looks_like_pickle(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, 0..=5, ..] | [b'(', b'd', ..] | [b'}', ..])
}

fn decode_as(bytes: &[u8], format: Format) -> Result<Option<Content>, FormatError> {
    let value = match format {
        Format::MessagePack => msgpack::decode(bytes),
        Format::Json => json::decode(bytes),
        Format::Pickle => pickle::decode(bytes),
    };
    content(value?)
}

/// `pickle.loads(bytes)` of an `int`.
pub(crate) fn int_from_pickle(bytes: &[u8]) -> Option<i64> {
    pickle::decode(bytes).ok()?.as_i64()
}

/// `pickle.dumps(number)`.
pub(crate) fn int_to_pickle(number: i64) -> Vec<u8> {
    pickle_writer::encode_int(number)
}

/// What was read has to be a dict, if it is anything.
fn content(value: Value) -> Result<Option<Content>, FormatError> {
    let items = match value {
        Value::Null => return Ok(None),
        Value::Dict(dict) => {
            let odd = Pairs::new();
            return Ok(Some(Content { dict, odd }));
        }
        Value::Foreign(foreign) => match *foreign {
            Foreign::Map(items) => items,
            _ => return FormatError::new("a session is a dict, not an object"),
        },
        other => {
            let name = other.type_name();
            return FormatError::new(format!("a session is a dict, not a {name}"));
        }
    };
    let mut content = Content::default();
    for (key, value) in items {
        match key {
            Value::Str(key) => drop(content.dict.insert(key, value)),
            key => content.odd.push((key, value)),
        }
    }
    Ok(Some(content))
}

// ANCHOR: plain
/// An object as the formats that have no classes hold it, if msgspec has such a form.
fn plain(object: &Object) -> Result<Value, FormatError> {
    let args = object.args.as_deref().unwrap_or_default();
    let plain = match (&*object.module, &*object.name, args) {
        ("decimal", "Decimal", [Value::Str(text)]) => Some(text.as_str().into()),
        ("builtins", "set" | "frozenset", [Value::List(items)]) => Some(items.clone().into()),
        ("builtins", "bytearray", [bytes @ Value::Bytes(_)]) => Some(bytes.clone()),
        ("datetime", ..) => time::plain(object),
        // As msgspec has it, a dict of any kind is a dict.
        ("collections", "OrderedDict" | "defaultdict", _) => match &object.items {
            None => Some(Dict::new().into()),
            items => items.clone(),
        },
        ("collections", "Counter", []) => Some(Dict::new().into()),
        ("collections", "Counter", [counts]) => Some(counts.clone()),
        _ => None,
    };
    match plain {
        Some(plain) => Ok(plain),
        None => {
            let Object { module, name, .. } = object;
            FormatError::new(format!(
                "there is no form for a {module}.{name} but a pickle"
            ))
        }
    }
}
// ANCHOR_END: plain
