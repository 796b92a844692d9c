//! `environ`: what a server knows of a request, under the names of PEP 3333.
//!
//! Mirrors `WSGIRequestHandler.make_environ` in `werkzeug/serving.py`.
//!
//! Read next: `input.rs`, the `wsgi.input` in it.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::header::HOST;
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http_body::Body as HttpBody;

use super::input::Upload;
use super::output::BoxError;
use crate::wrappers::urls::unquote;
use crate::wsgi::Environ;

/// Where a request came in: the same for all requests of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) server_name: Arc<str>,
    pub(crate) server_port: u16,
    pub(crate) remote_addr: Option<SocketAddr>,
    /// The path that leads to the app; `""` at the root.
    pub(crate) script_name: Arc<str>,
}

// ANCHOR: environ
pub(super) fn environ<B>(parts: Parts, origin: &Origin, upload: Upload<B>) -> Environ
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let mut headers = parts.headers;
    // A target may be a whole URL, and then its host counts, and not the header's.
    if let Some(host) = parts.uri.authority().and_then(host_of) {
        headers.insert(HOST, host);
    }
    Environ {
        method: parts.method,
        script_name: origin.script_name.as_ref().to_owned(),
        path_info: unquote(parts.uri.path()).into_owned(),
        query_string: parts.uri.query().unwrap_or_default().to_owned(),
        headers,
        url_scheme: Scheme::HTTP,
        server_name: origin.server_name.as_ref().to_owned(),
        server_port: origin.server_port,
        remote_addr: origin.remote_addr,
        protocol: parts.version,
        input: upload.into_reader(),
        // hyper knows where every body ends, a chunked one too.
        input_terminated: true,
        extensions: parts.extensions,
    }
}
// ANCHOR_END: environ

/// A URL's host and port, without the user that may stand before them.
fn host_of(authority: &Authority) -> Option<HeaderValue> {
    let host = authority.as_str().rsplit('@').next()?;
    HeaderValue::from_str(host).ok()
}
