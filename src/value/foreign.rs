//! `Foreign`: what a Flask app may put into a stored session, and Rust has no type for.
//!
//! A cookie holds what Flask's tags know. A store holds more: MessagePack has maps with keys that are no
//! text and extension types, a pickle has objects of any class. They are kept, compared, and written
//! back as they came. Nothing in here is ever run.
//!
//! Read next: `session/serialization/`, which reads and writes them.

use super::Value;

/// A value that is kept for Python, as data.
///
/// ```
/// use std::collections::BTreeMap;
/// use carafe::{Value, json, value::Foreign};
/// // {1: "one"} in Python, where a key may be a number.
/// let value = Value::from(Foreign::Map(vec![(1.into(), "one".into())]));
/// let map: BTreeMap<u8, String> = json::from_value(value)?;
/// assert_eq!(map[&1], "one");
/// # Ok::<(), carafe::json::JsonError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Foreign {
    /// A `dict` with keys that are not all text, in its order.
    Map(Vec<(Value, Value)>),
    /// A MessagePack extension type: `msgspec.msgpack.Ext`, and under code -1 a `datetime` with a
    /// fraction of a second.
    Ext {
        /// Its number.
        code: i8,
        /// Its bytes.
        data: Vec<u8>,
    },
    /// An object of a Python class.
    Object(Object),
}

/// An object of a Python class, as a pickle describes it: what to call with what, and what to give
/// the result. Carafe calls nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The class's module, like `decimal`.
    pub module: String,
    /// The class's name in it, like `Decimal`.
    pub name: String,
    /// The arguments that it is made with. `None` stands for the class itself, of which nothing is made.
    pub args: Option<Vec<Value>>,
    /// Whether it is made by `cls.__new__(cls, *args)` and not by `cls(*args)`.
    pub new: bool,
    /// What it is filled with then, like a `deque`, which is a list here, or an `OrderedDict`, which is a dict.
    pub items: Option<Value>,
    /// What it is given once it is made: `__setstate__`, or its `__dict__`.
    pub state: Option<Value>,
}

impl From<Foreign> for Value {
    fn from(foreign: Foreign) -> Self {
        Self::Foreign(Box::new(foreign))
    }
}
