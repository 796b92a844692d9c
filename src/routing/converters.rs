//! Converters: what a variable of a rule accepts, and how it becomes a value and a URL again.
//!
//! Mirrors `werkzeug/routing/converters.py`. A [`Converter`] is a regular expression that finds its
//! text in a path, `to_python` that turns the text into a [`Value`], and `to_url` that turns a value
//! back into text. `<int(min=1):id>` calls the factory registered as `int` with the arguments in the
//! parentheses.
//!
//! Read next: `rule.rs`, which puts converters in a row.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::urls::quote_path;
use crate::python::{self, repr};
use crate::{Dict, Value};

/// Why a converter refuses a text or a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValidationError {
    /// It does not fit: the path does not match, or the next rule is tried for the URL. Mirrors
    /// Werkzeug's `ValidationError`.
    Mismatch,
    /// It is wrong for good: building stops with this message. Mirrors Python's other errors, such
    /// as the `ValueError` of `int("x")`. In a path it means the same as `Mismatch`.
    Invalid(String),
}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch => f.write_str("the value does not fit"),
            Self::Invalid(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ValidationError {}

/// The regular expression of a converter that has none of its own.
const ANY_SEGMENT: &str = "[^/]+";

/// What a variable accepts. Mirrors `BaseConverter`, whose defaults it has: one path segment, as text.
///
/// ```
/// use carafe::routing::{Converter, ValidationError};
/// use carafe::{App, Error, Scaffold, Value, json, url_for};
///
/// /// The defaults: Python's `super()`.
/// struct BaseConverter;
///
/// impl Converter for BaseConverter {}
///
/// /// `a+b` in the URL, a list of texts in the view.
/// struct ListConverter;
///
/// impl Converter for ListConverter {
///     fn to_python(&self, text: &str) -> Result<Value, ValidationError> {
///         Ok(Value::from(text.split('+').collect::<Vec<_>>()))
///     }
///
///     fn to_url(&self, value: &Value) -> Result<String, ValidationError> {
///         let items = value.as_list().ok_or(ValidationError::Mismatch)?;
///         let items = items.iter().map(|item| BaseConverter.to_url(item));
///         Ok(items.collect::<Result<Vec<_>, _>>()?.join("+"))
///     }
/// }
///
/// let mut app = App::new("shop");
/// app.add_converter("list", |_args| Ok(ListConverter));
/// app.route("/tags/<list:tags>", |tags: Value| {
///     let url = url_for("tags_tags").arg("tags", vec!["red", "50%"]).build()?;
///     let tags: Vec<String> = json::from_value(tags)?;
///     Ok::<_, Error>(format!("{}, or {url}", tags.join(" and ")))
/// });
/// let response = app.test_client().get("/tags/red+blue").send()?;
/// assert_eq!(response.text(), "red and blue, or /tags/red+50%25");
/// # Ok::<(), Error>(())
/// ```
pub trait Converter: Send + Sync {
    /// What the text looks like, in the syntax of the `regex` crate. It has no anchors, no
    /// look-around and no back-references.
    fn regex(&self) -> &str {
        ANY_SEGMENT
    }

    /// The value of a text that the regular expression has matched.
    ///
    /// # Errors
    /// Any error means that the rule does not match: the answer is 404.
    fn to_python(&self, value: &str) -> Result<Value, ValidationError> {
        Ok(Value::Str(value.to_owned()))
    }

    /// The text of a value in a URL, percent-encoded.
    ///
    /// # Errors
    /// [`ValidationError::Mismatch`] where another rule may do, else [`ValidationError::Invalid`].
    fn to_url(&self, value: &Value) -> Result<String, ValidationError> {
        Ok(quote_path(&repr::str(value)).into_owned())
    }

    /// Where two rules could match, the variable with the lower weight is tried first.
    fn weight(&self) -> i32 {
        100
    }

    /// Whether the text stays inside one path segment. By default it does where the regular
    /// expression has no slash in it.
    fn part_isolating(&self) -> bool {
        self.regex() == ANY_SEGMENT || !self.regex().contains('/')
    }
}

/// What stands between a converter's parentheses, as `parse_converter_args` reads it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConverterArgs {
    /// The arguments without a name.
    pub args: Vec<Value>,
    /// The arguments with a name.
    pub kwargs: Dict,
}

impl ConverterArgs {
    /// The arguments in the order of the parameter names, as Python binds them; `None` where one is
    /// left out or is Python's `None`.
    ///
    /// # Errors
    /// A message where there are too many, or one with a wrong name, or one twice.
    pub fn bind<const N: usize>(&self, names: [&str; N]) -> Result<[Option<Value>; N], String> {
        if self.args.len() > N {
            let given = self.args.len();
            return Err(format!(
                "the converter takes {N} arguments but {given} were given"
            ));
        }
        let mut bound = [const { None }; N];
        for (slot, value) in bound.iter_mut().zip(&self.args) {
            *slot = Some(value.clone());
        }
        for (name, value) in &self.kwargs {
            let slot = names.iter().position(|known| known == name);
            match slot.and_then(|at| bound.get_mut(at)) {
                Some(slot @ None) => *slot = Some(value.clone()),
                Some(_) => return Err(format!("the converter got two values for '{name}'")),
                None => return Err(format!("the converter has no argument '{name}'")),
            }
        }
        Ok(bound.map(|value| value.filter(|value| *value != Value::Null)))
    }
}

/// Makes a converter from the arguments in a rule. In Python it is the converter's class.
pub(crate) type ConverterFactory =
    Arc<dyn Fn(&ConverterArgs) -> Result<Arc<dyn Converter>, String> + Send + Sync>;

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

/// A factory in the form that a map keeps.
pub(crate) fn factory<F, C>(make: F) -> ConverterFactory
where
    F: Fn(&ConverterArgs) -> Result<C, String> + Send + Sync + 'static,
    C: Converter + 'static,
{
    Arc::new(move |args| Ok(Arc::new(make(args)?)))
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
