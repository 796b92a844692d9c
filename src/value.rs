//! `Value`: what a session, a JSON body or a URL argument can hold.
//!
//! Python has one universe of objects, and Flask's session, `request.json` and `view_args` all draw
//! on it. This enum is the part of that universe that Flask can send over the wire: plain JSON, plus
//! the six types that Flask's `TaggedJSONSerializer` (`flask/json/tag.py`) keeps apart. Because each
//! has a variant of its own, a tuple that a Flask app put into the session is still a tuple after a
//! Rust app has saved it.
//!
//! Read next: `json/` (how a `Value` becomes Python's JSON text), `session/` (who stores them).

mod dict;
mod foreign;

use uuid::Uuid;

pub use dict::{Dict, Iter};
pub use foreign::{Foreign, Object};

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
    /// What a Flask app put into a stored session, and has no other variant here.
    Foreign(Box<Foreign>),
}

impl Value {
    /// The text of a [`Value::Str`] or a [`Value::Markup`] (a `Markup` is a `str` in Python too).
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) | Self::Markup(text) => Some(text),
            _ => None,
        }
    }

    /// The number of a [`Value::Int`].
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The number of a [`Value::Float`], or of a [`Value::Int`], rounded to the nearest `f64`.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number),
            Self::Int(number) => Some(*number as f64),
            _ => None,
        }
    }

    /// The flag of a [`Value::Bool`].
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The bytes of a [`Value::Bytes`].
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The items of a [`Value::List`] or a [`Value::Tuple`].
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The items of a [`Value::List`], to change them. A tuple has none: Python's cannot change.
    #[must_use]
    pub fn as_list_mut(&mut self) -> Option<&mut Vec<Value>> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The items of a [`Value::Dict`].
    #[must_use]
    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// The items of a [`Value::Dict`], to change them, as in Python's `session["cart"]["pear"] = 2`:
    ///
    /// ```
    /// use carafe::{App, Error, Scaffold, Value, session};
    /// let mut app = App::new("shop");
    /// app.config().set_secret_key("adavafa");
    /// app.route("/", || {
    ///     session().insert("cart", Value::from_iter([("apple", 1)]))?;
    ///     session().update(|data| {
    ///         let cart = data.get_mut("cart").and_then(Value::as_dict_mut);
    ///         cart.map(|cart| cart.insert("pear".to_owned(), 2.into()))
    ///     })?;
    ///     Ok::<_, Error>(carafe::json::dumps(&session().to_dict())?)
    /// });
    /// assert_eq!(app.test_client().get("/").send()?.text(), r#"{"cart":{"apple":1,"pear":2}}"#);
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn as_dict_mut(&mut self) -> Option<&mut Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// Whether this is `None`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The item of a [`Value::Dict`] under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_dict()?.get(key)
    }

    /// The name that Python's `type(value).__name__` gives, for messages.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::BigInt(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::List(_) => "list",
            Self::Dict(_) => "dict",
            Self::Tuple(_) => "tuple",
            Self::Bytes(_) => "bytes",
            Self::Markup(_) => "Markup",
            Self::Uuid(_) => "UUID",
            Self::DateTime(_) => "datetime",
            Self::Foreign(foreign) => match **foreign {
                Foreign::Map(_) => "dict",
                Foreign::Ext { .. } => "Ext",
                Foreign::Object(_) => "object",
            },
        }
    }

    /// An `int` from its decimal digits, with or without a leading `-`: [`Value::Int`] where it
    /// fits 64 bits, else [`Value::BigInt`]. `None` where the text is anything else.
    ///
    /// ```
    /// use carafe::Value;
    /// assert_eq!(Value::from_digits("-007"), Some(Value::Int(-7)));
    /// assert_eq!(
    ///     Value::from_digits("00018446744073709551616"),
    ///     Some(Value::BigInt("18446744073709551616".to_owned())),
    /// );
    /// assert_eq!(Value::from_digits("0x1"), None);
    /// ```
    #[must_use]
    pub fn from_digits(text: &str) -> Option<Self> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", text),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(match text.parse() {
            Ok(number) => Self::Int(number),
            Err(_) => Self::BigInt(format!("{sign}{}", digits.trim_start_matches('0'))),
        })
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or_else(|_| Self::BigInt(number.to_string()), Self::Int)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::from(number as u64)
    }
}

impl From<i128> for Value {
    fn from(number: i128) -> Self {
        i64::try_from(number).map_or_else(|_| Self::BigInt(number.to_string()), Self::Int)
    }
}

impl From<u128> for Value {
    fn from(number: u128) -> Self {
        i64::try_from(number).map_or_else(|_| Self::BigInt(number.to_string()), Self::Int)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text)
    }
}

impl From<Uuid> for Value {
    fn from(uuid: Uuid) -> Self {
        Self::Uuid(uuid)
    }
}

impl From<Dict> for Value {
    fn from(dict: Dict) -> Self {
        Self::Dict(dict)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

/// Nothing is `None`.
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Null
    }
}

/// `Value::from_iter([("n", 1)])` is a `dict`.
impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(items: I) -> Self {
        Self::Dict(
            items
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}
