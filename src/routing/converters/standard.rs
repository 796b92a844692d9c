//! The converters that every map starts with.
//!
//! Mirrors the subclasses of `BaseConverter` in `werkzeug/routing/converters.py`, and `DEFAULT_CONVERTERS`.
//!
//! Read next: `../rule.rs`, which puts converters in a row.

use std::cmp::Ordering;
use std::collections::HashMap;

use uuid::Uuid;

use super::{Converter, ConverterArgs, ConverterFactory, ValidationError, factory};
use crate::Value;
use crate::python::{self, repr};

/// Any text in one segment: Werkzeug's `UnicodeConverter`, the default.
struct UnicodeConverter {
    regex: String,
}

impl UnicodeConverter {
    fn new(args: &ConverterArgs) -> Result<Self, String> {
        let [minlength, maxlength, length] = args.bind(["minlength", "maxlength", "length"])?;
        let limits = if let Some(length) = length {
            size(&length)?.to_string()
        } else {
            let least = minlength.map_or(Ok(1), |least| size(&least))?;
            match maxlength.map(|most| size(&most)).transpose()? {
                Some(most) if most < least => {
                    return Err("a string's maxlength is less than its minlength".to_owned());
                }
                Some(most) => format!("{least},{most}"),
                None => format!("{least},"),
            }
        };
        let regex = format!("[^/]{{{limits}}}");
        Ok(Self { regex })
    }
}

/// A length, as `int()` reads it.
fn size(value: &Value) -> Result<u32, String> {
    match python::int(value)? {
        Value::Int(length) => u32::try_from(length).ok(),
        _ => None,
    }
    .ok_or_else(|| format!("{} is not a length", repr::repr(value)))
}

impl Converter for UnicodeConverter {
    fn regex(&self) -> &str {
        &self.regex
    }

    fn part_isolating(&self) -> bool {
        true
    }
}

/// One of a list of texts: Werkzeug's `AnyConverter`.
struct AnyConverter {
    items: Vec<String>,
    regex: String,
}

impl AnyConverter {
    fn new(args: &ConverterArgs) -> Result<Self, String> {
        if let Some(name) = args.kwargs.keys().next() {
            return Err(format!("the converter has no argument '{name}'"));
        }
        let mut items = Vec::with_capacity(args.args.len());
        for item in &args.args {
            let Value::Str(item) = item else {
                let item = repr::repr(item);
                return Err(format!("an item of 'any' is a text, not {item}"));
            };
            items.push(item.clone());
        }
        let escaped: Vec<String> = items.iter().map(|item| regex::escape(item)).collect();
        let regex = format!("(?:{})", escaped.join("|"));
        items.sort_unstable();
        items.dedup();
        Ok(Self { items, regex })
    }
}

impl Converter for AnyConverter {
    fn regex(&self) -> &str {
        &self.regex
    }

    fn to_url(&self, value: &Value) -> Result<String, ValidationError> {
        let text = repr::str(value);
        let is_text = matches!(value, Value::Str(_) | Value::Markup(_));
        if is_text && self.items.iter().any(|item| *item == text) {
            return Ok(text.into_owned());
        }
        let items: Vec<String> = self.items.iter().map(|item| format!("'{item}'")).collect();
        let valid = items.join(", ");
        let message = format!("'{text}' is not one of {valid}");
        Err(ValidationError::Invalid(message))
    }

    fn part_isolating(&self) -> bool {
        true
    }
}

/// Any text, slashes and all: Werkzeug's `PathConverter`.
struct PathConverter;

impl Converter for PathConverter {
    fn regex(&self) -> &'static str {
        "[^/].*?"
    }

    fn weight(&self) -> i32 {
        200
    }

    fn part_isolating(&self) -> bool {
        false
    }
}

/// The limits of a number: what `NumberConverter` checks.
#[derive(Default)]
struct Limits {
    min: Option<Value>,
    max: Option<Value>,
}

impl Limits {
    fn new(min: Option<Value>, max: Option<Value>) -> Result<Self, String> {
        for limit in [&min, &max].into_iter().flatten() {
            if !python::is_number(limit) {
                return Err(format!("{} is not a number", repr::repr(limit)));
            }
        }
        Ok(Self { min, max })
    }

    fn check(&self, value: Value) -> Result<Value, ValidationError> {
        let is = |limit: &Option<Value>, order| {
            let limit = limit.as_ref();
            limit.is_some_and(|limit| python::compare_numbers(&value, limit) == Some(order))
        };
        if is(&self.min, Ordering::Less) || is(&self.max, Ordering::Greater) {
            return Err(ValidationError::Mismatch);
        }
        Ok(value)
    }
}

/// A whole number: Werkzeug's `IntegerConverter`.
struct IntegerConverter {
    fixed_digits: usize,
    limits: Limits,
    signed: bool,
}

impl IntegerConverter {
    fn new(args: &ConverterArgs) -> Result<Self, String> {
        let [fixed_digits, min, max, signed] =
            args.bind(["fixed_digits", "min", "max", "signed"])?;
        Ok(Self {
            fixed_digits: fixed_digits.map_or(Ok(0), |digits| size(&digits))? as usize,
            limits: Limits::new(min, max)?,
            signed: signed.as_ref().is_some_and(python::truth),
        })
    }
}

impl Converter for IntegerConverter {
    fn regex(&self) -> &str {
        if self.signed { r"-?\d+" } else { r"\d+" }
    }

    fn to_python(&self, value: &str) -> Result<Value, ValidationError> {
        if self.fixed_digits != 0 && value.chars().count() != self.fixed_digits {
            return Err(ValidationError::Mismatch);
        }
        let number = python::int_from_str(value).ok_or(ValidationError::Mismatch)?;
        self.limits.check(number)
    }

    fn to_url(&self, value: &Value) -> Result<String, ValidationError> {
        let number = python::int(value).map_err(ValidationError::Invalid)?;
        let text = repr::str(&number);
        Ok(python::zfill(&text, self.fixed_digits))
    }

    fn weight(&self) -> i32 {
        50
    }
}

/// A number with a point: Werkzeug's `FloatConverter`.
struct FloatConverter {
    limits: Limits,
    signed: bool,
}

impl FloatConverter {
    fn new(args: &ConverterArgs) -> Result<Self, String> {
        let [min, max, signed] = args.bind(["min", "max", "signed"])?;
        Ok(Self {
            limits: Limits::new(min, max)?,
            signed: signed.as_ref().is_some_and(python::truth),
        })
    }
}

impl Converter for FloatConverter {
    fn regex(&self) -> &str {
        if self.signed {
            r"-?\d+\.\d+"
        } else {
            r"\d+\.\d+"
        }
    }

    fn to_python(&self, value: &str) -> Result<Value, ValidationError> {
        let number = python::float_from_str(value).ok_or(ValidationError::Mismatch)?;
        self.limits.check(Value::Float(number))
    }

    fn to_url(&self, value: &Value) -> Result<String, ValidationError> {
        let number = python::float(value).map_err(ValidationError::Invalid)?;
        Ok(repr::float_repr(number))
    }

    fn weight(&self) -> i32 {
        50
    }
}

/// A UUID in its usual form: Werkzeug's `UUIDConverter`.
struct UuidConverter;

impl Converter for UuidConverter {
    fn regex(&self) -> &'static str {
        "[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}"
    }

    fn to_python(&self, value: &str) -> Result<Value, ValidationError> {
        let uuid = Uuid::try_parse(value).map_err(|_| ValidationError::Mismatch)?;
        Ok(Value::Uuid(uuid))
    }

    fn to_url(&self, value: &Value) -> Result<String, ValidationError> {
        Ok(repr::str(value).into_owned())
    }
}

/// The converters that every map starts with: `DEFAULT_CONVERTERS`. `path` and `uuid` ignore arguments,
/// as `BaseConverter` does.
pub(crate) fn default_converters() -> HashMap<String, ConverterFactory> {
    HashMap::from([
        ("default".to_owned(), factory(UnicodeConverter::new)),
        ("string".to_owned(), factory(UnicodeConverter::new)),
        ("any".to_owned(), factory(AnyConverter::new)),
        ("path".to_owned(), factory(|_| Ok(PathConverter))),
        ("int".to_owned(), factory(IntegerConverter::new)),
        ("float".to_owned(), factory(FloatConverter::new)),
        ("uuid".to_owned(), factory(|_| Ok(UuidConverter))),
    ])
}
