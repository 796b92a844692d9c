//! The WSGI-like edge: what a server hands to an app, and what it gets back.
//!
//! Mirrors PEP 3333, in Rust's types: an [`Environ`] in, a call of [`StartResponse`], and a [`Body`]
//! to iterate. Nothing here knows contexts or sessions. Middleware is a [`WsgiApp`] that holds
//! another one; `examples/middleware.rs` has a real one.
//!
//! Read next: `lifecycle.rs`, whose `wsgi_app` is what a server calls.

use std::io::{self, Read};
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Version, uri::Scheme};

use crate::error::Error;

/// One request, as the server hands it over: WSGI's `environ` dict, with a field for each key.
pub struct Environ {
    /// `REQUEST_METHOD`.
    pub method: Method,
    /// `SCRIPT_NAME`: the part of the path that leads to this app, percent-decoded; `""` at the root.
    pub script_name: String,
    /// `PATH_INFO`: the rest of the path, percent-decoded; bytes that are not UTF-8 are U+FFFD.
    pub path_info: String,
    /// `QUERY_STRING`: as it was sent, without the `?`.
    pub query_string: String,
    /// The `HTTP_*` keys, `CONTENT_TYPE` and `CONTENT_LENGTH`.
    pub headers: HeaderMap,
    /// `wsgi.url_scheme`.
    pub url_scheme: Scheme,
    /// `SERVER_NAME`: used where the request has no `Host`.
    pub server_name: String,
    /// `SERVER_PORT`.
    pub server_port: u16,
    /// `REMOTE_ADDR` and `REMOTE_PORT`.
    pub remote_addr: Option<SocketAddr>,
    /// `SERVER_PROTOCOL`.
    pub protocol: Version,
    /// `wsgi.input`: the body, not yet read.
    pub input: Box<dyn Read + Send>,
    /// Whatever a server or a middleware wants to hand down: WSGI's own extra keys.
    pub extensions: http::Extensions,
}
