//! A server without a socket: what it reads and sends is kept as text.
//!
//! A real one adds headers of its own (`Date`, `Server`) and frames what has no length; the bytes here are
//! those that the app is given and gives.

use std::fmt::Write as _;
use std::io::{self, Cursor, Read as _};

use bytes::Bytes;
use carafe::wsgi::{Environ, WsgiApp};
use carafe::{App, Error};
use http::{HeaderMap, StatusCode};

/// What the visitor got.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// What was sent, one piece after the other: a body that is known when the app returns is one.
    pub(crate) chunks: Vec<Bytes>,
}

/// Calls the app as PEP 3333 wants it called, then sends the body.
pub(crate) fn serve(app: &App, environ: Environ) -> Result<Answer, Error> {
    let mut head = None;
    let mut body = app.call(environ, &mut |status, headers| {
        head = Some((status, headers));
    })?;
    let mut chunks = Vec::new();
    if body.known_len().is_some() {
        chunks.extend(body.next().transpose()?);
    } else {
        while let Some(chunk) = next_chunk(&mut body)? {
            chunks.push(chunk);
        }
    }
    body.close();
    let (status, headers) =
        head.ok_or_else(|| Error::assertion("the app did not call start_response"))?;
    Ok(Answer {
        status,
        headers,
        chunks,
    })
}

/// The name of the span in which a piece is made.
pub(crate) const NEXT_CHUNK: &str = "server: next chunk";

/// One piece, made while the visitor waits for it. The head goes out with the first.
fn next_chunk(
    body: &mut impl Iterator<Item = Result<Bytes, Error>>,
) -> Result<Option<Bytes>, Error> {
    let _span = tracing::info_span!(target: "server", NEXT_CHUNK).entered();
    body.next().transpose()
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.chunks.concat()).into_owned()
    }

    /// The bytes of the answer, piece by piece; the head comes with the first.
    pub(crate) fn wire(&self) -> Vec<String> {
        let mut head = format!("HTTP/1.1 {}\r\n", self.status);
        headers(&mut head, &self.headers);
        head.push_str("\r\n");
        let mut chunks = self
            .chunks
            .iter()
            .map(|chunk| String::from_utf8_lossy(chunk));
        head.push_str(&chunks.next().unwrap_or_default());
        let mut pieces = vec![head];
        pieces.extend(chunks.map(std::borrow::Cow::into_owned));
        pieces
    }
}

/// The bytes of a request. Its body is read, and put back.
pub(crate) fn request_wire(environ: &mut Environ) -> io::Result<String> {
    let mut text = format!("{} {}", environ.method, environ.path_info);
    if !environ.query_string.is_empty() {
        _ = write!(text, "?{}", environ.query_string);
    }
    text.push_str(" HTTP/1.1\r\n");
    headers(&mut text, &environ.headers);
    let mut body = Vec::new();
    environ.input.read_to_end(&mut body)?;
    text.push_str("\r\n");
    text.push_str(&String::from_utf8_lossy(&body));
    environ.input = Box::new(Cursor::new(body));
    Ok(text)
}

/// A header a line. HTTP does not mind how a name is written; `Set-Cookie` is easier to read.
fn headers(text: &mut String, headers: &HeaderMap) {
    for (name, value) in headers {
        let words = name
            .as_str()
            .split('-')
            .map(|word| match word.split_at_checked(1) {
                Some((first, rest)) => first.to_ascii_uppercase() + rest,
                None => String::new(),
            });
        let name = words.collect::<Vec<_>>().join("-");
        let value = String::from_utf8_lossy(value.as_bytes());
        _ = write!(text, "{name}: {value}\r\n");
    }
}
