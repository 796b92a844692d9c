//! From a [`Value`] to text: `json.dumps`, in the four forms that Flask and itsdangerous use.
//!
//! Mirrors Python's `json/encoder.py`, with `_default` of `flask/json/provider.py` and the tags of
//! `flask/json/tag.py` written in the same pass, so that no second tree is built.
//!
//! Read next: `decoder.rs`, the way back.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::tag;
use super::{JsonError, MAX_DEPTH};
use crate::python::MAX_INT_DIGITS;
use crate::python::repr::float_repr;
use crate::wrappers::dates::http_date;
use crate::{Dict, Value};

/// Something to write: a [`Value`], or a [`Dict`] that is not inside of one (a session's).
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// Any value.
    Value(&'a Value),
    /// A `dict`.
    Dict(&'a Dict),
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        Self::Value(value)
    }
}

impl<'a> From<&'a Dict> for ValueRef<'a> {
    fn from(dict: &'a Dict) -> Self {
        Self::Dict(dict)
    }
}

/// The keyword arguments of `json.dumps`.
#[derive(Debug)]
pub(crate) struct Style {
    /// Whether there is a space in `item_separator`, behind the comma.
    item_space: bool,
    /// Whether there is one in `key_separator`, behind the colon.
    key_space: bool,
    /// `indent=2`.
    indent: bool,
    ensure_ascii: bool,
    sort_keys: bool,
    types: Types,
}

/// What becomes of the types that JSON does not have.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Types {
    /// A `TypeError`, but for tuples and `Markup`, which to Python are lists and text.
    Refused,
    /// `flask.json.provider._default`: dates and UUIDs become text; bytes are a `TypeError`.
    Default,
    /// Flask's tags keep each apart.
    Tagged,
}

impl Style {
    /// Python's own defaults: `json.dumps(value)`.
    pub(crate) const PYTHON: Self = Self {
        item_space: true,
        key_space: true,
        indent: false,
        ensure_ascii: true,
        sort_keys: false,
        types: Types::Refused,
    };
    /// itsdangerous's `_CompactJSON`.
    pub(crate) const COMPACT: Self = Self {
        item_space: false,
        key_space: false,
        ensure_ascii: false,
        ..Self::PYTHON
    };
    /// What `jsonify` sends.
    const FLASK: Self = Self {
        item_space: false,
        key_space: false,
        sort_keys: true,
        types: Types::Default,
        ..Self::PYTHON
    };
    /// What `jsonify` sends in debug mode.
    const PRETTY: Self = Self {
        item_space: false,
        indent: true,
        key_space: true,
        ..Self::FLASK
    };
    /// What a session cookie holds.
    pub(crate) const TAGGED: Self = Self {
        types: Types::Tagged,
        ..Self::FLASK
    };
}

/// `DefaultJSONProvider.dumps`, as `jsonify` calls it outside of debug mode: keys sorted, ASCII
/// only, no spaces. Tuples become lists, UUIDs and `Markup` text, dates an HTTP date.
///
/// ```
/// use carafe::{Value, json};
/// let user = Value::from_iter([("name", Value::from("Zoë")), ("age", 42.into())]);
/// assert_eq!(json::dumps(&user)?, r#"{"age":42,"name":"Zo\u00eb"}"#);
/// # Ok::<(), json::JsonError>(())
/// ```
///
/// # Errors
/// [`JsonError::NotSerializable`] for bytes; `TooDeep`, `IntTooLong` and `DateOutOfRange` where
/// Python fails too.
pub fn dumps<'a>(value: impl Into<ValueRef<'a>>) -> Result<String, JsonError> {
    encode(value.into(), &Style::FLASK)
}

/// `DefaultJSONProvider.dumps` as `jsonify` calls it in debug mode: like [`dumps`], one item a
/// line, two spaces a level.
///
/// # Errors
/// As [`dumps`].
pub fn dumps_pretty<'a>(value: impl Into<ValueRef<'a>>) -> Result<String, JsonError> {
    encode(value.into(), &Style::PRETTY)
}

/// `json.dumps(value, **style)`.
pub(crate) fn encode(value: ValueRef<'_>, style: &Style) -> Result<String, JsonError> {
    let mut encoder = Encoder {
        out: String::with_capacity(128),
        depth: 0,
        style,
    };
    match value {
        ValueRef::Value(value) => encoder.value(value)?,
        ValueRef::Dict(dict) => encoder.tag_dict(dict)?,
    }
    Ok(encoder.out)
}

struct Encoder<'s> {
    out: String,
    depth: usize,
    style: &'s Style,
}

impl Encoder<'_> {
    /// Kept small, as it calls itself: what cannot nest is written by [`scalar`](Self::scalar).
    fn value(&mut self, value: &Value) -> Result<(), JsonError> {
        match value {
            Value::List(items) => self.list(items),
            Value::Dict(dict) => self.tag_dict(dict),
            Value::Tuple(items) if self.style.types == Types::Tagged => {
                self.open_tag(tag::TUPLE)?;
                self.list(items)?;
                self.close('}');
                Ok(())
            }
            Value::Tuple(items) => self.list(items),
            _ => self.scalar(value),
        }
    }

    fn scalar(&mut self, value: &Value) -> Result<(), JsonError> {
        if self.style.types == Types::Tagged {
            let tag = match value {
                Value::Bytes(_) => tag::BYTES,
                Value::Markup(_) => tag::MARKUP,
                Value::Uuid(_) => tag::UUID,
                Value::DateTime(_) => tag::DATETIME,
                _ => return self.untagged(value),
            };
            self.open_tag(tag)?;
            self.untagged(value)?;
            self.close('}');
            return Ok(());
        }
        self.untagged(value)
    }

    fn untagged(&mut self, value: &Value) -> Result<(), JsonError> {
        let types = self.style.types;
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(true) => self.out.push_str("true"),
            Value::Bool(false) => self.out.push_str("false"),
            Value::Int(number) => {
                if *number < 0 {
                    self.out.push('-');
                }
                self.digits(number.unsigned_abs());
            }
            Value::BigInt(digits) => {
                if digits.trim_start_matches('-').len() > MAX_INT_DIGITS {
                    return Err(JsonError::IntTooLong);
                }
                self.out.push_str(digits);
            }
            Value::Float(number) => self.float(*number),
            Value::Str(text) | Value::Markup(text) => self.string(text),
            Value::Bytes(bytes) if types == Types::Tagged => {
                self.out.push('"');
                STANDARD.encode_string(bytes, &mut self.out);
                self.out.push('"');
            }
            Value::Uuid(uuid) if types == Types::Tagged => self.quoted(&uuid.as_simple()),
            Value::Uuid(uuid) if types == Types::Default => self.quoted(uuid),
            Value::DateTime(seconds) if types != Types::Refused => {
                let date = http_date(*seconds).ok_or(JsonError::DateOutOfRange)?;
                self.quoted(&date);
            }
            _ => return Err(JsonError::NotSerializable(value.type_name())),
        }
        Ok(())
    }

    /// A dict. One that would be taken for a tag when it is read gets a tag itself: flask's
    /// `TagDict` and `PassDict`.
    fn tag_dict(&mut self, dict: &Dict) -> Result<(), JsonError> {
        if self.style.types == Types::Tagged
            && dict.len() == 1
            && let Some((key, value)) = dict.first()
            && tag::is_tag(key)
        {
            self.open_tag(tag::DICT)?;
            self.open('{')?;
            self.out.push('"');
            self.out.push_str(key);
            self.out.push_str("__\":");
            self.value(value)?;
            self.close('}');
            self.close('}');
            return Ok(());
        }
        self.dict(dict)
    }

    fn dict(&mut self, dict: &Dict) -> Result<(), JsonError> {
        if dict.is_empty() {
            self.out.push_str("{}");
            return Ok(());
        }
        self.open('{')?;
        if self.style.sort_keys && !dict.keys().is_sorted() {
            let mut items: Vec<_> = dict.iter().collect();
            items.sort_unstable_by_key(|(key, _)| *key);
            self.items(items.into_iter())?;
        } else {
            self.items(dict.iter())?;
        }
        self.close('}');
        Ok(())
    }

    fn items<'a>(
        &mut self,
        items: impl Iterator<Item = (&'a String, &'a Value)>,
    ) -> Result<(), JsonError> {
        for (index, (key, value)) in items.enumerate() {
            self.separate(index);
            self.string(key);
            self.out.push(':');
            if self.style.key_space {
                self.out.push(' ');
            }
            self.value(value)?;
        }
        Ok(())
    }

    fn list(&mut self, items: &[Value]) -> Result<(), JsonError> {
        if items.is_empty() {
            self.out.push_str("[]");
            return Ok(());
        }
        self.open('[')?;
        for (index, item) in items.iter().enumerate() {
            self.separate(index);
            self.value(item)?;
        }
        self.close(']');
        Ok(())
    }

    /// The beginning of `{" t":...}`. There is nothing in a tag to escape.
    fn open_tag(&mut self, tag: &str) -> Result<(), JsonError> {
        self.open('{')?;
        self.out.push('"');
        self.out.push_str(tag);
        self.out.push_str("\":");
        Ok(())
    }

    fn open(&mut self, bracket: char) -> Result<(), JsonError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(JsonError::TooDeep);
        }
        self.out.push(bracket);
        Ok(())
    }

    fn close(&mut self, bracket: char) {
        self.depth -= 1;
        self.newline();
        self.out.push(bracket);
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.out.push(',');
            if self.style.item_space {
                self.out.push(' ');
            }
        }
        self.newline();
    }

    fn newline(&mut self) {
        if self.style.indent {
            self.out.push('\n');
            for _ in 0..self.depth {
                self.out.push_str("  ");
            }
        }
    }

    /// A number's digits. A formatter takes longer than they do.
    fn digits(&mut self, number: u64) {
        if number > 9 {
            self.digits(number / 10);
        }
        self.out.push(char::from(b'0' + (number % 10) as u8));
    }

    /// Text with nothing in it to escape.
    fn quoted(&mut self, text: &impl std::fmt::Display) {
        // Writing to a String cannot fail.
        let _ = write!(self.out, "\"{text}\"");
    }

    /// `py_encode_basestring_ascii`, or `py_encode_basestring` without `ensure_ascii`.
    fn string(&mut self, text: &str) {
        self.out.push('"');
        let ensure_ascii = self.style.ensure_ascii;
        let special = |byte| match byte {
            b'"' | b'\\' | ..0x20 => true,
            0x7f.. => ensure_ascii,
            _ => false,
        };
        let mut rest = text;
        while let Some(at) = rest.bytes().position(special) {
            self.out.push_str(&rest[..at]);
            let length = self.escape(&rest[at..]);
            rest = &rest[at + length..];
        }
        self.out.push_str(rest);
        self.out.push('"');
    }

    /// Writes the first character of `text` as an escape, and tells its length in bytes.
    fn escape(&mut self, text: &str) -> usize {
        let Some(char) = text.chars().next() else {
            return 0;
        };
        match char {
            '"' => self.out.push_str("\\\""),
            '\\' => self.out.push_str("\\\\"),
            '\n' => self.out.push_str("\\n"),
            '\r' => self.out.push_str("\\r"),
            '\t' => self.out.push_str("\\t"),
            '\u{8}' => self.out.push_str("\\b"),
            '\u{c}' => self.out.push_str("\\f"),
            _ => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    let _ = write!(self.out, "\\u{unit:04x}");
                }
            }
        }
        char.len_utf8()
    }

    /// A float as Python writes it; what is none has JavaScript's names.
    fn float(&mut self, number: f64) {
        match number {
            f64::INFINITY => self.out.push_str("Infinity"),
            f64::NEG_INFINITY => self.out.push_str("-Infinity"),
            _ if number.is_nan() => self.out.push_str("NaN"),
            _ => self.out.push_str(&float_repr(number)),
        }
    }
}
