//! Cookies: `Set-Cookie` out, `Cookie` in.
//!
//! Mirrors `dump_cookie` of `werkzeug/http.py` and `parse_cookie` of `werkzeug/sansio/http.py`, byte for
//! byte: a session cookie that Flask set and one that Carafe set have to be the same.
//!
//! Read next: `response.rs` (`set_cookie`), `session/`.

use std::borrow::Cow;
use std::str::FromStr;

use http::HeaderValue;
use memchr::{memchr, memchr3};

use super::datastructures::MultiDict;
use super::dates::http_date;
use super::idna::encode_domain;
use super::urls::{COOKIE_PATH, quote};
use crate::error::Error;
use crate::logging;

/// The size in bytes beyond which browsers may drop a cookie: Flask's `MAX_COOKIE_SIZE`.
pub const MAX_COOKIE_SIZE: usize = 4093;

/// Which requests from other sites carry the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// None.
    Strict,
    /// Only those that follow a link.
    Lax,
    /// All; browsers then also ask for `Secure`.
    None,
}

impl SameSite {
    fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

impl FromStr for SameSite {
    type Err = Error;

    /// Reads a name in any case, as Flask's `SESSION_COOKIE_SAMESITE` may be written.
    fn from_str(text: &str) -> Result<Self, Error> {
        [Self::Strict, Self::Lax, Self::None]
            .into_iter()
            .find(|samesite| samesite.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| Error::value_error("SameSite must be 'Strict', 'Lax', or 'None'."))
    }
}

/// One cookie to set: the arguments of Werkzeug's `dump_cookie` and `Response.set_cookie`.
///
/// ```
/// use carafe::wrappers::{SameSite, SetCookie};
///
/// let cookie = SetCookie::new("lang", "en").max_age(60).samesite(SameSite::Lax);
/// assert_eq!(
///     cookie.dump(1_700_000_000).unwrap(),
///     "lang=en; Expires=Tue, 14 Nov 2023 22:14:20 GMT; Max-Age=60; Path=/; SameSite=Lax"
/// );
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SetCookie<'a> {
    key: Cow<'a, str>,
    value: Cow<'a, str>,
    max_age: Option<i64>,
    expires: Option<i64>,
    path: Option<&'a str>,
    domain: Option<&'a str>,
    secure: bool,
    httponly: bool,
    samesite: Option<SameSite>,
    partitioned: bool,
    sync_expires: bool,
    max_size: Option<usize>,
}

impl<'a> SetCookie<'a> {
    /// A cookie for the whole site that lasts as long as the browser runs.
    pub fn new(key: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
            max_age: None,
            expires: None,
            path: Some("/"),
            domain: None,
            secure: false,
            httponly: false,
            samesite: None,
            partitioned: false,
            sync_expires: true,
            max_size: None,
        }
    }

    /// A cookie that makes the browser forget one: Werkzeug's `delete_cookie`. Path and domain have to
    /// be those with which it was set.
    pub fn deletion(key: impl Into<Cow<'a, str>>) -> Self {
        Self::new(key, "").expires(0).max_age(0)
    }

    /// How long it lasts, in seconds. Unless `expires` is set, that follows from it.
    pub fn max_age(mut self, seconds: impl Into<Option<i64>>) -> Self {
        self.max_age = seconds.into();
        self
    }

    /// When it ends, in Unix seconds.
    pub fn expires(mut self, unix: impl Into<Option<i64>>) -> Self {
        self.expires = unix.into();
        self
    }

    /// The paths that it is sent to; `None` leaves that to the browser.
    pub fn path(mut self, path: impl Into<Option<&'a str>>) -> Self {
        self.path = path.into();
        self
    }

    /// The domain that it is sent to, with all its subdomains; `None` is just this host.
    pub fn domain(mut self, domain: impl Into<Option<&'a str>>) -> Self {
        self.domain = domain.into();
        self
    }

    /// Whether it is sent over HTTPS only.
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Whether scripts in the browser can't see it.
    pub fn httponly(mut self, httponly: bool) -> Self {
        self.httponly = httponly;
        self
    }

    /// Which requests from other sites carry it.
    pub fn samesite(mut self, samesite: impl Into<Option<SameSite>>) -> Self {
        self.samesite = samesite.into();
        self
    }

    /// Whether each embedding site has a jar of its own for it. Implies `secure`.
    pub fn partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self
    }

    /// Whether `Expires` is set along with `Max-Age`, for old browsers. It is by default.
    pub fn sync_expires(mut self, sync_expires: bool) -> Self {
        self.sync_expires = sync_expires;
        self
    }

    /// The size in bytes beyond which a warning is logged; 0 for never. Without this it is the app's
    /// `MAX_COOKIE_SIZE`, or [`MAX_COOKIE_SIZE`] where no app sets it.
    pub fn max_size(mut self, bytes: usize) -> Self {
        self.max_size = Some(bytes);
        self
    }

    /// [`SetCookie::max_size`], where none is set.
    pub(crate) fn or_max_size(mut self, bytes: usize) -> Self {
        self.max_size.get_or_insert(bytes);
        self
    }

    /// The header's value: Werkzeug's `dump_cookie`. `now` is in Unix seconds.
    ///
    /// A cookie larger than its `max_size` is logged as a warning, and dumped all the same.
    ///
    /// # Errors
    /// `UnicodeError` for a domain with a label that is empty or longer than 63 bytes; `ValueError` for an expiry
    /// after the year 9999, or before the year 1.
    pub fn dump(&self, now: u64) -> Result<String, Error> {
        let header = self.header(now)?;
        let max_size = self.max_size.unwrap_or(MAX_COOKIE_SIZE);
        if max_size > 0 && header.len() > max_size {
            logging::cookie_too_large(&self.key, header.len(), max_size);
        }
        Ok(header)
    }

    /// [`SetCookie::dump`], without the warning.
    fn header(&self, now: u64) -> Result<String, Error> {
        let value = quote_value(&self.value);
        let domain = self.domain.map(|domain| {
            let host = domain.split(':').next().unwrap_or_default();
            encode_domain(host.trim_start_matches('.'))
        });
        let domain = domain.transpose()?;
        let synced = self.max_age.filter(|_| self.sync_expires).map(|max_age| {
            let now = i64::try_from(now).unwrap_or(i64::MAX);
            now.saturating_add(max_age)
        });
        // Werkzeug's cannot be written either: Python's dates end with the year 9999.
        let date = |unix| http_date(unix).ok_or_else(|| Error::value_error("year is out of range"));
        let expires = self.expires.or(synced).map(date).transpose()?;
        let max_age = self.max_age.map(|seconds| seconds.to_string());
        let path = self.path.map(|path| quote(path, COOKIE_PATH));
        let flag = |is_set: bool| is_set.then_some("");
        let attributes = [
            ("; Domain=", domain.as_deref()),
            ("; Expires=", expires.as_deref()),
            ("; Max-Age=", max_age.as_deref()),
            ("; Secure", flag(self.secure || self.partitioned)),
            ("; HttpOnly", flag(self.httponly)),
            ("; Path=", path.as_deref()),
            ("; SameSite=", self.samesite.map(SameSite::as_str)),
            ("; Partitioned", flag(self.partitioned)),
        ];

        // Of the very size, so that it can become a header's value as it is.
        let length =
            |(name, value): &(&str, Option<&str>)| value.map(|value| name.len() + value.len());
        let attributes_len: usize = attributes.iter().filter_map(length).sum();
        let mut header = String::with_capacity(self.key.len() + 1 + value.len() + attributes_len);
        header.push_str(&self.key);
        header.push('=');
        header.push_str(&value);
        for (name, value) in attributes {
            if let Some(value) = value {
                header.push_str(name);
                header.push_str(value);
            }
        }
        Ok(header)
    }

    /// [`SetCookie::dump`], as a value for the `Set-Cookie` header. A key that is not ASCII is UTF-8.
    ///
    /// # Errors
    /// As `dump`, and `ValueError` for a key with a control character in it.
    pub fn into_header_value(self, now: u64) -> Result<HeaderValue, Error> {
        HeaderValue::try_from(self.dump(now)?).map_err(|_| {
            let header = self.header(now).unwrap_or_default();
            let newline = header.contains(['\r', '\n']);
            let what = if newline { "newline" } else { "control" };
            Error::value_error(format!("Header values must not contain {what} characters."))
        })
    }
}

/// A value with characters that RFC 6265 does not allow gets quotes, and backslash escapes.
fn quote_value(value: &str) -> Cow<'_, str> {
    // All that is printable, but for the space and four more.
    let special = |byte: u8| {
        !byte.is_ascii_graphic()
            | (byte == b'"')
            | (byte == b',')
            | (byte == b';')
            | (byte == b'\\')
    };
    // To look at all of them at once is faster than to stop at the first.
    if !value.bytes().fold(false, |any, byte| any | special(byte)) {
        return Cow::Borrowed(value);
    }
    let mut quoted = String::with_capacity(value.len() + 8);
    quoted.push('"');
    for byte in value.bytes() {
        match byte {
            b'"' => quoted.push_str("\\\""),
            b'\\' => quoted.push_str("\\\\"),
            // Werkzeug stops at \x19, and sends \x1a to \x1f as they are. No HTTP server lets these
            // out, and a browser may drop the cookie; any reader understands the escape.
            0..=0x1f | b',' | b';' | 0x7f..=0xff => quoted.push_str(&format!("\\{byte:03o}")),
            _ => quoted.push(char::from(byte)),
        }
    }
    quoted.push('"');
    Cow::Owned(quoted)
}

/// All cookies of a `Cookie` header.
///
/// ```
/// use carafe::wrappers::cookies::parse_cookie;
///
/// let cookies = parse_cookie("a=1; b=\"x\\054y\"");
/// assert_eq!(cookies.get("a"), Some("1"));
/// assert_eq!(cookies.get("b"), Some("x,y"));
/// ```
pub fn parse_cookie(header: &str) -> MultiDict {
    pairs(header)
        .map(|(key, value)| (key, unquote_value(value)))
        .collect()
}

/// The first cookie of that name in a `Cookie` header, without a look at the others' values.
///
/// It is borrowed from the header unless it has escapes in it.
pub fn cookie_value<'a>(header: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let (_, value) = pairs(header).find(|(key, _)| *key == name)?;
    Some(unquote_value(value))
}

/// The pairs of a `Cookie` header, values still quoted.
fn pairs(header: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = header;
    std::iter::from_fn(move || {
        loop {
            match next_pair(rest) {
                Some((pair, after)) => {
                    rest = after;
                    return Some(pair);
                }
                // Not a cookie: go on behind the next semicolon.
                None => rest = rest.split_once(';')?.1,
            }
        }
    })
}

/// The cookie that `text` starts with, and what comes behind its semicolon.
fn next_pair(text: &str) -> Option<((&str, &str), &str)> {
    let text = text.trim_start_matches([' ', '\t']);
    let key_ends = |byte: &u8| matches!(byte, b'=' | b';' | b'"' | b' ' | b'\t');
    let key_len = text.as_bytes().iter().position(key_ends);
    let (key, after_key) = text.split_at(key_len.unwrap_or(text.len()));
    if key.is_empty() {
        return None;
    }
    let after_key = after_key.trim_start_matches([' ', '\t']);
    let (value, after) = match after_key.strip_prefix('=') {
        None => ("", after_key),
        Some(value) => {
            let value = value.trim_start_matches([' ', '\t']);
            if value.starts_with('"') {
                value.split_at(closing_quote(value)?)
            } else {
                value.split_at(plain_len(value))
            }
        }
    };
    let after = after.trim_start_matches([' ', '\t']);
    if after.is_empty() {
        return Some(((key, value), after));
    }
    Some(((key, value), after.strip_prefix(';')?))
}

/// How long the value without quotes is that `text` starts with.
fn plain_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let end = memchr3(b';', b' ', b'"', bytes).unwrap_or(bytes.len());
    memchr(b'\t', &bytes[..end]).unwrap_or(end)
}

/// Where the quoted string that `text` starts with ends.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(index + 1),
            _ => {}
        }
    }
    None
}

fn unquote_value(value: &str) -> Cow<'_, str> {
    let Some(inner) = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
    else {
        return Cow::Borrowed(value);
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match *after {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
                bytes.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = &after[3..];
            }
            [next, ..] => {
                bytes.push(next);
                rest = &after[1..];
            }
            [] => bytes.push(b'\\'),
        }
    }
    match String::from_utf8_lossy(&bytes) {
        Cow::Borrowed(text) => Cow::Owned(text.to_owned()),
        Cow::Owned(text) => Cow::Owned(text),
    }
}
