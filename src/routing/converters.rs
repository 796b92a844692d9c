//! Converters: what a variable of a rule accepts, and how it becomes a value and a URL again.
//!
//! Mirrors `werkzeug/routing/converters.py`. A [`Converter`] is a regular expression that finds its
//! text in a path, `to_python` that turns the text into a [`Value`], and `to_url` that turns a value
//! back into text. `<int(min=1):id>` calls the factory registered as `int` with the arguments in the
//! parentheses.
//!
//! Read next: `converters/standard.rs`, those that there are.

mod standard;

use std::fmt;
use std::sync::Arc;

pub(super) use standard::default_converters;

use super::urls::quote_path;
use crate::python::repr;
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

/// A factory in the form that a map keeps.
pub(crate) fn factory<F, C>(make: F) -> ConverterFactory
where
    F: Fn(&ConverterArgs) -> Result<C, String> + Send + Sync + 'static,
    C: Converter + 'static,
{
    Arc::new(move |args| Ok(Arc::new(make(args)?)))
}
