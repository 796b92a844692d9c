//! The request: what the client sent, parsed when it is first asked for.
//!
//! Mirrors `werkzeug/sansio/request.py`, and the limits of `flask/wrappers.py`. Making one from an [`Environ`] moves
//! fields and parses nothing.
//!
//! Read next: `request/url.rs` (`url`, `host`), `request_body.rs` (`data`, `form`, `get_json`).

mod url;

use std::borrow::Cow;
use std::fmt;
use std::io::Cursor;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use http::header::{AsHeaderName, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, TRANSFER_ENCODING};
use http::{Extensions, HeaderMap, Method, Version, uri::Scheme};
use indexmap::IndexMap;

use super::cookies::{cookie_value, parse_cookie};
use super::datastructures::{HeaderSet, MultiDict, latin1_decode};
use super::headers::{is_json_mimetype, parse_options_header};
use super::input::Input;
use super::urls::parse_qsl;
use crate::error::Error;
use crate::value::Value;
use crate::wsgi::Environ;

/// No limit, in the cells that hold one.
const NO_LIMIT: u64 = u64::MAX;

/// A request: Flask's `Request`, without what routing adds.
///
/// ```
/// use carafe::wsgi::Environ;
/// use carafe::wrappers::Request;
///
/// let environ = Environ::builder("/search?q=pear&q=fig").header("X-Id", "7").build()?;
/// let request = Request::from_environ(environ);
/// assert_eq!(request.method(), "GET");
/// assert_eq!(request.path(), "/search");
/// assert_eq!(request.url(), "http://localhost/search?q=pear&q=fig");
/// assert_eq!(request.args().getlist("q"), ["pear", "fig"]);
/// assert_eq!(request.header("x-id").as_deref(), Some("7"));
/// # Ok::<(), carafe::error::Error>(())
/// ```
pub struct Request {
    method: Method,
    scheme: Scheme,
    root_path: String,
    path: String,
    // PATH_INFO was "": a middleware may have moved all of it to SCRIPT_NAME.
    has_no_path_info: bool,
    query_string: String,
    headers: HeaderMap,
    server_name: String,
    server_port: u16,
    remote_addr: Option<IpAddr>,
    protocol: Version,
    extensions: Extensions,
    // Settings. They are cells because a view, which only has a shared reference, may set them too.
    debug: AtomicBool,
    max_content_length: AtomicU64,
    // The body, which can be read once.
    pub(super) input: Mutex<Input>,
    // Boxed, since many a view asks for none of it, and a request that is made and moved should be small.
    parsed: OnceLock<Box<Parsed>>,
}

/// What was parsed so far, and what few requests have.
#[derive(Default)]
pub(super) struct Parsed {
    trusted_hosts: OnceLock<Vec<String>>,
    host: OnceLock<String>,
    url: OnceLock<String>,
    args: OnceLock<MultiDict>,
    cookies: OnceLock<MultiDict>,
    content_type_parts: OnceLock<(String, IndexMap<String, String>)>,
    pub(super) form: OnceLock<MultiDict>,
    pub(super) json: OnceLock<Value>,
}

impl Request {
    /// The request that a server hands over.
    pub fn from_environ(environ: Environ) -> Self {
        Self::with_settings(environ, None, false)
    }

    /// The same, with the settings of an app.
    #[inline(always)]
    pub(crate) fn with_settings(
        environ: Environ,
        max_content_length: Option<u64>,
        debug: bool,
    ) -> Self {
        let mut root_path = environ.script_name;
        root_path.truncate(root_path.trim_end_matches('/').len());
        Self {
            method: upper_case(environ.method),
            scheme: environ.url_scheme,
            root_path,
            has_no_path_info: environ.path_info.is_empty(),
            path: one_leading_slash(environ.path_info),
            query_string: environ.query_string,
            headers: environ.headers,
            server_name: environ.server_name,
            server_port: environ.server_port,
            remote_addr: environ.remote_addr.map(|address| address.ip()),
            protocol: environ.protocol,
            extensions: environ.extensions,
            debug: AtomicBool::new(debug),
            max_content_length: AtomicU64::new(max_content_length.unwrap_or(NO_LIMIT)),
            input: Mutex::new(Input::new(environ.input, environ.input_terminated)),
            parsed: OnceLock::new(),
        }
    }

    pub(super) fn parsed(&self) -> &Parsed {
        self.parsed.get_or_init(Box::default)
    }

    /// The environ that this request was made of, for another app to answer. Its body is what is left
    /// of this one's: all of it, unless it was read and not kept.
    ///
    /// # Errors
    /// As [`Request::get_data`].
    pub fn environ(&self) -> Result<Environ, Error> {
        Ok(Environ {
            method: self.method.clone(),
            script_name: self.root_path.clone(),
            path_info: self.path_info().to_owned(),
            query_string: self.query_string.clone(),
            headers: self.headers.clone(),
            url_scheme: self.scheme.clone(),
            server_name: self.server_name.clone(),
            server_port: self.server_port,
            remote_addr: self.remote_addr.map(|address| (address, 0).into()),
            protocol: self.protocol,
            input: Box::new(Cursor::new(self.get_data()?)),
            input_terminated: false,
            extensions: self.extensions.clone(),
        })
    }

    /// The method, in upper case.
    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// The method, in upper case, as the `http` crate's type.
    pub fn http_method(&self) -> &Method {
        &self.method
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &str {
        self.scheme.as_str()
    }

    /// Whether the request came over TLS, as far as the server knows.
    pub fn is_secure(&self) -> bool {
        matches!(self.scheme(), "https" | "wss")
    }

    /// The version of HTTP: `SERVER_PROTOCOL`.
    pub fn protocol(&self) -> Version {
        self.protocol
    }

    /// The path below [`Request::root_path`], percent-decoded; it starts with one slash.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// [`Request::path`], but `""` where the server gave none at all: what the router looks at.
    pub(crate) fn path_info(&self) -> &str {
        if self.has_no_path_info {
            ""
        } else {
            &self.path
        }
    }

    /// The path and the query string, with a `?` between them in any case.
    pub fn full_path(&self) -> String {
        format!("{}?{}", self.path, self.query_string)
    }

    /// The path that leads to this app, without a slash at its end; `""` at the root.
    pub fn root_path(&self) -> &str {
        &self.root_path
    }

    /// [`Request::root_path`], by its other name.
    pub fn script_root(&self) -> &str {
        &self.root_path
    }

    /// What is behind the `?`, as it was sent.
    pub fn query_string(&self) -> &str {
        &self.query_string
    }

    /// The client's address. Behind a proxy that is the proxy's.
    pub fn remote_addr(&self) -> Option<IpAddr> {
        self.remote_addr
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The text of a header. Several of one name are joined by commas, as in WSGI; and as there, `_` in
    /// a name is the same as `-`.
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        if name.contains('_') {
            return self.joined_header(name.replace('_', "-"), ", ");
        }
        self.joined_header(name, ", ")
    }

    fn joined_header(&self, name: impl AsHeaderName, separator: &str) -> Option<Cow<'_, str>> {
        let mut values = self.headers.get_all(name).iter();
        let mut text = latin1_decode(values.next()?.as_bytes());
        for value in values {
            let joined = text.to_mut();
            joined.push_str(separator);
            joined.push_str(&latin1_decode(value.as_bytes()));
        }
        Some(text)
    }

    /// The arguments in the query string.
    pub fn args(&self) -> &MultiDict {
        self.parsed()
            .args
            .get_or_init(|| parse_qsl(&self.query_string))
    }

    /// All cookies.
    pub fn cookies(&self) -> &MultiDict {
        self.parsed()
            .cookies
            .get_or_init(|| match self.cookie_header() {
                Some(header) => parse_cookie(&header),
                None => MultiDict::new(),
            })
    }

    /// One cookie, without a look at the others.
    pub fn cookie(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.cookie_header()? {
            Cow::Borrowed(header) => cookie_value(header, name),
            Cow::Owned(header) => Some(Cow::Owned(cookie_value(&header, name)?.into_owned())),
        }
    }

    /// The `Cookie` header, which HTTP/2 may send in parts.
    fn cookie_header(&self) -> Option<Cow<'_, str>> {
        self.joined_header(COOKIE, ";")
    }

    /// `Content-Type`.
    pub fn content_type(&self) -> Option<Cow<'_, str>> {
        Some(latin1_decode(self.headers.get(CONTENT_TYPE)?.as_bytes()))
    }

    fn content_type_parts(&self) -> &(String, IndexMap<String, String>) {
        self.parsed().content_type_parts.get_or_init(|| {
            let content_type = self.content_type().unwrap_or_default();
            let (mimetype, params) = parse_options_header(&content_type);
            (mimetype.to_lowercase(), params)
        })
    }

    /// `Content-Type` without its parameters, in lower case; `""` where there is none.
    pub fn mimetype(&self) -> &str {
        &self.content_type_parts().0
    }

    /// The parameters of `Content-Type`, like `charset`.
    pub fn mimetype_params(&self) -> &IndexMap<String, String> {
        &self.content_type_parts().1
    }

    /// Whether the mimetype is JSON's.
    pub fn is_json(&self) -> bool {
        is_json_mimetype(self.mimetype())
    }

    /// The length of the body in bytes; `None` where the client does not say. A value that is no number
    /// counts as 0.
    pub fn content_length(&self) -> Option<u64> {
        let value = self.headers.get(CONTENT_LENGTH)?;
        if let Some(encoding) = self.header(TRANSFER_ENCODING.as_str())
            && HeaderSet::parse(&encoding).contains("chunked")
        {
            return None;
        }
        let text = latin1_decode(value.as_bytes());
        let digits = text.trim_matches([' ', '\t']);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(0);
        }
        // A number that does not even fit is larger than any limit.
        Some(digits.parse().unwrap_or(u64::MAX))
    }

    /// Whether errors may tell the client more: Flask's `current_app.debug`.
    pub fn debug(&self) -> bool {
        self.debug.load(Ordering::Relaxed)
    }

    /// Sets [`Request::debug`].
    pub fn set_debug(&self, debug: bool) {
        self.debug.store(debug, Ordering::Relaxed);
    }

    /// The largest body to read, in bytes; a larger one is a 413.
    pub fn max_content_length(&self) -> Option<u64> {
        load_limit(&self.max_content_length)
    }

    /// Sets [`Request::max_content_length`]; a view may, before it reads the body.
    pub fn set_max_content_length(&self, bytes: Option<u64>) {
        store_limit(&self.max_content_length, bytes);
    }

    /// What the server or a middleware handed down: [`Environ::extensions`].
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Request '{}' [{}]>", self.url(), self.method())
    }
}

fn load_limit(cell: &AtomicU64) -> Option<u64> {
    Some(cell.load(Ordering::Relaxed)).filter(|&limit| limit != NO_LIMIT)
}

fn store_limit(cell: &AtomicU64, limit: Option<u64>) {
    cell.store(limit.unwrap_or(NO_LIMIT), Ordering::Relaxed);
}

#[inline]
fn upper_case(method: Method) -> Method {
    if !method
        .as_str()
        .bytes()
        .any(|byte| byte.is_ascii_lowercase())
    {
        return method;
    }
    let upper = method.as_str().to_ascii_uppercase();
    Method::from_bytes(upper.as_bytes()).unwrap_or(method)
}

#[inline]
fn one_leading_slash(path: String) -> String {
    let bytes = path.as_bytes();
    if bytes.first() == Some(&b'/') && bytes.get(1) != Some(&b'/') {
        return path;
    }
    format!("/{}", path.trim_start_matches('/'))
}
