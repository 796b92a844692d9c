//! `str()` and `repr()`: how Python shows a [`Value`].
//!
//! Mirrors no Flask file. A URL holds `str(value)`, and the messages of many an error hold `repr()`s.
//!
//! Read next: `routing/urls.rs`, which turns these texts into parts of a URL.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;

use crate::Value;
use crate::value::Foreign;

/// `str(value)`.
pub(crate) fn str(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Str(text) | Value::Markup(text) => Cow::Borrowed(text),
        Value::Uuid(uuid) => Cow::Owned(uuid.to_string()),
        Value::DateTime(seconds) => Cow::Owned(match utc(*seconds) {
            Some(time) => time.strftime("%Y-%m-%d %H:%M:%S+00:00").to_string(),
            None => seconds.to_string(),
        }),
        _ => Cow::Owned(repr(value)),
    }
}

/// `repr(value)`.
pub(crate) fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Int(i) => i.to_string(),
        Value::BigInt(text) => text.clone(),
        Value::Float(f) => float_repr(*f),
        Value::Str(text) => str_repr(text),
        Value::List(items) => format!("[{}]", reprs(items)),
        Value::Tuple(items) if items.len() == 1 => format!("({},)", reprs(items)),
        Value::Tuple(items) => format!("({})", reprs(items)),
        Value::Dict(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|(key, value)| format!("{}: {}", str_repr(key), repr(value)))
                .collect();
            format!("{{{}}}", items.join(", "))
        }
        Value::Bytes(bytes) => bytes_repr(bytes),
        Value::Markup(text) => format!("Markup({})", str_repr(text)),
        Value::Uuid(uuid) => format!("UUID('{uuid}')"),
        Value::DateTime(seconds) => match utc(*seconds) {
            Some(time) => {
                let form = if time.second() == 0 {
                    "%-Y, %-m, %-d, %-H, %-M"
                } else {
                    "%-Y, %-m, %-d, %-H, %-M, %-S"
                };
                let fields = time.strftime(form);
                format!("datetime.datetime({fields}, tzinfo=datetime.timezone.utc)")
            }
            None => seconds.to_string(),
        },
        Value::Foreign(foreign) => match &**foreign {
            Foreign::Map(items) => {
                let item =
                    |(key, value): &(Value, Value)| format!("{}: {}", repr(key), repr(value));
                let items: Vec<String> = items.iter().map(item).collect();
                format!("{{{}}}", items.join(", "))
            }
            Foreign::Ext { code, data } => {
                format!("msgspec.msgpack.Ext({code}, {})", bytes_repr(data))
            }
            Foreign::Object(object) => format!("<{} object>", object.name),
        },
    }
}

fn reprs(items: &[Value]) -> String {
    let items: Vec<String> = items.iter().map(repr).collect();
    items.join(", ")
}

/// The date and time in UTC. (A `jiff::Timestamp` ends a day before the year 9999 does.)
fn utc(seconds: i64) -> Option<jiff::civil::DateTime> {
    let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
    let time = epoch.checked_add(jiff::SignedDuration::from_secs(seconds));
    time.ok()
}

/// `repr()` of a `float`: the shortest text that reads back as the same number.
pub(crate) fn float_repr(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let magnitude = number.abs();
    if magnitude == 0.0 || (1e-4..1e16).contains(&magnitude) {
        // Rust's `{:?}` has the `.0`, and the same limits, but another form beyond them.
        let text = format!("{number:?}");
        return half_to_even(text, number, |digits| format!("{number:.digits$}"));
    }
    let text = format!("{number:e}");
    let text = half_to_even(text, number, |digits| format!("{number:.digits$e}"));
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

/// Of two shortest texts that are equally near to the number Rust takes the larger, Python the even one. `round` rounds
/// it as Python does to so many digits behind the point.
fn half_to_even(text: String, number: f64, round: impl Fn(usize) -> String) -> String {
    // Two texts of fewer than 16 digits are never the same number.
    if text.len() <= 16 {
        return text;
    }
    let behind = text.split_once('.').map_or("", |(_, behind)| behind);
    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
    let even = round(digits);
    match even.parse::<f64>() {
        Ok(read) if read.to_bits() == number.to_bits() => even,
        _ => text,
    }
}

/// `repr()` of a `str`.
pub(crate) fn str_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c => {
                // Writing to a String cannot fail.
                let _ = match u32::from(c) {
                    code @ ..=0xff => write!(out, "\\x{code:02x}"),
                    code @ ..=0xffff => write!(out, "\\u{code:04x}"),
                    code => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push(quote);
    out
}

/// `str.isprintable()` of one character.
fn is_printable(c: char) -> bool {
    // A constant pattern that compiles; where it did not, text would be shown as it is.
    static HIDDEN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[\p{C}\p{Z}]").ok());
    if c.is_ascii() {
        return c == ' ' || c.is_ascii_graphic();
    }
    let mut buffer = [0; 4];
    HIDDEN
        .as_ref()
        .is_none_or(|hidden| !hidden.is_match(c.encode_utf8(&mut buffer)))
}

pub(crate) fn bytes_repr(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        '"'
    } else {
        '\''
    };
    let mut out = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            b if char::from(b) == quote => {
                out.push('\\');
                out.push(quote);
            }
            b if b == b' ' || b.is_ascii_graphic() => out.push(char::from(b)),
            b => {
                let _ = write!(out, "\\x{b:02x}");
            }
        }
    }
    out.push(quote);
    out
}
