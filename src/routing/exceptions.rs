//! What can go wrong between a rule, a request and a URL.
//!
//! Mirrors `werkzeug/routing/exceptions.py`. [`RoutingException`] is what a request can meet,
//! [`BuildError`] what `url_for` can meet, and [`RuleError`] what adding a rule can meet, which in
//! Python is a `ValueError` or `LookupError`. Here none of them is an HTTP response: the app makes one.
//!
//! Read next: `converters.rs`.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use super::map::RulesByEndpoint;
use super::rule::Rule;
use crate::Dict;
use crate::python::repr::str_repr;

/// Why a request has no view function to go to: the exceptions of Werkzeug's `MapAdapter.match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoutingException {
    /// No rule fits the path: 404.
    NotFound,
    /// Rules fit the path, but none of them the method: 405.
    MethodNotAllowed {
        /// The methods that would have fitted, sorted, each once.
        valid_methods: Vec<String>,
    },
    /// The path has another, canonical URL: 308.
    RequestRedirect {
        /// The whole URL to go to.
        new_url: String,
    },
}

impl fmt::Display for RoutingException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no rule matches the path"),
            Self::MethodNotAllowed { valid_methods } => {
                write!(f, "the path allows only {}", valid_methods.join(", "))
            }
            Self::RequestRedirect { new_url } => write!(f, "redirect to {new_url}"),
        }
    }
}

impl std::error::Error for RoutingException {}

/// No URL could be built. Mirrors `BuildError`; its text is Werkzeug's.
pub struct BuildError {
    /// The endpoint that was asked for.
    pub endpoint: String,
    /// The values it was asked for with, without those that were `None`.
    pub values: Dict,
    /// The method it was asked for with.
    pub method: Option<String>,
    /// A converter's own message, where it refused a value for good (an `int` that is no number, an
    /// `any` that is not in its list). Python raises that as a plain `ValueError` or `TypeError`, so
    /// Flask does not show it to `url_build_error_handlers`.
    pub cause: Option<String>,
    pub(super) rules: Arc<RulesByEndpoint>,
}

impl BuildError {
    /// The rule whose endpoint is most like the one that was asked for: `BuildError.suggested`. It is
    /// looked for at every call, so that an error that nobody prints costs nothing.
    #[must_use]
    pub fn suggested(&self) -> Option<Arc<Rule>> {
        let wanted: Vec<char> = self.endpoint.chars().collect();
        let mut best: Option<(f64, &Arc<Rule>)> = None;
        for rule in self.rules.values().flatten() {
            let score = self.score_rule(rule, &wanted);
            if best.is_none_or(|(highest, _)| score > highest) {
                best = Some((score, rule));
            }
        }
        best.map(|(_, rule)| Arc::clone(rule))
    }

    fn score_rule(&self, rule: &Rule, wanted: &[char]) -> f64 {
        let endpoint: Vec<char> = rule.endpoint.chars().collect();
        let fits_values = self.values.keys().all(|key| rule.arguments.contains(key));
        let fits_method = match (&rule.methods, &self.method) {
            (Some(methods), Some(method)) => methods.contains(method),
            _ => false,
        };
        0.98 * ratio(&endpoint, wanted)
            + 0.01 * f64::from(u8::from(fits_values))
            + 0.01 * f64::from(u8::from(fits_method))
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(cause) = &self.cause {
            return f.write_str(cause);
        }
        let endpoint = str_repr(&self.endpoint);
        write!(f, "Could not build url for endpoint {endpoint}")?;
        let method = self.method.as_ref().filter(|method| !method.is_empty());
        if let Some(method) = method {
            write!(f, " ({})", str_repr(method))?;
        }
        if !self.values.is_empty() {
            write!(f, " with values {}", names(self.values.keys()))?;
        }
        f.write_str(".")?;
        let Some(suggested) = self.suggested() else {
            return Ok(());
        };
        if suggested.endpoint != self.endpoint {
            let instead = str_repr(&suggested.endpoint);
            return write!(f, " Did you mean {instead} instead?");
        }
        if let (Some(method), Some(methods)) = (method, &suggested.methods)
            && !methods.contains(method)
        {
            write!(f, " Did you mean to use methods {}?", names(methods))?;
        }
        let expected = suggested.arguments.iter().chain(suggested.defaults.keys());
        let missing = names(expected.filter(|name| !self.values.contains_key(name)));
        if missing != "[]" {
            write!(f, " Did you forget to specify values {missing}?")?;
        }
        Ok(())
    }
}

impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuildError")
            .field("endpoint", &self.endpoint)
            .field("values", &self.values)
            .field("method", &self.method)
            .field("cause", &self.cause)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for BuildError {}

/// `repr(sorted(set(names)))`.
fn names<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let sorted: BTreeSet<&String> = names.into_iter().collect();
    let texts: Vec<String> = sorted.into_iter().map(|name| str_repr(name)).collect();
    format!("[{}]", texts.join(", "))
}

/// How alike two texts are, from 0 to 1: `difflib.SequenceMatcher(None, a, b).ratio()`.
fn ratio(a: &[char], b: &[char]) -> f64 {
    let total = a.len() + b.len();
    if total == 0 {
        return 1.0;
    }
    let mut places: HashMap<char, Vec<usize>> = HashMap::new();
    for (at, &c) in b.iter().enumerate() {
        places.entry(c).or_default().push(at);
    }
    if b.len() >= 200 {
        // difflib leaves out what is too common to tell texts apart.
        places.retain(|_, at| at.len() <= b.len() / 100 + 1);
    }
    let mut matches = 0;
    let mut left = vec![(0, a.len(), 0, b.len())];
    while let Some((a_low, a_high, b_low, b_high)) = left.pop() {
        let (i, j, size) = longest_match(a, b, &places, (a_low, a_high, b_low, b_high));
        if size > 0 {
            matches += size;
            left.push((a_low, i, b_low, j));
            left.push((i + size, a_high, j + size, b_high));
        }
    }
    #[allow(clippy::cast_precision_loss)] // endpoints are short
    let ratio = 2.0 * matches as f64 / total as f64;
    ratio
}

/// `SequenceMatcher.find_longest_match`: where in `a`, where in `b`, how long.
fn longest_match(
    a: &[char],
    b: &[char],
    places: &HashMap<char, Vec<usize>>,
    (a_low, a_high, b_low, b_high): (usize, usize, usize, usize),
) -> (usize, usize, usize) {
    let (mut best_i, mut best_j, mut best_size) = (a_low, b_low, 0);
    let mut lengths: HashMap<usize, usize> = HashMap::new();
    for (i, c) in a.iter().enumerate().take(a_high).skip(a_low) {
        let mut next = HashMap::new();
        for &j in places.get(c).into_iter().flatten() {
            if j < b_low {
                continue;
            }
            if j >= b_high {
                break;
            }
            let before = j.checked_sub(1).and_then(|j| lengths.get(&j));
            let size = before.copied().unwrap_or(0) + 1;
            next.insert(j, size);
            if size > best_size {
                (best_i, best_j, best_size) = (i + 1 - size, j + 1 - size, size);
            }
        }
        lengths = next;
    }
    while best_i > a_low && best_j > b_low && a[best_i - 1] == b[best_j - 1] {
        (best_i, best_j, best_size) = (best_i - 1, best_j - 1, best_size + 1);
    }
    while best_i + best_size < a_high
        && best_j + best_size < b_high
        && a[best_i + best_size] == b[best_j + best_size]
    {
        best_size += 1;
    }
    (best_i, best_j, best_size)
}

/// Why a rule cannot be added to a map. Werkzeug raises a `ValueError`, `LookupError`, `TypeError` or
/// `SyntaxError`, some of them only at the first match.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleError {
    /// The rule string does not start with `/`.
    NoLeadingSlash {
        /// The rule string.
        rule: String,
    },
    /// The rule string has a `<` that does not start a variable.
    Malformed {
        /// The rule string.
        rule: String,
    },
    /// A variable name is used twice.
    DuplicateVariable {
        /// The rule string.
        rule: String,
        /// The variable.
        variable: String,
    },
    /// The map has no converter of this name.
    UnknownConverter {
        /// The converter's name.
        converter: String,
    },
    /// The text between a converter's parentheses cannot be read, or its converter refuses it.
    ConverterArguments {
        /// What is wrong.
        message: String,
    },
    /// A converter's regular expression does not compile.
    Regex {
        /// What is wrong.
        message: String,
    },
    /// The converter of a variable refuses the default given for it.
    BadDefault {
        /// The variable.
        variable: String,
        /// What is wrong.
        message: String,
    },
    /// `redirect_to` names a variable that the rule does not have.
    RedirectVariable {
        /// The variable.
        variable: String,
    },
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLeadingSlash { rule } => {
                write!(f, "URL rule '{rule}' must start with a slash.")
            }
            Self::Malformed { rule } => write!(f, "malformed url rule: {}", str_repr(rule)),
            Self::DuplicateVariable { rule, variable } => {
                write!(f, "URL rule '{rule}' uses the variable '{variable}' twice")
            }
            Self::UnknownConverter { converter } => {
                write!(f, "the converter {} does not exist", str_repr(converter))
            }
            Self::ConverterArguments { message } | Self::Regex { message } => f.write_str(message),
            Self::BadDefault { variable, message } => {
                write!(f, "the default of '{variable}' does not fit: {message}")
            }
            Self::RedirectVariable { variable } => {
                write!(
                    f,
                    "redirect_to names '{variable}', which the rule does not have"
                )
            }
        }
    }
}

impl std::error::Error for RuleError {}
