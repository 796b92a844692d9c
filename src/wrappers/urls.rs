//! URLs: quoting and unquoting, queries and forms.
//!
//! Mirrors `werkzeug/urls.py`, and what it uses of Python's `urllib.parse`.
//! Two forms of a URL: a URI is what goes over the wire, an IRI is what a person reads, with its
//! characters unquoted where that changes nothing.
//!
//! Read next: `host.rs` (the URL of a request).

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode, utf8_percent_encode};

use super::datastructures::MultiDict;
use super::idna::{decode_domain, encode_domain};
use super::urlsplit::{join_netloc, parse_port, split_netloc, urlsplit, urlunsplit};
use crate::error::Error;

/// The characters to quote: all but letters, digits, `_.-~` and these.
pub(crate) const fn all_but(safe: &[u8]) -> AsciiSet {
    let mut set = NON_ALPHANUMERIC
        .remove(b'_')
        .remove(b'.')
        .remove(b'-')
        .remove(b'~');
    let mut index = 0;
    while index < safe.len() {
        set = set.remove(safe[index]);
        index += 1;
    }
    set
}

pub(crate) const PATH: &AsciiSet = &all_but(b"%!$&'()*+,/:;=@");
pub(crate) const QUERY: &AsciiSet = &all_but(b"%!$&'()*+,/:;=?@");
pub(crate) const FRAGMENT: &AsciiSet = &all_but(b"%!#$&'()*+,/:;=?@");
const USER: &AsciiSet = &all_but(b"%!$&'()*+,;=");
/// Of a query, where a space becomes a `+`.
const ARGUMENT: &AsciiSet = &all_but(b"!$'()*,/:;?@ ");
/// A cookie's path: no semicolon, which would end it.
pub(crate) const COOKIE_PATH: &AsciiSet = &all_but(b"%!$&'()*+,/:=@");

/// Python's `quote`: percent-encodes UTF-8.
pub(crate) fn quote<'a>(text: &'a str, set: &'static AsciiSet) -> Cow<'a, str> {
    utf8_percent_encode(text, set).into()
}

/// Python's `unquote`: percent-decodes; what is not UTF-8 becomes U+FFFD.
///
/// ```
/// assert_eq!(carafe::wrappers::urls::unquote("a%20b%"), "a b%");
/// ```
pub fn unquote(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    unquote_with(
        text,
        |_| false,
        |bad, out| {
            out.push_str(&String::from_utf8_lossy(bad));
        },
    )
}

/// Percent-decodes all but the characters that `keep` names; bytes that are not UTF-8 stay quoted.
/// (Werkzeug's `_make_unquote_part` and its error handler `werkzeug.url_quote`.)
fn unquote_part(text: &str, keep: fn(u8) -> bool) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    unquote_with(text, keep, |bad, out| {
        for byte in bad {
            out.push_str(&format!("%{byte:02X}"));
        }
    })
}

fn unquote_with(text: &str, keep: fn(u8) -> bool, on_bad: fn(&[u8], &mut String)) -> Cow<'_, str> {
    let mut out = String::with_capacity(text.len());
    // Decoded bytes that are not checked to be UTF-8 yet. A run of them ends at a character beyond
    // ASCII, or at an escape that is kept, as it does in Python.
    let mut run = Vec::new();
    let flush = |run: &mut Vec<u8>, out: &mut String| {
        for chunk in run.utf8_chunks() {
            out.push_str(chunk.valid());
            if !chunk.invalid().is_empty() {
                on_bad(chunk.invalid(), out);
            }
        }
        run.clear();
    };
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if !c.is_ascii() {
            flush(&mut run, &mut out);
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        match escape_at(rest) {
            Some(byte) if keep(byte) => {
                flush(&mut run, &mut out);
                out.push_str(&rest[..3]);
                rest = &rest[3..];
            }
            Some(byte) => {
                run.push(byte);
                rest = &rest[3..];
            }
            None => {
                run.extend(u8::try_from(c));
                rest = &rest[1..];
            }
        }
    }
    flush(&mut run, &mut out);
    Cow::Owned(out)
}

/// The byte of the `%XX` that `text` starts with.
fn escape_at(text: &str) -> Option<u8> {
    let hex = text.strip_prefix('%')?.get(..2)?;
    if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u8::from_str_radix(hex, 16).ok()
}

/// Controls, the space and the percent sign: unquoted they would change or break any URL.
fn always_unsafe(byte: u8) -> bool {
    byte <= b' ' || byte == b'%' || byte == 0x7f
}

fn unsafe_in_path(byte: u8) -> bool {
    always_unsafe(byte) || b"/?#".contains(&byte)
}

fn unsafe_in_query(byte: u8) -> bool {
    always_unsafe(byte) || b"&=+#".contains(&byte)
}

fn unsafe_in_user(byte: u8) -> bool {
    always_unsafe(byte) || b":@/?#".contains(&byte)
}

/// Makes a URI readable: Werkzeug's `uri_to_iri`.
///
/// # Errors
/// `ValueError` for a host or a port that can't be one.
///
/// ```
/// use carafe::wrappers::urls::uri_to_iri;
///
/// assert_eq!(uri_to_iri("http://h/p%C3%A5th%2Fx?q=%C3%A8ry%DF").unwrap(), "http://h/påth%2Fx?q=èry%DF");
/// ```
pub fn uri_to_iri(uri: &str) -> Result<String, Error> {
    let parts = urlsplit(uri)?;
    let netloc = split_netloc(&parts.netloc);
    let username = netloc
        .username
        .map(|text| unquote_part(text, unsafe_in_user));
    let password = netloc
        .password
        .map(|text| unquote_part(text, unsafe_in_user));
    let netloc = join_netloc(
        &decode_domain(&netloc.hostname),
        parse_port(netloc.port)?,
        username.as_deref(),
        password.as_deref(),
    );
    Ok(urlunsplit(
        &parts.scheme,
        &netloc,
        &unquote_part(&parts.path, unsafe_in_path),
        &unquote_part(&parts.query, unsafe_in_query),
        &unquote_part(&parts.fragment, always_unsafe),
    ))
}

/// Makes an IRI fit for the wire: Werkzeug's `iri_to_uri`.
///
/// # Errors
/// `ValueError` for a host or a port that can't be one; `UnicodeError` for one with a label that is
/// empty or too long.
///
/// ```
/// use carafe::wrappers::urls::iri_to_uri;
///
/// assert_eq!(iri_to_uri("/påth?q=a b").unwrap(), "/p%C3%A5th?q=a%20b");
/// ```
pub fn iri_to_uri(iri: &str) -> Result<String, Error> {
    let parts = urlsplit(iri)?;
    let netloc = split_netloc(&parts.netloc);
    let hostname = encode_domain(&netloc.hostname)?;
    let username = netloc.username.map(|text| quote(text, USER));
    let password = netloc.password.map(|text| quote(text, USER));
    let netloc = join_netloc(
        &hostname,
        parse_port(netloc.port)?,
        username.as_deref(),
        password.as_deref(),
    );
    Ok(urlunsplit(
        &parts.scheme,
        &netloc,
        &quote(&parts.path, PATH),
        &quote(&parts.query, QUERY),
        &quote(&parts.fragment, FRAGMENT),
    ))
}

/// [`iri_to_uri`] for where nothing can be done about an error: a URL that can't be split is quoted as
/// a whole.
pub(crate) fn iri_to_uri_lossy(iri: &str) -> String {
    iri_to_uri(iri).unwrap_or_else(|_| quote(iri, FRAGMENT).into_owned())
}

/// Reads a query string or a form: Python's `parse_qsl` as Werkzeug calls it. Blank values are kept,
/// and bytes that are not UTF-8 stay quoted.
///
/// ```
/// use carafe::wrappers::urls::parse_qsl;
///
/// let args = parse_qsl("a=1&b=x+y%21&a=%FF&c");
/// assert_eq!(args.getlist("a"), ["1", "%FF"]);
/// assert_eq!(args.get("b"), Some("x y!"));
/// assert_eq!(args.get("c"), Some(""));
/// ```
pub fn parse_qsl(query: &str) -> MultiDict {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_argument(name), decode_argument(value))
        })
        .collect()
}

fn decode_argument(text: &str) -> String {
    let text = text.replace('+', " ");
    match unquote_part(&text, |_| false) {
        Cow::Owned(decoded) => decoded,
        Cow::Borrowed(_) => text,
    }
}

/// Writes a query string or a form: Werkzeug's `_urlencode`.
///
/// ```
/// use carafe::wrappers::urls::urlencode;
///
/// assert_eq!(urlencode([("q", "a b&c"), ("é", "/")]), "q=a+b%26c&%C3%A9=/");
/// ```
pub fn urlencode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        push_argument(&mut query, name, value.as_bytes());
    }
    query
}

/// Adds one argument to a query string.
pub(crate) fn push_argument(query: &mut String, name: &str, value: &[u8]) {
    if !query.is_empty() {
        query.push('&');
    }
    push_quoted(query, name.as_bytes());
    query.push('=');
    push_quoted(query, value);
}

fn push_quoted(query: &mut String, bytes: &[u8]) {
    for chunk in percent_encode(bytes, ARGUMENT) {
        query.extend(chunk.chars().map(|c| if c == ' ' { '+' } else { c }));
    }
}
