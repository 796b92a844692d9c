//! The WSGI-like edge: what a server hands to an app, and what it gets back.
//!
//! Mirrors PEP 3333, in Rust's types: an [`Environ`] in, a call of [`StartResponse`], and a [`Body`]
//! to iterate. Nothing here knows contexts or sessions. Middleware is a [`WsgiApp`] that holds
//! another one; `examples/middleware.rs` has a real one.
//!
//! Read next: `lifecycle.rs`, whose `wsgi_app` is what a server calls.

use std::collections::VecDeque;
use std::fmt;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode, Version, uri::Scheme};

use crate::error::{Error, catch};
use crate::logging;

pub use crate::pace::Pace;

// ANCHOR: environ
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
    /// `wsgi.input_terminated`: the server promises that `input` ends where the body ends.
    ///
    /// Without it a body is read only as far as `Content-Length` says, and a request that has none is
    /// taken to have no body. A server that decodes chunked bodies sets it.
    pub input_terminated: bool,
    /// Whatever a server or a middleware wants to hand down: WSGI's own extra keys.
    pub extensions: http::Extensions,
}
// ANCHOR_END: environ

impl fmt::Debug for Environ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No headers: they hold cookies and passwords, and this may end up in a log.
        f.debug_struct("Environ")
            .field("method", &self.method)
            .field("script_name", &self.script_name)
            .field("path_info", &self.path_info)
            .finish_non_exhaustive()
    }
}

// ANCHOR: start_response
/// What an app tells the server first: the status line and the headers.
pub trait StartResponse {
    /// Takes the status and the headers of the answer. An app calls it once, before its body is read.
    fn start_response(&mut self, status: StatusCode, headers: HeaderMap);
}
// ANCHOR_END: start_response

impl<F: FnMut(StatusCode, HeaderMap)> StartResponse for F {
    fn start_response(&mut self, status: StatusCode, headers: HeaderMap) {
        self(status, headers);
    }
}

/// A WSGI application: what a server calls, and what a middleware wraps.
///
/// ```
/// use carafe::wsgi::{Body, Environ, StartResponse, WsgiApp};
/// use carafe::error::Error;
/// use http::{HeaderMap, StatusCode};
///
/// let app = |environ: Environ, start_response: &mut dyn StartResponse| -> Result<Body, Error> {
///     start_response.start_response(StatusCode::OK, HeaderMap::new());
///     Ok(Body::from(format!("you asked for {}", environ.path_info)))
/// };
/// let mut status = None;
/// let environ = Environ::builder("/pear").build().unwrap();
/// let body = app.call(environ, &mut |code, _| status = Some(code)).unwrap();
/// assert_eq!(body.into_bytes().unwrap(), "you asked for /pear");
/// assert_eq!(status, Some(StatusCode::OK));
/// ```
// ANCHOR: wsgi_app
pub trait WsgiApp: Send + Sync {
    /// Answers one request.
    ///
    /// # Errors
    /// An error that the app chose not to answer itself. The server logs it and sends a bare 500.
    fn call(&self, environ: Environ, start_response: &mut dyn StartResponse)
    -> Result<Body, Error>;

    /// Whether answering `environ` may make the thread wait, as far as is known before it is answered.
    /// A middleware passes on what the app in it says. `None`, for an app that says nothing: a server
    /// then watches it as a whole.
    fn pace(&self, _environ: &Environ) -> Option<&Arc<Pace>> {
        None
    }
}
// ANCHOR_END: wsgi_app

impl<F> WsgiApp for F
where
    F: Fn(Environ, &mut dyn StartResponse) -> Result<Body, Error> + Send + Sync,
{
    fn call(
        &self,
        environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        self(environ, start_response)
    }
}

/// A shared app is an app: whoever set up a middleware may keep a handle on it.
impl<A: WsgiApp + ?Sized> WsgiApp for Arc<A> {
    fn call(
        &self,
        environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        (**self).call(environ, start_response)
    }

    fn pace(&self, environ: &Environ) -> Option<&Arc<Pace>> {
        (**self).pace(environ)
    }
}

/// A function that runs when the server is done with a response.
pub type CloseCallback = Box<dyn FnOnce() + Send>;

/// A stream of body chunks.
pub type ByteStream = Box<dyn Iterator<Item = Result<Bytes, Error>> + Send>;

// ANCHOR: body
/// The body that an app returns: the iterable of PEP 3333, with its `close()`.
///
/// Werkzeug's `ClosingIterator`. The close callbacks run exactly once: at [`Body::close`], or when the
/// body is dropped, whether or not it was read to the end.
#[derive(Default)]
pub struct Body {
    // The usual body is one piece of bytes; it needs no box.
    chunk: Option<Bytes>,
    stream: Option<ByteStream>,
    on_close: VecDeque<CloseCallback>,
}
// ANCHOR_END: body

impl Body {
    /// A body without a byte.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A body that is made while it is sent.
    pub fn stream<I>(chunks: I) -> Self
    where
        I: IntoIterator<Item = Result<Bytes, Error>>,
        I::IntoIter: Send + 'static,
    {
        let mut body = Self::default();
        body.stream = Some(Box::new(chunks.into_iter()));
        body
    }

    /// Adds a function to run when the server is done with this body; they run in the order added.
    pub fn call_on_close(&mut self, callback: impl FnOnce() + Send + 'static) {
        self.on_close.push_back(Box::new(callback));
    }

    /// The number of bytes, where it is known before the body is read.
    pub fn known_len(&self) -> Option<usize> {
        match self.stream {
            Some(_) => None,
            None => Some(self.chunk.as_ref().map_or(0, Bytes::len)),
        }
    }

    /// The number of bytes, where all of them are there and nothing is left to do when they are sent.
    #[cfg(feature = "bridge")]
    pub(crate) fn len_at_rest(&self) -> Option<usize> {
        self.known_len().filter(|_| self.on_close.is_empty())
    }

    /// The bytes of a body that is at rest.
    #[cfg(feature = "bridge")]
    pub(crate) fn take_bytes(&mut self) -> Bytes {
        self.chunk.take().unwrap_or_default()
    }

    /// Reads the rest of the body and closes it.
    ///
    /// # Errors
    /// The first error of the stream.
    pub fn into_bytes(mut self) -> Result<Bytes, Error> {
        if self.stream.is_none() {
            return Ok(self.chunk.take().unwrap_or_default());
        }
        let mut all = BytesMut::new();
        for chunk in &mut self {
            all.extend_from_slice(&chunk?);
        }
        Ok(all.freeze())
    }

    // ANCHOR: close
    /// Ends the stream and runs the close callbacks. A second call does nothing.
    ///
    /// A callback that panics does not keep the others from running: its panic is logged here, since
    /// there is no response left to turn it into.
    pub fn close(&mut self) {
        self.chunk = None;
        let stream = self.stream.take();
        run_logged(move || drop(stream));
        while let Some(callback) = self.on_close.pop_front() {
            run_logged(callback);
        }
    }
    // ANCHOR_END: close
}

fn run_logged(f: impl FnOnce()) {
    let closed = catch(|| {
        f();
        Ok(())
    });
    if let Err(error) = closed {
        logging::error("closing a response failed", &error);
    }
}

impl Iterator for Body {
    type Item = Result<Bytes, Error>;

    // ANCHOR: next
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(chunk) = self.chunk.take() {
            return Some(Ok(chunk));
        }
        let stream = self.stream.as_mut()?;
        // A panic is an error of the stream, and its end: it must not take the server along.
        let chunk = catch(|| stream.next().transpose());
        if chunk.as_ref().is_err_and(Error::is_panic) {
            let stream = self.stream.take();
            run_logged(move || drop(stream));
        }
        chunk.transpose()
    }
    // ANCHOR_END: next
}

// ANCHOR: drop
impl Drop for Body {
    fn drop(&mut self) {
        if self.stream.is_some() || !self.on_close.is_empty() {
            self.close();
        }
    }
}
// ANCHOR_END: drop

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        let mut body = Self::default();
        // PEP 3333 has no use for an empty chunk.
        body.chunk = Some(bytes).filter(|bytes| !bytes.is_empty());
        body
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::from(Bytes::from(text))
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::from(Bytes::from_static(text.as_bytes()))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Bytes::from(bytes))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("known_len", &self.known_len())
            .field("on_close", &self.on_close.len())
            .finish_non_exhaustive()
    }
}
