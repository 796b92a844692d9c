//! URL texts: quoting, the query string, and joining two.
//!
//! Mirrors `_urlencode` of `werkzeug/urls.py` and the functions of Python's `urllib.parse` that the
//! router calls: `quote`, `urlencode`, `urljoin`.
//!
//! Read next: `map.rs`, whose redirects and built URLs are made of these.

use std::borrow::Cow;

use percent_encoding::AsciiSet;

use crate::Value;
use crate::python::repr;
use crate::wrappers::urls::{all_but, push_argument, quote};

/// What is escaped in a path: Werkzeug's `safe="!$&'()*+,/:;=@"` stays.
const PATH: &AsciiSet = &all_but(b"!$&'()*+,/:;=@");

/// Percent-encodes a part of a path as Werkzeug does.
pub(crate) fn quote_path(text: &str) -> Cow<'_, str> {
    quote(text, PATH)
}

/// Werkzeug's `_urlencode`: `key=value&...`, without the pairs whose value is `None`.
pub(crate) fn urlencode<'a>(items: impl IntoIterator<Item = (&'a str, &'a Value)>) -> String {
    let mut query = String::new();
    for (key, value) in items {
        if *value == Value::Null {
            continue;
        }
        match value {
            Value::Bytes(bytes) => push_argument(&mut query, key, bytes),
            _ => push_argument(&mut query, key, repr::str(value).as_bytes()),
        }
    }
    query
}

/// `urllib.parse.urljoin` of a base `scheme://netloc/path/` that has no query and ends with a slash.
pub(crate) fn urljoin(scheme: &str, netloc: &str, base_path: &str, url: &str) -> String {
    if url.is_empty() {
        return format!("{scheme}://{netloc}{base_path}");
    }
    let target = url.trim_start_matches(|c: char| c <= ' ');
    let target: String = target
        .chars()
        .filter(|c| !matches!(c, '\t' | '\r' | '\n'))
        .collect();
    let mut rest = target.as_str();
    if let Some((name, after)) = rest.split_once(':') {
        let scheme_chars = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        if name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(scheme_chars) {
            if !name.eq_ignore_ascii_case(scheme) {
                return url.to_owned();
            }
            rest = after;
        }
    }
    let (rest, fragment) = split_off(rest, '#');
    let (rest, query) = split_off(rest, '?');
    if let Some(after) = rest.strip_prefix("//") {
        let end = after.find('/').unwrap_or(after.len());
        let (netloc, path) = after.split_at(end);
        if !netloc.is_empty() {
            return format!("{scheme}://{netloc}{path}{query}{fragment}");
        }
        return join_path(scheme, base_path, path, netloc, query, fragment);
    }
    join_path(scheme, base_path, rest, netloc, query, fragment)
}

/// The text up to the mark, and the rest with it; a mark with nothing behind it is dropped.
fn split_off(text: &str, mark: char) -> (&str, &str) {
    match text.find(mark) {
        Some(at) => {
            let (head, tail) = text.split_at(at);
            (head, if tail.len() > 1 { tail } else { "" })
        }
        None => (text, ""),
    }
}

/// The last step of `urljoin`: a path below the base, with `.` and `..` resolved.
fn join_path(
    scheme: &str,
    base_path: &str,
    path: &str,
    netloc: &str,
    query: &str,
    fragment: &str,
) -> String {
    if path.is_empty() {
        return format!("{scheme}://{netloc}{base_path}{query}{fragment}");
    }
    let below_base;
    let whole = if path.starts_with('/') {
        path
    } else {
        below_base = format!("{base_path}{path}");
        &below_base
    };
    let keeps_empty = path.starts_with('/');
    let count = whole.split('/').count();
    let mut resolved = Vec::with_capacity(count);
    let mut last = "";
    for (number, segment) in whole.split('/').enumerate() {
        last = segment;
        let inner = number > 0 && number + 1 < count;
        match segment {
            "" if inner && !keeps_empty => {}
            "." => {}
            ".." => {
                resolved.pop();
            }
            _ => resolved.push(segment),
        }
    }
    if matches!(last, "." | "..") {
        resolved.push("");
    }
    let joined = resolved.join("/");
    let joined = if joined.is_empty() { "/" } else { &joined };
    let slash = if joined.starts_with('/') { "" } else { "/" };
    format!("{scheme}://{netloc}{slash}{joined}{query}{fragment}")
}
