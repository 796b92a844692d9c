//! The response: a status, headers and a body, until the server takes them.
//!
//! Mirrors `werkzeug/wrappers/response.py`, and `redirect` of `werkzeug/utils.py`. What is in `werkzeug/sansio/response.py`
//! is in `response/headers.rs`.
//!
//! Read next: `response/headers.rs`; `exceptions.rs` (responses for errors).

mod headers;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::datastructures::latin1_decode;
use super::exceptions::escape;
use super::headers::{location_text, location_value, parse_header, remove_entity_headers};
use super::response_body::{IntoChunk, ResponseBody};
use super::status::IntoStatus;
use super::urls::iri_to_uri_lossy;
use crate::error::Error;
use crate::wsgi::{Body, CloseCallback, Environ, WsgiApp};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// An answer to a request: Flask's `Response`.
///
/// ```
/// use carafe::wrappers::{Response, SetCookie};
/// use http::Method;
///
/// let mut response = Response::new("hello");
/// response.set_status(201)?;
/// response.set_cookie(SetCookie::new("seen", "1"))?;
/// response.vary_add("Cookie");
/// let (status, headers, body) = response.into_wsgi(&Method::GET);
/// assert_eq!(status, 201);
/// assert_eq!(headers["content-type"], "text/html; charset=utf-8");
/// assert_eq!(headers["content-length"], "5");
/// assert_eq!(headers["set-cookie"], "seen=1; Path=/");
/// assert_eq!(body.into_bytes()?, "hello");
/// # Ok::<(), carafe::error::Error>(())
/// ```
pub struct Response {
    /// The status code.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body. Use [`Response::set_data`] to replace it: that keeps `Content-Length` true.
    pub body: ResponseBody,
    on_close: Vec<CloseCallback>,
}

impl Default for Response {
    /// An empty page: 200, `text/html; charset=utf-8`.
    fn default() -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HTML);
        Self {
            status: StatusCode::OK,
            headers,
            body: ResponseBody::Empty,
            on_close: Vec::new(),
        }
    }
}

impl Response {
    /// A page: 200, `text/html; charset=utf-8`, with this body.
    pub fn new(body: impl Into<ResponseBody>) -> Self {
        let body = body.into();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HTML);
        if let ResponseBody::Bytes(bytes) = &body {
            headers.insert(CONTENT_LENGTH, number(bytes.len()));
        }
        Self {
            status: StatusCode::OK,
            headers,
            body,
            on_close: Vec::new(),
        }
    }

    /// A page that is made while it is sent.
    ///
    /// ```
    /// use carafe::wrappers::Response;
    ///
    /// let mut response = Response::stream(["a", "b"]);
    /// assert!(response.is_streamed());
    /// assert_eq!(response.get_data()?, "ab");
    /// # Ok::<(), carafe::Error>(())
    /// ```
    pub fn stream<I>(chunks: I) -> Self
    where
        I: IntoIterator,
        I::Item: IntoChunk + 'static,
        I::IntoIter: Send + 'static,
    {
        let chunks = chunks.into_iter().map(IntoChunk::into_chunk);
        Self {
            body: ResponseBody::Stream(Box::new(chunks)),
            ..Self::default()
        }
    }

    /// What another WSGI app answers: Werkzeug's `Response.from_app`.
    ///
    /// # Errors
    /// What the app fails with; an `AssertionError` where it does not call `start_response`.
    pub fn from_app(app: &dyn WsgiApp, environ: Environ) -> Result<Self, Error> {
        let mut started = None;
        let body = app.call(environ, &mut |status: StatusCode, headers: HeaderMap| {
            started = Some((status, headers));
        })?;
        let (status, headers) =
            started.ok_or_else(|| Error::assertion("the app did not call start_response"))?;
        let mut response = Self::stream(body);
        (response.status, response.headers) = (status, headers);
        Ok(response)
    }

    /// The status code as a number.
    pub fn status_code(&self) -> u16 {
        self.status.as_u16()
    }

    /// Sets the status: a number, or text like `"201 CREATED"`.
    ///
    /// HTTP's own name for the code goes with it; a name of one's own does not (the `http` crate has no
    /// place for it, and HTTP/2 has none either).
    ///
    /// # Errors
    /// `ValueError` for text without a code, or a code that is not in 100..=999.
    pub fn set_status(&mut self, status: impl IntoStatus) -> Result<(), Error> {
        self.status = status.into_status()?;
        Ok(())
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The headers, to change them.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// The text of a header, the first where there are several.
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let value = self.headers.get(name)?;
        if name.eq_ignore_ascii_case("location") || name.eq_ignore_ascii_case("content-location") {
            return Some(location_text(value));
        }
        Some(latin1_decode(value.as_bytes()))
    }

    /// Sets a header in place of all of that name: Python's `headers[name] = value`.
    ///
    /// # Errors
    /// `ValueError` for a value with a line break in it, and for what can't be a header at all.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let (name, value) = parse_header(name, value)?;
        self.headers.insert(name, value);
        Ok(())
    }

    /// Adds a header to those of that name: Python's `headers.add(name, value)`.
    ///
    /// # Errors
    /// As [`Response::set_header`].
    pub fn add_header(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let (name, value) = parse_header(name, value)?;
        self.headers.append(name, value);
        Ok(())
    }

    /// Replaces the body, and sets `Content-Length` where its length is known.
    pub fn set_data(&mut self, body: impl Into<ResponseBody>) {
        self.body = body.into();
        if let ResponseBody::Bytes(bytes) = &self.body {
            self.headers.insert(CONTENT_LENGTH, number(bytes.len()));
        }
    }

    /// The whole body. A stream is collected first, and is bytes from then on.
    ///
    /// # Errors
    /// The stream's; it is then at its end.
    pub fn get_data(&mut self) -> Result<Bytes, Error> {
        match std::mem::take(&mut self.body) {
            ResponseBody::Empty => Ok(Bytes::new()),
            ResponseBody::Bytes(bytes) => {
                self.body = ResponseBody::Bytes(bytes.clone());
                Ok(bytes)
            }
            ResponseBody::Stream(stream) => {
                let bytes = Body::stream(stream).into_bytes()?;
                self.body = ResponseBody::Bytes(bytes.clone());
                Ok(bytes)
            }
        }
    }

    /// Whether the body is a stream: then its length is not known, and it can be read only once.
    pub fn is_streamed(&self) -> bool {
        matches!(self.body, ResponseBody::Stream(_))
    }

    /// Adds a function to run when the server is done with this response; they run in the order added.
    pub fn call_on_close(&mut self, callback: impl FnOnce() + Send + 'static) {
        self.on_close.push(Box::new(callback));
    }

    /// What the server gets: Werkzeug's `Response.__call__`. `method` is the request's.
    ///
    /// A `Location` is quoted, and stays relative where it is. A `Location` that can't be split into a
    /// URL's parts, for which Werkzeug raises, is quoted as one.
    pub fn into_wsgi(mut self, method: &Method) -> (StatusCode, HeaderMap, Body) {
        self.get_wsgi_response(method)
    }

    /// Werkzeug's `get_wsgi_response`: `get_wsgi_headers` and `get_app_iter`. They leave an empty response behind.
    // One of it is enough: see `trace/stage.rs`.
    #[inline(never)]
    pub(crate) fn get_wsgi_response(&mut self, method: &Method) -> (StatusCode, HeaderMap, Body) {
        let (mut has_location, mut has_length) = (false, false);
        for name in self.headers.keys() {
            has_location |= name == LOCATION || name == CONTENT_LOCATION;
            has_length |= name == CONTENT_LENGTH;
        }
        if has_location {
            self.quote_location(LOCATION);
            self.quote_location(CONTENT_LOCATION);
        }

        let status = self.status;
        let no_length = status.is_informational() || status == StatusCode::NO_CONTENT;
        let not_modified = status == StatusCode::NOT_MODIFIED;
        if no_length {
            self.headers.remove(CONTENT_LENGTH);
        } else if not_modified {
            remove_entity_headers(&mut self.headers);
        } else if !has_length {
            let length = match &self.body {
                ResponseBody::Empty => Some(0),
                ResponseBody::Bytes(bytes) => Some(bytes.len()),
                ResponseBody::Stream(_) => None,
            };
            if let Some(length) = length {
                self.headers.insert(CONTENT_LENGTH, number(length));
            }
        }

        let mut body = match std::mem::take(&mut self.body) {
            _ if no_length || not_modified || method == Method::HEAD => Body::empty(),
            ResponseBody::Empty => Body::empty(),
            ResponseBody::Bytes(bytes) => Body::from(bytes),
            ResponseBody::Stream(stream) => Body::stream(stream),
        };
        for callback in self.on_close.drain(..) {
            body.call_on_close(callback);
        }
        (status, std::mem::take(&mut self.headers), body)
    }

    fn quote_location(&mut self, name: HeaderName) {
        // Of several the last one counts.
        let Some(value) = self.headers.get_all(&name).iter().next_back() else {
            return;
        };
        if let Ok(uri) = HeaderValue::try_from(iri_to_uri_lossy(&location_text(value))) {
            self.headers.insert(name, uri);
        }
    }

    /// A second response like this one. A stream and the close callbacks move to it.
    pub(crate) fn share(&mut self) -> Self {
        let body = match &self.body {
            ResponseBody::Bytes(bytes) => ResponseBody::Bytes(bytes.clone()),
            _ => std::mem::take(&mut self.body),
        };
        Self {
            status: self.status,
            headers: self.headers.clone(),
            body,
            on_close: std::mem::take(&mut self.on_close),
        }
    }
}

/// A number as a header's value. (`HeaderValue::from` takes twice as many allocations.)
fn number(number: usize) -> HeaderValue {
    let mut digits = itoa::Buffer::new();
    HeaderValue::from_str(digits.format(number)).unwrap_or_else(|_| HeaderValue::from(number))
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// Flask's `redirect`: a page that sends the browser to `location`. Usual codes are 302, 303, 307, and
/// 301 or 308 for good.
///
/// # Errors
/// `ValueError` for a location with a line break in it, which a client may have sent, or a code that
/// is not in 100..=999.
///
/// ```
/// let response = carafe::wrappers::redirect("/login", 302)?;
/// assert_eq!(response.location().as_deref(), Some("/login"));
/// # Ok::<(), carafe::error::Error>(())
/// ```
pub fn redirect(location: &str, code: u16) -> Result<Response, Error> {
    let html_location = escape(location);
    let mut response = Response::new(format!(
        "<!doctype html>\n\
         <html lang=en>\n\
         <title>Redirecting...</title>\n\
         <h1>Redirecting...</h1>\n\
         <p>You should be redirected automatically to the target URL: \
         <a href=\"{html_location}\">{html_location}</a>. If not, click the link.\n"
    ));
    response.set_status(code)?;
    response.headers.insert(LOCATION, location_value(location)?);
    Ok(response)
}
