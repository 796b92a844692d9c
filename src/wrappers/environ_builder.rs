//! `EnvironBuilder`: an [`Environ`] without a server, for tests and for `test_request_context`.
//!
//! Mirrors `EnvironBuilder` of `werkzeug/test.py`, and Flask's of `flask/testing.py`, which takes the host
//! from the path where there is one.
//!
//! Read next: `testing/client.rs` (the client that sends what this builds).

use std::io::Cursor;
use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Version, uri::Scheme};

use super::datastructures::{header_value, latin1_decode};
use super::urls::{iri_to_uri, unquote, urlencode};
use super::urlsplit::{SplitResult, urlsplit, urlunsplit};
use crate::error::Error;
use crate::wsgi::Environ;

const FORM: &str = "application/x-www-form-urlencoded";

/// Builds an [`Environ`].
///
/// ```
/// use carafe::wsgi::Environ;
///
/// let environ = Environ::builder("/login")
///     .method("POST")
///     .base_url("https://shop.example/app")
///     .form([("name", "jack")])
///     .build()?;
/// assert_eq!(environ.script_name, "/app");
/// assert_eq!(environ.headers["host"], "shop.example");
/// assert_eq!(environ.headers["content-length"], "9");
/// # Ok::<(), carafe::error::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct EnvironBuilder {
    path: String,
    base_url: Option<String>,
    url_scheme: String,
    server_name: String,
    application_root: String,
    query_string: Option<String>,
    method: String,
    headers: Vec<(String, String)>,
    content_type: Option<String>,
    /// What the body is, unless it is said to be something else.
    body_type: Option<&'static str>,
    body: Option<Bytes>,
    remote_addr: IpAddr,
    extensions: Extensions,
}

impl Environ {
    /// Starts an [`EnvironBuilder`] for a path, which may have a query string, or be a whole URL.
    pub fn builder(path: impl Into<String>) -> EnvironBuilder {
        EnvironBuilder::new(path)
    }
}

impl EnvironBuilder {
    /// A `GET` of a path, which may have a query string, or be a whole URL.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            base_url: None,
            url_scheme: "http".to_owned(),
            server_name: "localhost".to_owned(),
            application_root: "/".to_owned(),
            query_string: None,
            method: "GET".to_owned(),
            headers: Vec::new(),
            content_type: None,
            body_type: None,
            body: None,
            remote_addr: Ipv4Addr::LOCALHOST.into(),
            extensions: Extensions::new(),
        }
    }

    /// Another path than the one it was made with.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Scheme, host, and the path to the app, as one URL.
    pub fn base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = Some(base_url.into());
        self
    }

    /// The scheme, unless there is a base URL: Flask's `PREFERRED_URL_SCHEME`.
    pub fn url_scheme(mut self, scheme: impl Into<String>) -> Self {
        self.url_scheme = scheme.into();
        self
    }

    /// The host, unless there is a base URL: Flask's `SERVER_NAME`.
    pub fn server_name(mut self, server_name: impl Into<String>) -> Self {
        self.server_name = server_name.into();
        self
    }

    /// The path to the app, unless there is a base URL: Flask's `APPLICATION_ROOT`.
    pub fn application_root(mut self, root: impl Into<String>) -> Self {
        self.application_root = root.into();
        self
    }

    /// The query string; the path may then have none.
    pub fn query_string(mut self, query_string: impl Into<String>) -> Self {
        self.query_string = Some(query_string.into());
        self
    }

    /// The query string, from arguments.
    pub fn query<'a>(self, arguments: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.query_string(urlencode(arguments))
    }

    /// The method.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = method.into();
        self
    }

    /// Adds a header. Several of one name become one, joined by commas, as in WSGI.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// `Content-Type`.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// The body; an empty one is no body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into()).filter(|body| !body.is_empty());
        self
    }

    /// A form as the body; one without a field is no body.
    pub fn form<'a>(mut self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let form = urlencode(fields);
        self.body_type = (!form.is_empty()).then_some(FORM);
        self.body(form)
    }

    /// JSON, already written, as the body.
    pub fn json(mut self, json: impl Into<Bytes>) -> Self {
        self.body_type = Some("application/json");
        self.body(json)
    }

    /// The client's address, unless it is `127.0.0.1`: WSGI's `REMOTE_ADDR`.
    pub fn remote_addr(mut self, address: impl Into<IpAddr>) -> Self {
        self.remote_addr = address.into();
        self
    }

    /// The request that the answer to this one redirects to: of Werkzeug's `Client.resolve_redirect`
    /// what is not about URLs. Headers stay, but for those that describe a body that does not.
    pub(crate) fn redirected(mut self, base_url: String, path: String, keeps_body: bool) -> Self {
        let drops = |name: &str, dropped: &[HeaderName]| {
            dropped
                .iter()
                .any(|header| name.eq_ignore_ascii_case(header.as_str()))
        };
        self.headers.retain(|(name, _)| !drops(name, &[HOST]));
        if !keeps_body {
            let of_body = [CONTENT_TYPE, CONTENT_LENGTH, TRANSFER_ENCODING];
            self.headers.retain(|(name, _)| !drops(name, &of_body));
            self.content_type = None;
            self.body_type = None;
            self.body = None;
            if self.method != "HEAD" {
                "GET".clone_into(&mut self.method);
            }
        }
        self.query_string = None;
        self.base_url(base_url).path(path)
    }

    /// Puts something into [`Environ::extensions`].
    pub fn extension<T: Clone + Send + Sync + 'static>(mut self, extension: T) -> Self {
        self.extensions.insert(extension);
        self
    }

    /// The environ.
    ///
    /// # Errors
    /// `ValueError` for a base URL with a query string or a fragment, for two query strings, and for a
    /// URL, a method or a header that can't be one.
    pub fn build(self) -> Result<Environ, Error> {
        let target = urlsplit(&self.path)?;
        if self.query_string.is_some() && !target.query.is_empty() {
            return Err(Error::value_error(
                "Query string is defined in the path and as an argument",
            ));
        }
        let base = self.split_base_url(&target)?;
        let method = Method::from_bytes(self.method.as_bytes())
            .map_err(|_| Error::value_error(format!("{:?} is not a method", self.method)))?;
        // Flask splits its host off the path, and Werkzeug splits the rest: `////x/y` has two hosts.
        let target = match self.base_url {
            Some(_) => target,
            None => SplitResult {
                query: target.query,
                ..urlsplit(&target.path)?
            },
        };
        let path = iri_to_uri(&target.path)?;
        let script_root = base.path.trim_end_matches('/');
        let (server_name, server_port) = split_host(&base);

        Ok(Environ {
            method,
            script_name: unquote(script_root).into_owned(),
            path_info: unquote(&path).into_owned(),
            query_string: self.query_string.clone().unwrap_or(target.query),
            headers: self.build_headers(&base.netloc)?,
            url_scheme: Scheme::try_from(base.scheme.as_str()).unwrap_or(Scheme::HTTP),
            server_name,
            server_port,
            remote_addr: Some((self.remote_addr, 0).into()),
            protocol: Version::HTTP_11,
            input: Box::new(Cursor::new(self.body.unwrap_or_default())),
            input_terminated: false,
            extensions: self.extensions,
        })
    }

    fn split_base_url(&self, target: &SplitResult) -> Result<SplitResult, Error> {
        let base_url = match &self.base_url {
            Some(base_url) => base_url.clone(),
            None => {
                let scheme = non_empty_or(&target.scheme, &self.url_scheme);
                let netloc = non_empty_or(&target.netloc, &self.server_name);
                let path = format!("/{}", self.application_root.trim_start_matches('/'));
                urlunsplit(scheme, netloc, &path, "", "")
            }
        };
        let base = urlsplit(&iri_to_uri(&base_url)?)?;
        if !base.query.is_empty() || !base.fragment.is_empty() {
            return Err(Error::value_error(
                "base url must not contain a query string or fragment",
            ));
        }
        Ok(base)
    }

    fn build_headers(&self, host: &str) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, header_value(host)?);
        let mut seen_host = false;
        for (name, text) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| Error::value_error(format!("{name:?} is not a header name")))?;
            // The builder's own `Host` gives way to one that is asked for.
            let is_new_host = name == HOST && !std::mem::replace(&mut seen_host, name == HOST);
            let mut text = text.clone();
            if let Some(before) = headers.get(&name)
                && !is_new_host
            {
                text = format!("{}, {text}", latin1_decode(before.as_bytes()));
            }
            headers.insert(name, header_value(&text)?);
        }
        if let Some(content_type) = &self.content_type {
            headers.insert(CONTENT_TYPE, header_value(content_type)?);
        } else if let Some(body_type) = self.body_type {
            let body_type = HeaderValue::from_static(body_type);
            headers.entry(CONTENT_TYPE).or_insert(body_type);
        }
        // A form without fields is an empty body too; anything else without a body has no length.
        let is_form = |value: &HeaderValue| {
            latin1_decode(value.as_bytes())
                .split(';')
                .next()
                .map(str::trim)
                == Some(FORM)
        };
        if let Some(body) = &self.body {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        } else if headers.get(CONTENT_TYPE).is_some_and(is_form) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
        }
        Ok(headers)
    }
}

/// Python's `own or default`.
fn non_empty_or<'a>(own: &'a str, default: &'a str) -> &'a str {
    if own.is_empty() { default } else { own }
}

/// The host and the port in a URL; the port that the scheme implies where it has none.
fn split_host(base: &SplitResult) -> (String, u16) {
    let (name, port) = base.netloc.split_once(':').unwrap_or((&base.netloc, ""));
    let implied = if base.scheme == "https" { 443 } else { 80 };
    (name.to_owned(), port.parse().unwrap_or(implied))
}
