//! What Python's builtins do to a [`Value`]: `int()`, `float()`, `bool()`, `==` and `<`.
//!
//! Mirrors no Flask file: it is the part of Python that Werkzeug's router leans on, and a little that sessions and
//! error messages want too. An `int` converter accepts every digit that Unicode has, and `1 == 1.0 == True` when a
//! value is compared with a rule's default.
//!
//! Read next: `repr.rs`, for `str()` and `repr()`.

pub(crate) mod repr;

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::Value;
use repr::repr;

/// The most digits that Python reads as an `int` (`sys.set_int_max_str_digits`).
pub(crate) const MAX_INT_DIGITS: usize = 4300;

/// The zero of every run of ten decimal digits (Unicode category Nd) that the `regex` crate knows as
/// `\d`, in ascending order.
const ZEROS: &[u32] = &[
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
    0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
    0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
    0x104a0, 0x10d30, 0x10d40, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0,
    0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50, 0x11d50,
    0x11da0, 0x11f50, 0x16130, 0x16a60, 0x16ac0, 0x16b50, 0x16d70, 0x1ccf0, 0x1d7ce, 0x1d7d8,
    0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e5f1, 0x1e950, 0x1fbf0,
];

/// The value of a decimal digit of any script, as `unicodedata.decimal` gives it.
pub(crate) fn digit_value(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    let code = u32::from(c);
    let next = ZEROS.partition_point(|&zero| zero <= code);
    let value = code - ZEROS.get(next.checked_sub(1)?)?;
    (value < 10).then_some(value)
}

/// `str.isspace()` of one character: Python counts four control characters that Rust does not.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// `int(text)`. `None` is Python's `ValueError`.
pub(crate) fn int_from_str(text: &str) -> Option<Value> {
    // Nearly every number in a URL is short and plain.
    if (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().map(Value::Int);
    }
    let text = text.trim_matches(is_space);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = plain_digits(digits)?;
    if digits.len() > MAX_INT_DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(Value::Int(0));
    }
    let text = if negative {
        format!("-{digits}")
    } else {
        digits.to_owned()
    };
    Some(match text.parse() {
        Ok(small) => Value::Int(small),
        Err(_) => Value::BigInt(text),
    })
}

/// `int(text, base)`: a sign, spaces around, digits of any script, single `_` between them, and `0x` in
/// base 16. `None` is Python's `ValueError`. A number that is too large stops at the limits of `i128`.
pub(crate) fn int_of_base(text: &str, base: u32) -> Option<i128> {
    let text = text.trim_matches(is_space);
    let text = if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        let ascii = |char| digit_value(char).and_then(|digit| char::from_digit(digit, 10));
        text.chars()
            .map(|char| ascii(char).unwrap_or(char))
            .collect()
    };
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text.as_ref()),
    };
    let unprefixed = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"));
    let digits = match unprefixed {
        Some(digits) if base == 16 => digits.strip_prefix('_').unwrap_or(digits),
        _ => digits,
    };
    let mut number: i128 = 0;
    let mut count = 0;
    for part in digits.split('_') {
        if part.is_empty() {
            return None;
        }
        for char in part.chars() {
            number = number
                .saturating_mul(base.into())
                .saturating_add(char.to_digit(base)?.into());
            count += 1;
        }
    }
    if base == 10 && count > MAX_INT_DIGITS {
        return None;
    }
    Some(if negative { -number } else { number })
}

/// The text with every digit as an ASCII digit, and without the underscores that Python allows
/// between two digits. `None` where it is empty or an underscore is elsewhere.
fn plain_digits(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut after_digit = false;
    let mut after_underscore = false;
    for c in text.chars() {
        if c == '_' {
            if !after_digit {
                return None;
            }
            after_digit = false;
            after_underscore = true;
            continue;
        }
        let digit = digit_value(c).and_then(|value| char::from_digit(value, 10));
        if after_underscore && digit.is_none() {
            return None;
        }
        after_underscore = false;
        after_digit = digit.is_some();
        plain.push(digit.unwrap_or(c));
    }
    (!plain.is_empty() && !after_underscore).then_some(plain)
}

/// `float(text)`. `None` is Python's `ValueError`.
pub(crate) fn float_from_str(text: &str) -> Option<f64> {
    plain_digits(text.trim_matches(is_space))?.parse().ok()
}

/// `int(value)`.
///
/// # Errors
/// Python's message, where the value is not a number or its text is not one.
pub(crate) fn int(value: &Value) -> Result<Value, String> {
    let invalid = || format!("invalid literal for int() with base 10: {}", repr(value));
    match value {
        Value::Bool(b) => Ok(Value::Int(i64::from(*b))),
        Value::Int(_) | Value::BigInt(_) => Ok(value.clone()),
        Value::Float(f) if f.is_nan() => Err("cannot convert float NaN to integer".to_owned()),
        Value::Float(f) if f.is_infinite() => {
            Err("cannot convert float infinity to integer".to_owned())
        }
        Value::Float(f) => int_from_str(&format!("{:.0}", f.trunc())).ok_or_else(invalid),
        Value::Str(text) | Value::Markup(text) => int_from_str(text).ok_or_else(invalid),
        Value::Bytes(bytes) => ascii(bytes).and_then(int_from_str).ok_or_else(invalid),
        Value::Uuid(uuid) => int_from_str(&uuid.as_u128().to_string()).ok_or_else(invalid),
        Value::Null
        | Value::List(_)
        | Value::Tuple(_)
        | Value::Dict(_)
        | Value::DateTime(_)
        | Value::Foreign(_) => Err(format!(
            "int() argument must be a string, a bytes-like object or a real number, not '{}'",
            value.type_name()
        )),
    }
}

/// `float(value)`.
///
/// # Errors
/// Python's message, where the value is not a number or its text is not one.
pub(crate) fn float(value: &Value) -> Result<f64, String> {
    let invalid = || format!("could not convert string to float: {}", repr(value));
    match value {
        Value::Bool(b) => Ok(f64::from(u8::from(*b))),
        #[allow(clippy::cast_precision_loss)] // Python rounds the same way
        Value::Int(i) => Ok(*i as f64),
        Value::BigInt(text) => match text.parse::<f64>() {
            Ok(f) if f.is_finite() => Ok(f),
            _ => Err("int too large to convert to float".to_owned()),
        },
        Value::Float(f) => Ok(*f),
        Value::Str(text) | Value::Markup(text) => float_from_str(text).ok_or_else(invalid),
        Value::Bytes(bytes) => ascii(bytes).and_then(float_from_str).ok_or_else(invalid),
        _ => Err(format!(
            "float() argument must be a string or a real number, not '{}'",
            value.type_name()
        )),
    }
}

fn ascii(bytes: &[u8]) -> Option<&str> {
    bytes.is_ascii().then(|| std::str::from_utf8(bytes).ok())?
}

/// `bool(value)`.
pub(crate) fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Int(i) => *i != 0,
        Value::Float(f) => *f != 0.0,
        Value::Str(text) | Value::Markup(text) => !text.is_empty(),
        Value::List(items) | Value::Tuple(items) => !items.is_empty(),
        Value::Dict(items) => !items.is_empty(),
        Value::Bytes(bytes) => !bytes.is_empty(),
        Value::BigInt(_) | Value::Uuid(_) | Value::DateTime(_) | Value::Foreign(_) => true,
    }
}

/// `str(number).zfill(width)`: zeros go after the sign.
pub(crate) fn zfill(text: &str, width: usize) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let width = width.saturating_sub(sign.len());
    format!("{sign}{digits:0>width$}")
}

/// `a == b`.
pub(crate) fn eq(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Str(a) | Value::Markup(a), Value::Str(b) | Value::Markup(b)) => a == b,
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| eq(a, b))
        }
        (Value::Dict(a), Value::Dict(b)) => {
            let same =
                |(key, value): (&String, &Value)| b.get(key).is_some_and(|other| eq(value, other));
            a.len() == b.len() && a.iter().all(same)
        }
        _ if is_number(a) && is_number(b) => compare_numbers(a, b) == Some(Ordering::Equal),
        _ => a == b,
    }
}

/// Whether Python would order it among numbers: `bool`, `int` and `float`.
pub(crate) fn is_number(value: &Value) -> bool {
    matches!(
        value,
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_)
    )
}

/// Orders two numbers by their exact values. `None` where one is not a number, or is NaN.
pub(crate) fn compare_numbers(a: &Value, b: &Value) -> Option<Ordering> {
    const EXACT: u64 = 1 << 53; // a float holds every integer up to here
    let small = |value: &Value| match value {
        Value::Bool(b) => Some(i64::from(*b)),
        Value::Int(i) => Some(*i),
        _ => None,
    };
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (_, Value::Float(_)) => compare_numbers(b, a).map(Ordering::reverse),
        (Value::Float(f), _) => {
            if let Some(b) = small(b).filter(|b| b.unsigned_abs() <= EXACT) {
                #[allow(clippy::cast_precision_loss)] // exact: see EXACT
                return f.partial_cmp(&(b as f64));
            }
            if !f.is_finite() {
                return f.partial_cmp(&0.0);
            }
            let whole = int(&Value::Float(f.trunc())).ok()?;
            let by_fraction = f.fract().partial_cmp(&0.0)?;
            Some(compare_numbers(&whole, b)?.then(by_fraction))
        }
        _ => {
            if let (Some(a), Some(b)) = (small(a), small(b)) {
                return Some(a.cmp(&b));
            }
            let (a, b) = (int_text(a)?, int_text(b)?);
            Some(compare_int_texts(&a, &b))
        }
    }
}

/// The order in which `sorted()` puts two values of one kind. Python refuses to sort values of
/// several kinds; here numbers come before text, text before bytes, and the rest keeps its place.
pub(crate) fn order(a: &Value, b: &Value) -> Ordering {
    let kind = |value: &Value| match value {
        Value::Float(f) if f.is_nan() => 1, // equal to nothing: it needs a place of its own
        _ if is_number(value) => 0,
        Value::Str(_) | Value::Markup(_) => 2,
        Value::Bytes(_) => 3,
        _ => 4,
    };
    kind(a).cmp(&kind(b)).then_with(|| match (a, b) {
        (Value::Str(a) | Value::Markup(a), Value::Str(b) | Value::Markup(b)) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        _ => compare_numbers(a, b).unwrap_or(Ordering::Equal),
    })
}

fn int_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Bool(b) => Some(Cow::Borrowed(if *b { "1" } else { "0" })),
        Value::Int(i) => Some(Cow::Owned(i.to_string())),
        Value::BigInt(text) => Some(Cow::Borrowed(text)),
        _ => None,
    }
}

fn compare_int_texts(a: &str, b: &str) -> Ordering {
    match (a.strip_prefix('-'), b.strip_prefix('-')) {
        (Some(a), Some(b)) => (b.len(), b).cmp(&(a.len(), a)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => (a.len(), a).cmp(&(b.len(), b)),
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn the_digit_table_is_what_the_regex_crate_calls_a_digit() {
        let digit = Regex::new(r"\A\d\z").unwrap();
        for c in '\0'..=char::MAX {
            let mut buffer = [0; 4];
            let known = digit.is_match(c.encode_utf8(&mut buffer));
            assert_eq!(known, digit_value(c).is_some(), "{c:?}");
        }
    }
}
