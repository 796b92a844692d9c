//! Headers that have a grammar: lists, and values with parameters.
//!
//! Mirrors `parse_list_header`, `parse_options_header` and their kin in `werkzeug/http.py`.
//!
//! Read next: `request.rs` (`mimetype`), `datastructures.rs` (`HeaderSet`).

use std::borrow::Cow;
use std::fmt::Write as _;

use http::header::{CONTENT_LOCATION, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue};
use indexmap::IndexMap;

use super::datastructures::{header_value, latin1_decode};
use super::urls::unquote;
use crate::error::Error;

/// Whether RFC 9110 allows the character outside of quotes.
fn is_token_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Puts quotes around a value that needs them: Werkzeug's `quote_header_value`.
pub fn quote_header_value(value: &str) -> Cow<'_, str> {
    if !value.is_empty() && value.bytes().all(is_token_char) {
        return Cow::Borrowed(value);
    }
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    Cow::Owned(format!("\"{escaped}\""))
}

/// Takes quotes and backslashes away again: Werkzeug's `unquote_header_value`.
pub fn unquote_header_value(value: &str) -> Cow<'_, str> {
    let inner = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    let Some(inner) = inner else {
        return Cow::Borrowed(value);
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            // A backslash at the very end stands for itself.
            '\\' => plain.push(chars.next().unwrap_or('\\')),
            _ => plain.push(c),
        }
    }
    Cow::Owned(plain)
}

/// The items of a comma-separated header, unquoted: Werkzeug's `parse_list_header`. None where a quote
/// is not closed.
///
/// ```
/// use carafe::wrappers::headers::parse_list_header;
///
/// assert_eq!(parse_list_header("token, \"a, b\",,"), ["token", "a, b"]);
/// ```
pub fn parse_list_header(value: &str) -> Vec<String> {
    let mut items = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (index, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                items.push(&value[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    if quoted {
        return Vec::new();
    }
    items.push(&value[start..]);
    items
        .into_iter()
        .map(|item| item.trim_matches([' ', '\t']))
        .filter(|item| !item.is_empty())
        .map(|item| unquote_header_value(item).into_owned())
        .collect()
}

/// Splits `value; key=value; ...`: Werkzeug's `parse_options_header`. Keys are in lower case; parts
/// that are not `key=value` are skipped; RFC 2231's continuations and charsets are decoded.
///
/// ```
/// use carafe::wrappers::headers::parse_options_header;
///
/// let (value, options) = parse_options_header("text/html; Charset=\"utf-8\"");
/// assert_eq!(value, "text/html");
/// assert_eq!(options["charset"], "utf-8");
/// ```
pub fn parse_options_header(header: &str) -> (&str, IndexMap<String, String>) {
    let (value, rest) = header.split_once(';').unwrap_or((header, ""));
    let value = value.trim_matches([' ', '\t']);
    let rest = rest.trim_matches([' ', '\t']);
    if value.is_empty() || rest.is_empty() {
        return (value, IndexMap::new());
    }
    (value, decode_options(scan_options(rest)))
}

/// The `key=value` parts, with keys in lower case and values still quoted.
fn scan_options(text: &str) -> Vec<(String, &str)> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let key_len = rest.bytes().take_while(|&byte| is_token_char(byte)).count();
        let (key, after) = rest.split_at(key_len);
        if !key.is_empty()
            && let Some(after) = after.strip_prefix('=')
        {
            rest = after;
            let token_len = after
                .bytes()
                .take_while(|&byte| is_token_char(byte))
                .count();
            if token_len > 0 {
                // The rest is left to be skipped: a token may itself hold no semicolon.
                parts.push((key.to_ascii_lowercase(), &after[..token_len]));
            } else if after.starts_with('"') {
                let Some(end) = closing_quote(after) else {
                    return parts;
                };
                parts.push((key.to_ascii_lowercase(), &after[..end]));
                rest = &after[end..];
            }
        }
        match rest.split_once(';') {
            Some((_, after)) => rest = after.trim_start_matches([' ', '\t']),
            None => return parts,
        }
    }
}

/// Where the quoted string that `text` starts with ends. Only `\"` and `\\` are escapes here.
fn closing_quote(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut index = 1;
    loop {
        match (bytes.get(index)?, bytes.get(index + 1)) {
            (b'\\', Some(b'\\' | b'"')) => index += 2,
            (b'"', _) => return Some(index + 1),
            _ => index += 1,
        }
    }
}

fn decode_options(parts: Vec<(String, &str)>) -> IndexMap<String, String> {
    let mut options = IndexMap::new();
    let mut continuations: IndexMap<String, String> = IndexMap::new();
    let mut encodings: IndexMap<String, String> = IndexMap::new();
    for (key, value) in parts {
        let (key, has_continuation, has_charset) = split_marks(&key);
        let mut encoding = String::new();
        let value = if has_charset {
            let (charset, value) = split_charset(value);
            encoding = charset.to_ascii_lowercase();
            if encoding.is_empty() && has_continuation {
                encoding = encodings.get(key).cloned().unwrap_or_default();
            }
            decode_charset(value, &encoding)
        } else {
            unquote_header_value(value).replace("%22", "\"")
        };
        if has_continuation {
            options.shift_remove(key);
            continuations
                .entry(key.to_owned())
                .or_default()
                .push_str(&value);
            if !encoding.is_empty() {
                encodings.insert(key.to_owned(), encoding);
            }
        } else {
            continuations.shift_remove(key);
            encodings.shift_remove(key);
            options.insert(key.to_owned(), value);
        }
    }
    options.extend(continuations);
    options
}

/// Splits RFC 2231's marks off a key: `name*0*` is a continuation, with a charset.
fn split_marks(key: &str) -> (&str, bool, bool) {
    let (rest, has_charset) = match key.strip_suffix('*') {
        Some(rest) => (rest, true),
        None => (key, false),
    };
    if let Some((name, number)) = rest.rsplit_once('*')
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
    {
        return (name, true, has_charset);
    }
    (rest, false, has_charset)
}

/// Splits `charset'language'value`; no charset where it has not that form.
fn split_charset(value: &str) -> (&str, &str) {
    let mut split = value.splitn(3, '\'');
    let (Some(charset), Some(_), Some(text)) = (split.next(), split.next(), split.next()) else {
        return ("", value);
    };
    if text.is_empty() || !value.bytes().all(is_token_char) {
        return ("", value);
    }
    (charset, text)
}

/// Percent-decodes, for the charsets that Werkzeug lets through; others stay quoted.
fn decode_charset(value: &str, encoding: &str) -> String {
    match encoding {
        "utf-8" => unquote(value).into_owned(),
        "iso-8859-1" => percent_encoding::percent_decode_str(value)
            .map(char::from)
            .collect(),
        "ascii" | "us-ascii" => percent_encoding::percent_decode_str(value)
            .map(|byte| {
                if byte.is_ascii() {
                    char::from(byte)
                } else {
                    '\u{fffd}'
                }
            })
            .collect(),
        _ => value.to_owned(),
    }
}

/// A content type for a mimetype; text gets a charset: Werkzeug's `get_content_type`.
pub fn get_content_type(mimetype: &str) -> String {
    let is_text = mimetype.starts_with("text/")
        || mimetype.ends_with("+xml")
        || matches!(
            mimetype,
            "application/ecmascript"
                | "application/javascript"
                | "application/sql"
                | "application/xml"
                | "application/xml-dtd"
                | "application/xml-external-parsed-entity"
        );
    if is_text {
        format!("{mimetype}; charset=utf-8")
    } else {
        mimetype.to_owned()
    }
}

/// Whether a mimetype is JSON's: `application/json` or `application/...+json`.
pub fn is_json_mimetype(mimetype: &str) -> bool {
    mimetype == "application/json"
        || (mimetype.starts_with("application/") && mimetype.ends_with("+json"))
}

/// A name and a text as a header.
pub(crate) fn parse_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let header = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Error::value_error(format!("{name:?} is not a header name")))?;
    let value = if header == LOCATION || header == CONTENT_LOCATION {
        location_value(value)?
    } else {
        header_value(value)?
    };
    Ok((header, value))
}

/// A URL for a header, in UTF-8 until `Response::into_wsgi` quotes it. Control characters are quoted
/// at once, as no header can hold them. A line break is an error in Flask too.
pub(crate) fn location_value(url: &str) -> Result<HeaderValue, Error> {
    if let Ok(value) = HeaderValue::from_bytes(url.as_bytes()) {
        return Ok(value);
    }
    let mut quoted = String::with_capacity(url.len() + 2);
    // `iri_to_uri` drops those in front, but does not see them in time.
    for c in url
        .trim_start_matches(|c: char| c <= ' ' && !"\r\n".contains(c))
        .chars()
    {
        match c {
            '\t' | '\r' | '\n' => quoted.push(c),
            _ if c.is_ascii_control() => drop(write!(quoted, "%{:02X}", u32::from(c))),
            _ => quoted.push(c),
        }
    }
    // Where it is no header even so, this says what is wrong.
    HeaderValue::from_bytes(quoted.as_bytes()).or_else(|_| header_value(url))
}

/// The URL that [`location_value`] took.
pub(crate) fn location_text(value: &HeaderValue) -> Cow<'_, str> {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => latin1_decode(value.as_bytes()),
    }
}

/// Removes what describes a body from a response without one, for a 304.
pub(crate) fn remove_entity_headers(headers: &mut HeaderMap) {
    // `Expires` and `Content-Location` stay, as RFC 2616 had it.
    for name in [
        "allow",
        "content-encoding",
        "content-language",
        "content-length",
        "content-md5",
        "content-range",
        "content-type",
        "last-modified",
    ] {
        headers.remove(name);
    }
}
