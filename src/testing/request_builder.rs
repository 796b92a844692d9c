//! `RequestBuilder` and `TestResponse`: what a test client sends, and what it gets.
//!
//! Mirrors `Client.open` and `TestResponse` in `werkzeug/test.py`.
//!
//! Read next: `redirects.rs`.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::TestClient;
use crate::error::Error;
use crate::json;
use crate::wrappers::datastructures::latin1_decode;
use crate::wrappers::{EnvironBuilder, Request};

/// How many redirects in a row are followed.
const MAX_REDIRECTS: usize = 20;

/// A request of a [`TestClient`]'s, until it is sent.
#[derive(Debug)]
#[must_use = "a request is sent by `send`"]
pub struct RequestBuilder<'a> {
    client: &'a mut TestClient,
    builder: EnvironBuilder,
    follow_redirects: bool,
    /// Why it cannot be sent.
    error: Option<Error>,
}

impl<'a> RequestBuilder<'a> {
    pub(super) fn new(client: &'a mut TestClient, builder: EnvironBuilder) -> Self {
        RequestBuilder {
            client,
            builder,
            follow_redirects: false,
            error: None,
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// The arguments in the URL; the path may then have none. Flask: `query_string={...}`.
    pub fn query<'q>(mut self, arguments: impl IntoIterator<Item = (&'q str, &'q str)>) -> Self {
        self.builder = self.builder.query(arguments);
        self
    }

    /// The body is a form.
    pub fn form<'f>(mut self, fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> Self {
        self.builder = self.builder.form(fields);
        self
    }

    /// The body is JSON. A value that cannot be JSON is an error of [`RequestBuilder::send`].
    pub fn json(mut self, value: impl Serialize) -> Self {
        match json::to_value(&value).and_then(|value| json::dumps(&value)) {
            Ok(text) => self.builder = self.builder.json(text),
            Err(error) => self.error = Some(error.into()),
        }
        self
    }

    /// The body is these bytes.
    pub fn body(mut self, body: impl Into<Bytes>, content_type: &str) -> Self {
        self.builder = self.builder.body(body).content_type(content_type);
        self
    }

    /// The client's address, unless it is `127.0.0.1`. Flask: `environ_overrides={"REMOTE_ADDR": ...}`.
    pub fn remote_addr(mut self, address: impl Into<IpAddr>) -> Self {
        self.builder = self.builder.remote_addr(address);
        self
    }

    /// Scheme, host and path to the app.
    pub fn base_url(mut self, base_url: &str) -> Self {
        self.builder = self.builder.base_url(base_url);
        self
    }

    /// Goes on to where a redirect leads, with [`TestResponse::history`] telling the way.
    pub fn follow_redirects(mut self) -> Self {
        self.follow_redirects = true;
        self
    }

    /// Sends it.
    ///
    /// # Errors
    /// An error that leaves the app, as with TESTING set; a request that cannot be built; a redirect
    /// to another host, one that was followed already, or too many of them.
    pub fn send(self) -> Result<TestResponse, Error> {
        let RequestBuilder {
            client,
            mut builder,
            follow_redirects,
            error,
        } = self;
        if let Some(error) = error {
            return Err(error);
        }
        let mut history: Vec<TestResponse> = Vec::new();
        loop {
            let (mut response, from) = client.run(builder.clone())?;
            response.history = Arc::new(history.clone());
            let location = response
                .header("Location")
                .filter(|_| follow_redirects && response.is_redirect());
            let Some(location) = location else {
                return Ok(response);
            };
            let status = response.status;
            let is_same = |earlier: &TestResponse| {
                earlier.status == status && earlier.header("Location").as_ref() == Some(&location)
            };
            if history.iter().any(is_same) {
                return Err(Error::runtime(format!(
                    "Loop detected: A {status} redirect to {location} was already made."
                )));
            }
            if history.len() >= MAX_REDIRECTS {
                return Err(Error::runtime(format!(
                    "too many redirects, the last to {location}"
                )));
            }
            let target = from.resolve(&location)?;
            let keeps_body = matches!(status, 307 | 308);
            builder = builder.redirected(target.base_url, target.path, keeps_body);
            history.push(response);
        }
    }
}

/// What a [`TestClient`] got. Werkzeug: `TestResponse`.
///
/// ```
/// use carafe::{App, Scaffold, redirect};
/// let mut app = App::new("shop");
/// app.route("/", || "the shop");
/// app.route("/home", || redirect("/"));
/// let response = app.test_client().get("/home").follow_redirects().send()?;
/// assert_eq!(response.text(), "the shop");
/// assert_eq!(response.request().path(), "/");
/// assert_eq!(response.history()[0].status_code(), 302);
/// # Ok::<(), carafe::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TestResponse {
    status: u16,
    headers: HeaderMap,
    data: Bytes,
    request: Arc<Request>,
    /// Shared, as each of them has its own with the same responses in it.
    history: Arc<Vec<TestResponse>>,
}

impl TestResponse {
    pub(super) fn new(status: u16, headers: HeaderMap, data: Bytes, request: Request) -> Self {
        TestResponse {
            status,
            headers,
            data,
            request: Arc::new(request),
            history: Arc::default(),
        }
    }

    /// `response.status_code`.
    #[must_use]
    pub fn status_code(&self) -> u16 {
        self.status
    }

    /// `response.headers`.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first header of this name, as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers
            .get(name)
            .map(|value| latin1_decode(value.as_bytes()).into_owned())
    }

    /// `response.data`.
    #[must_use]
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// `response.text`.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }

    /// `response.json`, as any type that serde can build.
    ///
    /// # Errors
    /// Where the body is no JSON, or no `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(json::from_value(json::loads_bytes(&self.data)?)?)
    }

    /// `response.request`: the request that this answers; after a redirect, the last.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The redirects that led here, the first first. Each of them knows those before it.
    #[must_use]
    pub fn history(&self) -> &[TestResponse] {
        &self.history
    }

    fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 305 | 307 | 308)
    }
}
