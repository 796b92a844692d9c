//! `Value`: what a session, a JSON body or a URL argument can hold.
//!
//! Python has one universe of objects, and Flask's session, `request.json` and `view_args` all draw
//! on it. This enum is the part of that universe that Flask can send over the wire: plain JSON, plus
//! the six types that Flask's `TaggedJSONSerializer` (`flask/json/tag.py`) keeps apart. Because each
//! has a variant of its own, a tuple that a Flask app put into the session is still a tuple after a
//! Rust app has saved it.
//!
//! Read next: `json/` (how a `Value` becomes Python's JSON text), `session/` (who stores them).

use indexmap::IndexMap;
use uuid::Uuid;

/// A Python `dict` with text keys: it keeps the order in which keys were first inserted.
pub type Dict = IndexMap<String, Value>;

/// One value of Python's, as far as Flask can put it into a session, a JSON body or a URL.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `None`.
    #[default]
    Null,
    /// `True` or `False`.
    Bool(bool),
    /// An `int` that fits 64 bits.
    Int(i64),
    /// An `int` that does not: its decimal digits, with a leading `-` where it is negative, no
    /// leading zeros. Never holds a number that [`Value::Int`] could.
    BigInt(String),
    /// A `float`. Unlike JSON's own numbers it may be infinite or not a number.
    Float(f64),
    /// A `str`.
    Str(String),
    /// A `list`.
    List(Vec<Value>),
    /// A `dict`.
    Dict(Dict),
    /// A `tuple`.
    Tuple(Vec<Value>),
    /// `bytes`.
    Bytes(Vec<u8>),
    /// A `markupsafe.Markup`: text that is already safe HTML.
    Markup(String),
    /// A `uuid.UUID`.
    Uuid(Uuid),
    /// A `datetime.datetime` in UTC, in whole Unix seconds, which may be negative. (Flask keeps no
    /// fraction of a second in a session either.)
    DateTime(i64),
}
