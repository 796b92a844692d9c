//! `MultiDict`, `HeaderSet`, and text as header values: the containers of requests and responses.
//!
//! Mirrors `werkzeug/datastructures/structures.py` and `headers.py`. The headers themselves are
//! [`http::HeaderMap`]; what is here is what Werkzeug knows about their values.
//!
//! Read next: `headers.rs` (headers that have a grammar), `request.rs`, `response.rs`.

use std::borrow::Cow;
use std::str::FromStr;

use http::HeaderValue;
use indexmap::IndexMap;

use super::exceptions::HttpException;
use super::headers::{parse_list_header, quote_header_value};
use crate::error::Error;

/// A dict that may hold several values for a key: Werkzeug's `MultiDict` of text.
///
/// Keys are in the order in which each was first seen, and so are a key's values.
///
/// ```
/// use carafe::wrappers::MultiDict;
///
/// let args: MultiDict = [("a", "1"), ("b", "2"), ("a", "3")].into_iter().collect();
/// assert_eq!(args.get("a"), Some("1"));
/// assert_eq!(args.getlist("a"), ["1", "3"]);
/// assert_eq!(args.get_as::<u8>("b"), Some(2));
/// assert_eq!(args.require("c").unwrap_err().type_name(), "BadRequestKeyError");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MultiDict {
    map: IndexMap<String, Vec<String>>,
}

impl MultiDict {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The first value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        Some(self.map.get(key)?.first()?.as_str())
    }

    /// The first value of a key, parsed; `None` too where it does not parse. Python's
    /// `get(key, type=int)`.
    pub fn get_as<T: FromStr>(&self, key: &str) -> Option<T> {
        self.get(key)?.parse().ok()
    }

    /// The first value of a key that has to be there: Python's `d[key]`.
    ///
    /// # Errors
    /// `BadRequestKeyError`, which answers with a 400, where it is not.
    pub fn require(&self, key: &str) -> Result<&str, Error> {
        self.get(key)
            .ok_or_else(|| HttpException::bad_request_key_error(key).into())
    }

    /// All values of a key; none where the key is missing.
    pub fn getlist(&self, key: &str) -> &[String] {
        self.map.get(key).map_or(&[], Vec::as_slice)
    }

    /// Whether there is a value for the key.
    pub fn contains(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// Adds a value behind those that the key has.
    pub fn add(&mut self, key: impl Into<String>, value: impl Into<String>) {
        // Most keys have one value. A `Vec` that grows by itself begins with room for four.
        let one = || Vec::with_capacity(1);
        let values = self.map.entry(key.into()).or_insert_with(one);
        values.push(value.into());
    }

    /// Replaces all values of a key by one.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.map.insert(key.into(), vec![value.into()]);
    }

    /// Each key with its first value: Python's `items()`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.map
            .iter()
            .filter_map(|(key, values)| Some((key.as_str(), values.first()?.as_str())))
    }

    /// Each key with each of its values: Python's `items(multi=True)`.
    pub fn iter_multi(&self) -> impl Iterator<Item = (&str, &str)> {
        self.map
            .iter()
            .flat_map(|(key, values)| values.iter().map(|value| (key.as_str(), value.as_str())))
    }

    /// Each key with all its values: Python's `lists()`.
    pub fn lists(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.map
            .iter()
            .map(|(key, values)| (key.as_str(), values.as_slice()))
    }

    /// The keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.map.keys().map(String::as_str)
    }

    /// A plain dict of the first values: Python's `to_dict()`.
    pub fn to_dict(&self) -> IndexMap<String, String> {
        self.iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for MultiDict {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(items: I) -> Self {
        let mut dict = Self::new();
        dict.extend(items);
        dict
    }
}

impl<K: Into<String>, V: Into<String>> Extend<(K, V)> for MultiDict {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, items: I) {
        for (key, value) in items {
            self.add(key, value);
        }
    }
}

/// The names in a `Vary` or `Allow` header: a set that keeps its order and does not look at case.
///
/// ```
/// use carafe::wrappers::HeaderSet;
///
/// let mut vary = HeaderSet::parse("Accept, Cookie");
/// assert!(!vary.add("cookie"));
/// assert!(vary.add("Origin"));
/// assert_eq!(vary.to_header(), "Accept, Cookie, Origin");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderSet {
    // The key is what a name is compared by: the name in lower case.
    names: IndexMap<String, String>,
}

impl HeaderSet {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a header's value: Werkzeug's `parse_set_header`.
    pub fn parse(value: &str) -> Self {
        parse_list_header(value).into_iter().collect()
    }

    /// Adds a name; says whether it was new.
    pub fn add(&mut self, name: impl Into<String>) -> bool {
        let name = name.into();
        let key = name.to_lowercase();
        if self.names.contains_key(&key) {
            return false;
        }
        self.names.insert(key, name);
        true
    }

    /// Removes a name; says whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        self.names.shift_remove(&name.to_lowercase()).is_some()
    }

    /// Whether the name is there, in any case.
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains_key(&name.to_lowercase())
    }

    /// The names, as they were first written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.values().map(String::as_str)
    }

    /// The number of names.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no name.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The header's value.
    pub fn to_header(&self) -> String {
        let mut header = String::new();
        for name in self.iter() {
            if !header.is_empty() {
                header.push_str(", ");
            }
            header.push_str(&quote_header_value(name));
        }
        header
    }
}

impl<S: Into<String>> FromIterator<S> for HeaderSet {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        let mut set = Self::new();
        for name in names {
            set.add(name);
        }
        set
    }
}

/// The text of a header value, as WSGI sees it: each byte is the character of that number.
pub fn latin1_decode(bytes: &[u8]) -> Cow<'_, str> {
    if bytes.is_ascii()
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return Cow::Borrowed(text);
    }
    Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect())
}

/// The bytes of a text in a header: latin-1 as in WSGI, or UTF-8 where it has a character beyond it.
///
/// (WSGI servers refuse such a text; browsers read UTF-8.)
pub fn latin1_encode(text: &str) -> Cow<'_, [u8]> {
    if text.is_ascii() {
        return Cow::Borrowed(text.as_bytes());
    }
    let latin1: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
    match latin1 {
        Some(bytes) => Cow::Owned(bytes),
        None => Cow::Borrowed(text.as_bytes()),
    }
}

/// A header value from text: Werkzeug's `_str_header_value`.
///
/// # Errors
/// `ValueError` where the text has a line break or another control character. (Werkzeug lets the
/// latter pass; no HTTP server sends them.)
pub fn header_value(text: &str) -> Result<HeaderValue, Error> {
    if text.contains(['\r', '\n']) {
        return Err(Error::value_error(
            "Header values must not contain newline characters.",
        ));
    }
    HeaderValue::from_bytes(&latin1_encode(text))
        .map_err(|_| Error::value_error("Header values must not contain control characters."))
}
