//! HTTP errors: what an app returns to answer with a 404 and its like.
//!
//! Mirrors `werkzeug/exceptions.py` (and `RequestRedirect` of `werkzeug/routing/exceptions.py`). Where
//! Werkzeug has a class for each status, Carafe has one struct and the table [`DEFAULT_EXCEPTIONS`].
//! The pages are the same, byte for byte.
//!
//! Read next: `exceptions/classes.rs`, the table; `error.rs` (the error that an `HttpException` travels in).

mod classes;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

pub use classes::{DEFAULT_EXCEPTIONS, ExceptionClass, default_exception};

use super::datastructures::header_value;
use super::response::{Response, redirect};
use super::status::status_name;
use crate::error::Error;
use crate::python::repr::str_repr;
use crate::wsgi::{Body, Environ, StartResponse, WsgiApp};

/// An HTTP error: Werkzeug's `HTTPException` and all its subclasses.
///
/// ```
/// use carafe::wrappers::exceptions::HttpException;
///
/// let gone = HttpException::new(410).with_description("Sold.");
/// assert_eq!(gone.class_name(), "Gone");
/// assert_eq!(gone.to_string(), "410 Gone: Sold.");
/// assert!(gone.get_body().ends_with("<h1>Gone</h1>\n<p>Sold.</p>\n"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpException {
    /// The status code; 0 for Werkzeug's `None`: an error that only carries a response.
    pub code: u16,
    /// The sentence on the page; `None` is the one of the class.
    pub description: Option<String>,
    /// Where `abort` was given a response, that one. Take it with [`HttpException::get_response`].
    pub response: Option<Arc<Mutex<Response>>>,
    /// The methods for the `Allow` header of a 405.
    pub valid_methods: Vec<String>,
    /// The error that became this 500; or one of the app's own, that says more than a code can:
    /// [`Scaffold::errorhandler`](crate::Scaffold::errorhandler) has an example.
    pub original_exception: Option<Error>,
    /// More headers for the response: `Retry-After`, `WWW-Authenticate` and the like.
    pub headers: HeaderMap,
    /// Where a `RequestRedirect` leads.
    pub new_url: Option<String>,
    /// Whether a `BadRequestKeyError` shows its key on the page, as Flask does in debug mode.
    pub show_exception: bool,
    class_name: &'static str,
    key: Option<String>,
}

impl HttpException {
    /// The error for a status code. A code that is not in [`DEFAULT_EXCEPTIONS`] makes an error of the
    /// base class, `HTTPException`, with no description.
    pub fn new(code: u16) -> Self {
        Self {
            code,
            description: None,
            response: None,
            valid_methods: Vec::new(),
            original_exception: None,
            headers: HeaderMap::new(),
            new_url: None,
            show_exception: false,
            class_name: default_exception(code).map_or("HTTPException", |class| class.class_name),
            key: None,
        }
    }

    /// An error that is a finished response: `abort(response)`.
    pub fn from_response(response: Response) -> Self {
        Self {
            response: Some(Arc::new(Mutex::new(response))),
            ..Self::new(0)
        }
    }

    /// `NotFound`.
    pub fn not_found() -> Self {
        Self::new(404)
    }

    /// `MethodNotAllowed`, with the methods that are.
    pub fn method_not_allowed<S: Into<String>>(valid_methods: impl IntoIterator<Item = S>) -> Self {
        Self {
            valid_methods: valid_methods.into_iter().map(Into::into).collect(),
            ..Self::new(405)
        }
    }

    /// `RequestEntityTooLarge`.
    pub fn request_entity_too_large() -> Self {
        Self::new(413)
    }

    /// `InternalServerError`, with the error that caused it.
    pub fn internal_server_error(original_exception: Option<Error>) -> Self {
        Self {
            original_exception,
            ..Self::new(500)
        }
    }

    /// `BadRequestKeyError`: a form field or URL argument that is missing.
    pub fn bad_request_key_error(key: impl Into<String>) -> Self {
        Self {
            key: Some(key.into()),
            ..Self::bad_request_subclass("BadRequestKeyError")
        }
    }

    /// `ClientDisconnected`: the body ended before it should.
    pub fn client_disconnected() -> Self {
        Self::bad_request_subclass("ClientDisconnected")
    }

    /// `SecurityError`, like a `Host` that is not trusted.
    pub fn security_error(description: impl Into<String>) -> Self {
        Self::bad_request_subclass("SecurityError").with_description(description)
    }

    /// Werkzeug's `BadHost`: a `Host` or a SERVER_NAME that can't be a host's name.
    pub(crate) fn bad_host() -> Self {
        Self::bad_request_subclass("BadHost")
    }

    /// Werkzeug's `WebsocketMismatch`: the request is for a websocket, the rule is not.
    pub(crate) fn websocket_mismatch() -> Self {
        Self::bad_request_subclass("WebsocketMismatch")
    }

    fn bad_request_subclass(class_name: &'static str) -> Self {
        Self {
            class_name,
            ..Self::new(400)
        }
    }

    /// `RequestRedirect`: the router wants the client to ask elsewhere.
    pub fn request_redirect(new_url: impl Into<String>) -> Self {
        let new_url = new_url.into();
        Self {
            description: Some(new_url.clone()),
            new_url: Some(new_url),
            class_name: "RequestRedirect",
            ..Self::new(308)
        }
    }

    /// Sets the sentence on the page.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets the `Retry-After` header: seconds until the client may come back.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        // Werkzeug too leaves the header out for 0.
        if seconds > 0 {
            self.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        self
    }

    /// Adds a `WWW-Authenticate` header: a challenge, like `Basic realm="shop"`.
    ///
    /// ```
    /// use carafe::{App, Error, HttpException, Scaffold};
    /// fn members_only() -> Result<&'static str, Error> {
    ///     Err(HttpException::new(401).with_www_authenticate("Basic realm=\"shop\"")?.into())
    /// }
    ///
    /// let mut app = App::new("shop");
    /// app.route("/", members_only);
    /// let response = app.test_client().get("/").send()?;
    /// assert_eq!(response.header("WWW-Authenticate").as_deref(), Some("Basic realm=\"shop\""));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// `ValueError` where the text can't be a header's value.
    pub fn with_www_authenticate(mut self, challenge: &str) -> Result<Self, Error> {
        self.headers
            .append(WWW_AUTHENTICATE, header_value(challenge)?);
        Ok(self)
    }

    /// Werkzeug's class name, like `NotFound`.
    pub fn class_name(&self) -> &'static str {
        self.class_name
    }

    /// The name of the status, like `Not Found`.
    pub fn name(&self) -> &'static str {
        status_name(self.code).unwrap_or("Unknown Error")
    }

    /// The sentence on the page: the error's own, or else its class's; empty where neither has one.
    pub fn description(&self) -> String {
        self.description_or_none().unwrap_or_default()
    }

    fn description_or_none(&self) -> Option<String> {
        let description = match &self.description {
            Some(description) => description.clone(),
            None => default_exception(self.code)?.description.to_owned(),
        };
        if self.show_exception
            && let Some(key) = &self.key
        {
            return Some(format!("{description}\nKeyError: {}", str_repr(key)));
        }
        Some(description)
    }

    /// The HTML page.
    pub fn get_body(&self) -> String {
        let name = escape(self.name());
        let description = escape(&self.description()).replace('\n', "<br>");
        let code = Code(self.code);
        format!(
            "<!doctype html>\n<html lang=en>\n<title>{code} {name}</title>\n<h1>{name}</h1>\n<p>{description}</p>\n"
        )
    }

    /// The headers of the page.
    pub fn get_headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static("text/html; charset=utf-8"));
        if !self.valid_methods.is_empty()
            && let Ok(allow) = HeaderValue::from_str(&self.valid_methods.join(", "))
        {
            headers.insert(ALLOW, allow);
        }
        headers
    }

    /// The response that a client gets.
    ///
    /// Where `abort` was given a response, this is that one. A streamed body is in the first
    /// response that is got, and empty in every later one.
    pub fn get_response(&self) -> Response {
        if let Some(new_url) = &self.new_url
            && let Ok(response) = redirect(new_url, self.code)
        {
            return response;
        }
        if let Some(response) = &self.response {
            return response
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .share();
        }
        let mut response = Response::new(self.get_body());
        // A code that HTTP does not have can only come from a caller that made one up.
        response.status =
            StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in &self.get_headers() {
            if name == CONTENT_TYPE {
                response.headers.insert(name, value.clone());
            } else {
                response.headers.append(name, value.clone());
            }
        }
        response
    }
}

/// An error answers every request with its page: Werkzeug's are WSGI apps, too.
impl WsgiApp for HttpException {
    fn call(
        &self,
        environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        let (status, headers, body) = self.get_response().into_wsgi(&environ.method);
        start_response.start_response(status, headers);
        Ok(body)
    }
}

/// A status code in text; Werkzeug's pages show `None` where there is none.
struct Code(u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("None"),
            code => code.fmt(f),
        }
    }
}

impl fmt::Display for HttpException {
    /// Python's `str(error)`: `404 Not Found: The requested URL ...`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            0 => f.write_str("???")?,
            code => code.fmt(f)?,
        }
        match self.description_or_none() {
            Some(description) => write!(f, " {}: {description}", self.name()),
            None => write!(f, " {}: None", self.name()),
        }
    }
}

impl std::error::Error for HttpException {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let original = self.original_exception.as_ref()?;
        Some(original.as_std())
    }
}

/// What [`abort`] can be given: a status code, or a whole response.
#[derive(Debug)]
pub enum AbortWith {
    /// A status code.
    Code(u16),
    /// A response.
    Response(Box<Response>),
}

impl From<u16> for AbortWith {
    fn from(code: u16) -> Self {
        Self::Code(code)
    }
}

impl From<Response> for AbortWith {
    fn from(response: Response) -> Self {
        Self::Response(Box::new(response))
    }
}

/// Flask's `abort`: the error to return in order to answer with a status code or a response.
///
/// Python's raises it; here the caller does: `return Err(abort(404))`. A code without a class is a
/// `LookupError`, which is the app's mistake, not an answer. [`abort_with_description`] takes a sentence of
/// the app's own.
///
/// ```
/// use carafe::wrappers::exceptions::abort;
///
/// assert_eq!(abort(404).type_name(), "NotFound");
/// assert_eq!(abort(299).to_string(), "no exception for 299");
/// ```
#[must_use = "an error that nobody returns does nothing: `return Err(abort(..))`"]
pub fn abort(with: impl Into<AbortWith>) -> Error {
    match with.into() {
        AbortWith::Response(response) => HttpException::from_response(*response).into(),
        AbortWith::Code(code) if default_exception(code).is_some() => {
            HttpException::new(code).into()
        }
        AbortWith::Code(code) => Error::lookup(format!("no exception for {code}")),
    }
}

/// [`abort`] with a sentence of one's own: Flask's `abort(code, description)`.
#[must_use = "an error that nobody returns does nothing: `return Err(abort_with_description(..))`"]
pub fn abort_with_description(code: u16, description: impl Into<String>) -> Error {
    if default_exception(code).is_none() {
        return abort(code);
    }
    HttpException::new(code)
        .with_description(description)
        .into()
}

/// Text made safe for HTML, with quotes around it or without: `markupsafe.escape`, which is Flask 1.1's `flask.escape`. For what
/// a client sent, wherever it goes into a page without a template.
///
/// ```
/// assert_eq!(carafe::escape("<b>jack & jill</b>"), "&lt;b&gt;jack &amp; jill&lt;/b&gt;");
/// ```
#[must_use]
pub fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '\'' => html.push_str("&#39;"),
            '"' => html.push_str("&#34;"),
            _ => html.push(c),
        }
    }
    html
}
