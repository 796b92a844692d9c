//! Domain names beyond ASCII: `bücher.example` is `xn--bcher-kva.example` on the wire.
//!
//! Mirrors Python's `idna` codec, which Werkzeug uses, on RFC 3492's Punycode. Python also normalizes
//! names by Unicode's tables (nameprep); here they are put into lower case, `ß` is `ss`, and that is
//! all. So an unusual spelling of a name may give another name than Python's, but never an unsafe one.
//!
//! Read next: `urls.rs`, its main user.

use std::borrow::Cow;

use crate::error::Error;

const PREFIX: &str = "xn--";
/// DNS allows no more bytes in a label.
pub(super) const MAX_LABEL: usize = 63;

/// The form of a domain that DNS knows: Python's `domain.encode("idna")`.
///
/// # Errors
/// `UnicodeError` for a label that is empty or too long; the last may be empty.
pub(crate) fn encode_domain(domain: &str) -> Result<Cow<'_, str>, Error> {
    if domain.is_ascii() {
        let labels = domain.as_bytes().split(|byte| *byte == b'.');
        check_labels(labels.map(<[u8]>::len))?;
        return Ok(Cow::Borrowed(domain));
    }
    // Other scripts have dots of their own.
    let labels: Vec<String> = domain
        .split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'])
        .map(encode_label)
        .collect();
    check_labels(labels.iter().map(String::len))?;
    Ok(Cow::Owned(labels.join(".")))
}

/// Takes the length of each label in bytes.
fn check_labels(lengths: impl DoubleEndedIterator<Item = usize>) -> Result<(), Error> {
    for (index, length) in lengths.rev().enumerate() {
        if length > MAX_LABEL || (length == 0 && index > 0) {
            return Err(Error::python("UnicodeError", "label empty or too long"));
        }
    }
    Ok(())
}

fn encode_label(label: &str) -> String {
    if label.is_ascii() {
        return label.to_owned();
    }
    let folded = label.to_lowercase().replace('ß', "ss").replace('ς', "σ");
    if folded.is_ascii() {
        return folded;
    }
    // A label of which not even this many characters fit is too long, whatever its code is.
    let points: Vec<u32> = folded.chars().take(MAX_LABEL + 1).map(u32::from).collect();
    match punycode_encode(&points) {
        Some(code) => format!("{PREFIX}{code}"),
        None => folded,
    }
}

/// The form of a domain that people read: Werkzeug's `_decode_idna`. A label that does not decode
/// stays as it is. (Python raises for some of those.)
pub(crate) fn decode_domain(domain: &str) -> Cow<'_, str> {
    if !domain.is_ascii() || !domain.contains(PREFIX) {
        return Cow::Borrowed(domain);
    }
    let labels: Vec<Cow<'_, str>> = domain.split('.').map(decode_label).collect();
    Cow::Owned(labels.join("."))
}

fn decode_label(label: &str) -> Cow<'_, str> {
    let decoded = label
        .strip_prefix(PREFIX)
        .filter(|_| label.len() <= MAX_LABEL)
        .and_then(punycode_decode)
        // Only what encodes to the same label again is shown: else two names could look the same.
        .filter(|text| encode_label(text).eq_ignore_ascii_case(label));
    match decoded {
        Some(text) => Cow::Owned(text),
        None => Cow::Borrowed(label),
    }
}

// Punycode's parameters, by their names in RFC 3492.
const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const INITIAL_BIAS: u32 = 72;
const INITIAL_N: u32 = 128;

fn threshold(k: u32, bias: u32) -> u32 {
    k.saturating_sub(bias).clamp(T_MIN, T_MAX)
}

fn adapt(delta: u32, count: u32, is_first: bool) -> u32 {
    let mut delta = if is_first { delta / DAMP } else { delta / 2 };
    delta += delta / count;
    let mut k = 0;
    while delta > (BASE - T_MIN) * T_MAX / 2 {
        delta /= BASE - T_MIN;
        k += BASE;
    }
    k + (BASE - T_MIN + 1) * delta / (delta + SKEW)
}

/// `None` where a number does not fit, which takes a text far longer than a label.
fn punycode_encode(points: &[u32]) -> Option<String> {
    let mut code: String = points
        .iter()
        .filter_map(|&point| u8::try_from(point).ok().filter(u8::is_ascii))
        .map(char::from)
        .collect();
    let basic = u32::try_from(code.len()).ok()?;
    let total = u32::try_from(points.len()).ok()?;
    if basic > 0 {
        code.push('-');
    }
    let (mut n, mut delta, mut bias, mut done) = (INITIAL_N, 0u32, INITIAL_BIAS, basic);
    while done < total {
        let next = *points.iter().filter(|&&point| point >= n).min()?;
        delta = delta.checked_add((next - n).checked_mul(done + 1)?)?;
        n = next;
        for &point in points {
            if point < n {
                delta = delta.checked_add(1)?;
            }
            if point == n {
                push_number(&mut code, delta, bias)?;
                bias = adapt(delta, done + 1, done == basic);
                delta = 0;
                done += 1;
            }
        }
        delta = delta.checked_add(1)?;
        n += 1;
    }
    Some(code)
}

fn push_number(code: &mut String, mut number: u32, bias: u32) -> Option<()> {
    let mut k = BASE;
    loop {
        let t = threshold(k, bias);
        if number < t {
            code.push(punycode_digit(number)?);
            return Some(());
        }
        code.push(punycode_digit(t + (number - t) % (BASE - t))?);
        number = (number - t) / (BASE - t);
        k += BASE;
    }
}

/// Punycode counts `a` to `z`, then `0` to `9`; Rust's `from_digit` counts the other way round.
fn punycode_digit(value: u32) -> Option<char> {
    let rotated = if value < 26 { value + 10 } else { value - 26 };
    char::from_digit(rotated, BASE)
}

fn punycode_value(c: char) -> Option<u32> {
    match c {
        'a'..='z' | 'A'..='Z' => Some(c.to_digit(BASE)? - 10),
        '0'..='9' => Some(c.to_digit(BASE)? + 26),
        _ => None,
    }
}

fn punycode_decode(code: &str) -> Option<String> {
    let (basic, digits) = code.rsplit_once('-').unwrap_or(("", code));
    let mut points: Vec<char> = basic.chars().collect();
    let (mut n, mut i, mut bias) = (INITIAL_N, 0u32, INITIAL_BIAS);
    let mut digits = digits.chars().peekable();
    while digits.peek().is_some() {
        let (start, mut weight, mut k) = (i, 1u32, BASE);
        loop {
            let digit = punycode_value(digits.next()?)?;
            i = i.checked_add(digit.checked_mul(weight)?)?;
            let t = threshold(k, bias);
            if digit < t {
                break;
            }
            weight = weight.checked_mul(BASE - t)?;
            k += BASE;
        }
        let count = u32::try_from(points.len()).ok()? + 1;
        bias = adapt(i - start, count, start == 0);
        n = n.checked_add(i / count)?;
        i %= count;
        points.insert(usize::try_from(i).ok()?, char::from_u32(n)?);
        i += 1;
    }
    Some(points.into_iter().collect())
}
