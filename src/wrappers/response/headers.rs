//! The headers of a response that Werkzeug knows by name: cookies, `Vary` and `Allow`, the content type, `Location`.
//!
//! Mirrors the properties of `werkzeug/sansio/response.py`.
//!
//! Read next: `../cookies.rs`.

use std::borrow::Cow;

use http::header::{ALLOW, CONTENT_TYPE, LOCATION, SET_COOKIE, VARY};
use http::{HeaderName, HeaderValue};

use super::Response;
use crate::error::Error;
use crate::wrappers::cookies::SetCookie;
use crate::wrappers::datastructures::{HeaderSet, header_value, latin1_decode};
use crate::wrappers::headers::{get_content_type, is_json_mimetype, location_text};

impl Response {
    /// [`Response::set_cookie`], at a time of the caller's, in Unix seconds: an `Expires` follows from it.
    ///
    /// # Errors
    /// As [`SetCookie::into_header_value`].
    pub fn set_cookie_at(&mut self, cookie: SetCookie<'_>, now: u64) -> Result<(), Error> {
        let value = cookie.into_header_value(now)?;
        self.headers.append(SET_COOKIE, value);
        Ok(())
    }

    /// Makes the browser forget a cookie: see [`SetCookie::deletion`] for one with a path or a domain.
    ///
    /// # Errors
    /// As [`SetCookie::into_header_value`].
    pub fn delete_cookie(&mut self, key: &str) -> Result<(), Error> {
        // Both of its dates are fixed, so the time does not matter.
        self.set_cookie_at(SetCookie::deletion(key), 0)
    }

    /// The names in `Vary`.
    pub fn vary(&self) -> HeaderSet {
        self.header_set(&VARY)
    }

    /// Adds a name to `Vary`, unless it is there: `response.vary.add(name)`.
    pub fn vary_add(&mut self, name: &'static str) {
        match self.headers.get(VARY) {
            Some(value) if value.as_bytes().eq_ignore_ascii_case(name.as_bytes()) => return,
            Some(_) => {}
            None => {
                self.headers.insert(VARY, HeaderValue::from_static(name));
                return;
            }
        }
        let mut vary = self.vary();
        if vary.add(name) {
            self.set_header_set(VARY, &vary);
        }
    }

    /// The methods in `Allow`.
    pub fn allow(&self) -> HeaderSet {
        self.header_set(&ALLOW)
    }

    /// Adds methods to `Allow`, unless they are there: `response.allow.update(methods)`.
    pub fn allow_update<'a>(&mut self, methods: impl IntoIterator<Item = &'a str>) {
        let mut allow = self.allow();
        let before = allow.len();
        for method in methods {
            allow.add(method);
        }
        if allow.len() > before {
            self.set_header_set(ALLOW, &allow);
        }
    }

    fn header_set(&self, name: &HeaderName) -> HeaderSet {
        match self.headers.get(name) {
            Some(value) => HeaderSet::parse(&latin1_decode(value.as_bytes())),
            None => HeaderSet::new(),
        }
    }

    fn set_header_set(&mut self, name: HeaderName, set: &HeaderSet) {
        if set.is_empty() {
            self.headers.remove(name);
        } else if let Ok(value) = header_value(&set.to_header()) {
            self.headers.insert(name, value);
        }
    }

    /// `Content-Type`.
    pub fn content_type(&self) -> Option<Cow<'_, str>> {
        Some(latin1_decode(self.headers.get(CONTENT_TYPE)?.as_bytes()))
    }

    /// Sets `Content-Type`, as it is.
    ///
    /// # Errors
    /// As [`Response::set_header`].
    pub fn set_content_type(&mut self, content_type: &str) -> Result<(), Error> {
        self.headers
            .insert(CONTENT_TYPE, header_value(content_type)?);
        Ok(())
    }

    /// `Content-Type` without its parameters.
    pub fn mimetype(&self) -> Option<String> {
        let content_type = self.content_type()?;
        if content_type.is_empty() {
            return None;
        }
        let mimetype = content_type.split(';').next().unwrap_or_default();
        Some(mimetype.trim().to_owned())
    }

    /// Sets `Content-Type`; text gets `charset=utf-8`.
    ///
    /// # Errors
    /// As [`Response::set_header`].
    pub fn set_mimetype(&mut self, mimetype: &str) -> Result<(), Error> {
        self.set_content_type(&get_content_type(mimetype))
    }

    /// Whether the mimetype is JSON's.
    pub fn is_json(&self) -> bool {
        self.mimetype()
            .is_some_and(|mimetype| is_json_mimetype(&mimetype))
    }

    /// Where a redirect leads.
    pub fn location(&self) -> Option<Cow<'_, str>> {
        Some(location_text(self.headers.get(LOCATION)?))
    }
}
