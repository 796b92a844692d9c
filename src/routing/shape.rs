//! How a dynamic part of a rule is checked against a piece of a path.
//!
//! Werkzeug matches every dynamic part by a regular expression. Here a part with a single variable
//! of a common shape is checked by hand, to the same result, and only the others need one.
//!
//! Read next: `matcher.rs`, which asks each part in turn.

use regex::Regex;

use super::exceptions::RuleError;
use super::matcher::Stack;
use super::parts::{Piece, RulePart};
use crate::python::digit_value;

/// How a dynamic part is checked.
#[derive(Clone)]
pub(crate) enum Test {
    /// One variable of a known shape, between two texts that may be empty.
    Simple {
        prefix: String,
        shape: Shape,
        suffix: String,
    },
    /// Anything else: the whole part as one expression, and the numbers of the variables' groups.
    Regex { regex: Regex, groups: Vec<usize> },
}

impl Test {
    pub(crate) fn new(part: &RulePart) -> Result<Self, RuleError> {
        let (prefix, regex, suffix) = match part.pieces.as_slice() {
            [Piece::Variable(regex)] => ("", regex, ""),
            [Piece::Literal(prefix), Piece::Variable(regex)] => (prefix.as_str(), regex, ""),
            [Piece::Variable(regex), Piece::Literal(suffix)] => ("", regex, suffix.as_str()),
            [
                Piece::Literal(prefix),
                Piece::Variable(regex),
                Piece::Literal(suffix),
            ] => (prefix.as_str(), regex, suffix.as_str()),
            _ => return Self::regex(part),
        };
        match Shape::of(regex) {
            Some(shape) => Ok(Self::Simple {
                prefix: prefix.to_owned(),
                shape,
                suffix: suffix.to_owned(),
            }),
            None => Self::regex(part),
        }
    }

    fn regex(part: &RulePart) -> Result<Self, RuleError> {
        let mut pattern = String::from(r"\A");
        let mut names = Vec::new();
        for piece in &part.pieces {
            match piece {
                Piece::Literal(text) => pattern.push_str(&regex::escape(text)),
                Piece::Variable(regex) => {
                    let name = format!("__werkzeug_{}", names.len());
                    pattern.push_str(&format!("(?P<{name}>{regex})"));
                    names.push(name);
                }
            }
        }
        pattern.push_str(r"\z");
        let regex = Regex::new(&pattern).map_err(|error| RuleError::Regex {
            message: error.to_string(),
        })?;
        let group = |name: &String| regex.capture_names().position(|other| other == Some(name));
        let groups = names.iter().filter_map(group).collect();
        Ok(Self::Regex { regex, groups })
    }

    /// Whether the text fits; if so the variables' texts are added to the values.
    pub(crate) fn run<'p>(&self, target: &'p str, values: &mut Stack<&'p str>) -> bool {
        match self {
            Self::Simple {
                prefix,
                shape,
                suffix,
            } => {
                let Some(inner) = between(target, prefix, suffix) else {
                    return false;
                };
                let fits = shape.fits(inner);
                if fits {
                    values.push(inner);
                }
                fits
            }
            Self::Regex { regex, groups } => {
                let Some(found) = regex.captures(target) else {
                    return false;
                };
                for &group in groups {
                    values.push(found.get(group).map_or("", |group| group.as_str()));
                }
                true
            }
        }
    }
}

/// What is left of a text without its prefix and suffix, if it has them. Most have neither, and
/// comparing with an empty `String` is slow: its pointer leads nowhere, which a vectorised `memcmp`
/// only notices the hard way.
fn between<'p>(text: &'p str, prefix: &str, suffix: &str) -> Option<&'p str> {
    let mut inner = text;
    if !prefix.is_empty() {
        inner = inner.strip_prefix(prefix)?;
    }
    if !suffix.is_empty() {
        inner = inner.strip_suffix(suffix)?;
    }
    Some(inner)
}

/// What the regular expressions of Werkzeug's own converters stand for, where the text before and
/// after is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `[^/]{least,most}`.
    Segment { least: usize, most: usize },
    /// `\d+`, or `-?\d+` with a sign.
    Digits { signed: bool },
    /// `[^/].*?`: no slash at the start, and no line feed after the first character.
    Path,
}

impl Shape {
    fn of(regex: &str) -> Option<Self> {
        match regex {
            "[^/]+" => {
                return Some(Self::Segment {
                    least: 1,
                    most: usize::MAX,
                });
            }
            r"\d+" => return Some(Self::Digits { signed: false }),
            r"-?\d+" => return Some(Self::Digits { signed: true }),
            "[^/].*?" => return Some(Self::Path),
            _ => {}
        }
        let limits = regex.strip_prefix("[^/]{")?.strip_suffix('}')?;
        let (least, most) = limits.split_once(',').unwrap_or((limits, limits));
        let least = least.parse().ok()?;
        let most = if most.is_empty() {
            usize::MAX
        } else {
            most.parse().ok()?
        };
        Some(Self::Segment { least, most })
    }

    fn fits(&self, text: &str) -> bool {
        match *self {
            Self::Segment { least: 1, most } if most == usize::MAX => {
                !text.is_empty() && !text.contains('/')
            }
            Self::Segment { least, most } => {
                (least..=most).contains(&text.chars().count()) && !text.contains('/')
            }
            Self::Digits { signed } => {
                let digits = text.strip_prefix('-').filter(|_| signed).unwrap_or(text);
                !digits.is_empty() && digits.chars().all(|c| digit_value(c).is_some())
            }
            Self::Path => {
                let mut chars = text.chars();
                chars.next().is_some_and(|first| first != '/') && !chars.as_str().contains('\n')
            }
        }
    }
}
