//! `JsonError`: why a text is not JSON, or a value cannot become JSON.
//!
//! One variant for each exception that Python's `json` and Flask's tags raise in the same place.

use std::fmt;

/// Why a text is not JSON, or a value cannot become JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonError {
    /// `json.JSONDecodeError`: the text breaks the grammar.
    Decode {
        /// What is wrong, in Python's words.
        message: &'static str,
        /// The line of it, from 1.
        line: usize,
        /// The column of it, in characters, from 1.
        column: usize,
        /// Where it is in the text, in characters, from 0.
        position: usize,
    },
    /// `UnicodeDecodeError`: the bytes are not text in this encoding.
    Unicode(&'static str),
    /// A `\ud800` to `\udfff` without its other half. Python's `str` can hold one, Rust's cannot.
    LoneSurrogate,
    /// `RecursionError`: lists and dicts nest deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    TooDeep,
    /// `ValueError`: an integer of more than 4300 digits.
    IntTooLong,
    /// `TypeError`: JSON has nothing for a value of this type.
    NotSerializable(&'static str),
    /// `OverflowError`: a date outside of the years 1 to 9999.
    DateOutOfRange,
    /// A tag of Flask's (the first field, like `" u"`) with contents that it cannot have.
    Tag(&'static str, &'static str),
    /// What a type's own `Serialize` or `Deserialize` has to say.
    Custom(String),
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode {
                message,
                line,
                column,
                position,
            } => {
                write!(
                    f,
                    "{message}: line {line} column {column} (char {position})"
                )
            }
            Self::Unicode(encoding) => write!(f, "the bytes are not valid {encoding}"),
            Self::LoneSurrogate => f.write_str("a surrogate escape without its other half"),
            Self::TooDeep => f.write_str("maximum recursion depth exceeded"),
            Self::IntTooLong => {
                f.write_str("Exceeds the limit (4300 digits) for integer string conversion")
            }
            Self::NotSerializable(name) => {
                write!(f, "Object of type {name} is not JSON serializable")
            }
            Self::DateOutOfRange => f.write_str("date value out of range"),
            Self::Tag(tag, why) => write!(f, "bad contents of the tag {tag:?}: {why}"),
            Self::Custom(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for JsonError {}

impl serde::ser::Error for JsonError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}

impl serde::de::Error for JsonError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom(message.to_string())
    }
}
