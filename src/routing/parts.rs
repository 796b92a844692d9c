//! How a rule string is read: its pieces, the arguments of its converters, and its parts.
//!
//! Mirrors the first half of `werkzeug/routing/rules.py`: `_part_re`, `parse_converter_args`,
//! `RulePart` and `Weighting`.
//!
//! Read next: `rule.rs`, which puts the parts of a rule together.

use std::sync::LazyLock;

use regex::Regex;

use super::converters::{Converter, ConverterArgs};
use super::exceptions::RuleError;
use crate::{Value, python};

/// How eagerly a dynamic part is tried; the least comes first. The order of the fields decides: more
/// static text, then static text earlier and longer, then more variables, then lighter ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Weighting {
    number_static_weights: isize,
    static_weights: Vec<(isize, isize)>,
    number_argument_weights: isize,
    argument_weights: Vec<i32>,
}

impl Weighting {
    fn new(static_weights: Vec<(isize, isize)>, argument_weights: Vec<i32>) -> Self {
        Self {
            number_static_weights: -len(static_weights.len()),
            number_argument_weights: -len(argument_weights.len()),
            static_weights,
            argument_weights,
        }
    }
}

/// A length as a number that can be negated. (No text is longer than `isize::MAX` bytes.)
pub(crate) fn len(length: usize) -> isize {
    isize::try_from(length).unwrap_or(isize::MAX)
}

/// A piece of a dynamic part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text as it is.
    Literal(String),
    /// A variable, by its regular expression.
    Variable(String),
}

/// What stands between two slashes of a rule, or all that follows once a variable can hold slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RulePart {
    /// The text and the variables. A static part has at most one piece, a literal.
    pub(crate) pieces: Vec<Piece>,
    /// It takes all that is left of the path.
    pub(crate) is_final: bool,
    /// It ended with a slash, which is not in `pieces`, behind a variable that can hold slashes.
    pub(crate) suffixed: bool,
    /// When it is tried.
    pub(crate) weight: Weighting,
}

impl RulePart {
    /// The text of a part without variables.
    pub(crate) fn static_content(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

/// A piece of the rule string.
pub(crate) enum Token<'r> {
    Slash,
    Static(&'r str),
    Variable {
        converter: Option<&'r str>,
        arguments: &'r str,
        name: &'r str,
    },
}

/// Compiles a pattern that is written in this file; a mistake in one is a bug that every test shows.
#[allow(clippy::expect_used)]
fn own_regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the router's own patterns compile")
}

/// Cuts a rule string into its pieces: Werkzeug's `_part_re`.
pub(crate) fn tokens(rule: &str) -> Result<Vec<Token<'_>>, RuleError> {
    static VARIABLE: LazyLock<Regex> = LazyLock::new(|| {
        own_regex(r"\A<(?:([a-zA-Z_][a-zA-Z0-9_]*)(?:\((.*?)\))?:)?([a-zA-Z_][a-zA-Z0-9_]*)>")
    });
    let mut tokens = Vec::new();
    let mut rest = rule;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('/') {
            tokens.push(Token::Slash);
            rest = after;
        } else if rest.starts_with('<') {
            let malformed = || RuleError::Malformed {
                rule: rule.to_owned(),
            };
            let found = VARIABLE.captures(rest).ok_or_else(malformed)?;
            let group = |number| found.get(number).map(|group| group.as_str());
            tokens.push(Token::Variable {
                converter: group(1),
                arguments: group(2).unwrap_or(""),
                name: group(3).unwrap_or(""),
            });
            rest = &rest[found.get_match().end()..];
        } else {
            let end = rest.find(['<', '/']).unwrap_or(rest.len());
            let (text, after) = rest.split_at(end);
            tokens.push(Token::Static(text));
            rest = after;
        }
    }
    Ok(tokens)
}

/// Reads the text between a converter's parentheses: `parse_converter_args`.
pub(crate) fn parse_converter_args(arguments: &str) -> Result<ConverterArgs, RuleError> {
    static ARGUMENT: LazyLock<Regex> = LazyLock::new(|| {
        own_regex(concat!(
            r"\s*(?:(\w+)\s*=\s*)?",
            r"(True|False|\d+.\d+|\d+.|\d+|[\w\d_.]+|",
            r#"[urUR]?("[^"]*?"|'[^']*'))\s*,"#,
        ))
    });
    let text = format!("{arguments},");
    let mut parsed = ConverterArgs::default();
    let mut position = 0;
    for found in ARGUMENT.captures_iter(&text) {
        let whole = found.get_match();
        if whole.start() != position {
            let skipped = &text[position..whole.start()];
            let message = format!("Cannot parse converter argument '{skipped}'");
            return Err(RuleError::ConverterArguments { message });
        }
        let value = found.get(3).or(found.get(2));
        let value = pythonize(value.map_or("", |value| value.as_str()));
        match found.get(1) {
            Some(name) => {
                parsed.kwargs.insert(name.as_str().to_owned(), value);
            }
            None => parsed.args.push(value),
        }
        position = whole.end();
    }
    Ok(parsed)
}

/// The value of an argument: Werkzeug's `_pythonize`.
fn pythonize(text: &str) -> Value {
    match text {
        "None" => return Value::Null,
        "True" => return Value::Bool(true),
        "False" => return Value::Bool(false),
        _ => {}
    }
    if let Some(number) = python::int_from_str(text) {
        return number;
    }
    if let Some(number) = python::float_from_str(text) {
        return Value::Float(number);
    }
    let unquoted = ['"', '\'']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
    Value::Str(unquoted.unwrap_or(text).to_owned())
}

/// `re.sub("/{2,}", "/", path)`.
pub(crate) fn merge_slashes(path: &str) -> String {
    let mut merged = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !merged.ends_with('/') {
            merged.push(c);
        }
    }
    merged
}

/// The names in `<...>`: Werkzeug's `_simple_rule_re`.
pub(crate) fn placeholders(target: &str) -> impl Iterator<Item = &str> {
    static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| own_regex("<([^>]+)>"));
    PLACEHOLDER
        .captures_iter(target)
        .filter_map(|found| found.get(1).map(|name| name.as_str()))
}

/// A part of a rule that is being read.
#[derive(Default)]
pub(crate) struct PartInProgress {
    pieces: Vec<Piece>,
    /// A variable can hold slashes, so the rest of the rule belongs to it.
    pub(crate) is_final: bool,
    /// See [`RulePart::suffixed`].
    pub(crate) suffixed: bool,
    static_weights: Vec<(isize, isize)>,
    argument_weights: Vec<i32>,
}

impl PartInProgress {
    pub(crate) fn push_static(&mut self, text: &str) {
        let place = len(self.static_weights.len());
        self.static_weights
            .push((place, -len(text.chars().count())));
        self.push_literal(text);
    }

    pub(crate) fn push_literal(&mut self, text: &str) {
        if let Some(Piece::Literal(last)) = self.pieces.last_mut() {
            last.push_str(text);
        } else {
            self.pieces.push(Piece::Literal(text.to_owned()));
        }
    }

    pub(crate) fn push_variable(&mut self, converter: &dyn Converter) {
        self.pieces
            .push(Piece::Variable(converter.regex().to_owned()));
        self.argument_weights.push(converter.weight());
        self.is_final |= !converter.part_isolating();
    }

    /// Drops a slash at the end; says whether there was one.
    pub(crate) fn pop_slash(&mut self) -> bool {
        let Some(Piece::Literal(last)) = self.pieces.last_mut() else {
            return false;
        };
        let popped = last.ends_with('/');
        if popped {
            last.pop();
        }
        if last.is_empty() {
            self.pieces.pop();
        }
        popped
    }

    pub(crate) fn finish(self) -> RulePart {
        RulePart {
            pieces: self.pieces,
            is_final: self.is_final,
            suffixed: self.suffixed,
            weight: Weighting::new(self.static_weights, self.argument_weights),
        }
    }
}
