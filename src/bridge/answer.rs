//! `Answer`: what an app has answered, made into a response that a server can send.
//!
//! Mirrors the `write` and `start_response` of `run_wsgi` in `werkzeug/serving.py`: here is what a server has to get right for an app,
//! such as a length that is not the body's, or a body where there must be none.
//!
//! Read next: `output.rs`, the body; `pool.rs`, whose threads feed it.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use tokio::sync::oneshot;

use super::input::Unread;
use super::output::Output;
use crate::context::leave_none;
use crate::error::{Error, catch};
use crate::logging;
use crate::wsgi::{Body, Environ, WsgiApp};

/// Seconds after which a client that found the queue full may try again.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// What an app has answered, with its body not yet read.
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
    to_head: bool,
}

// ANCHOR: run
/// Calls the app, as a WSGI server does. An error that leaves the app is logged, and answered with a bare 500.
pub(super) fn run(app: &dyn WsgiApp, environ: Environ) -> Answer {
    let to_head = environ.method == Method::HEAD;
    let mut head = None;
    let body = leave_none(|| {
        catch(|| {
            app.call(environ, &mut |status: StatusCode, headers: HeaderMap| {
                head = Some((status, headers));
            })
        })
    });
    let answered = match (body, head) {
        (Ok(_), Some((status, _))) if status.is_informational() => Err(Error::runtime(format!(
            "{status} cannot be the status of a response"
        ))),
        (Ok(body), Some((status, headers))) => Ok((status, headers, body)),
        (Ok(_), None) => Err(Error::runtime("the app did not call start_response")),
        (Err(error), _) => Err(error),
    };
    let (status, headers, body) = answered.unwrap_or_else(|error| {
        logging::error(
            "a request failed with an error that the app did not answer",
            &error,
        );
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, TEXT)]);
        (status, headers, Body::from("Internal Server Error\n"))
    });
    Answer {
        status,
        headers,
        body,
        to_head,
    }
}
// ANCHOR_END: run

impl Answer {
    /// Whether all of the body is there, and nothing left to do when it is sent.
    pub(super) fn is_whole(&self) -> bool {
        self.body.len_at_rest().is_some()
    }

    /// The response of an answer that is whole.
    pub(super) fn into_whole(mut self) -> Response<Output> {
        let bytes = self.body.take_bytes();
        if self.has_no_body() {
            let claimed = claimed_length(&mut self.headers);
            if self.to_head && claimed.is_none() {
                let length = HeaderValue::from(bytes.len());
                self.headers.insert(CONTENT_LENGTH, length);
            }
            return response(self.status, self.headers, Output::whole(Bytes::new()));
        }
        // A length that is not the body's would cut it off, or leave the client waiting.
        let mut claimed = self.headers.get_all(CONTENT_LENGTH).iter();
        if let Some(first) = claimed.next()
            && (first.as_bytes() != itoa::Buffer::new().format(bytes.len()).as_bytes()
                || claimed.next().is_some())
        {
            self.headers.remove(CONTENT_LENGTH);
        }
        response(self.status, self.headers, Output::whole(bytes))
    }

    /// Whether only its head is sent, whatever its body is.
    fn has_no_body(&self) -> bool {
        let none = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED];
        self.to_head || none.contains(&self.status)
    }

    /// Hands over the response, and goes on to make the rest of its body as fast as the client takes it.
    pub(super) fn send(mut self, reply: oneshot::Sender<Response<Output>>) {
        if self.is_whole() {
            // A client that has left has no use for it.
            drop(reply.send(self.into_whole()));
            return;
        }
        // Without it where it is none: hyper would send nothing at all.
        let length = claimed_length(&mut self.headers);
        if self.has_no_body() {
            let head = response(self.status, self.headers, Output::whole(Bytes::new()));
            drop(reply.send(head));
        } else {
            let (mut feed, output) = Output::stream();
            let head = response(self.status, self.headers, output);
            if reply.send(head).is_ok() {
                leave_none(|| feed.send_all(&mut self.body, length));
            }
        }
        leave_none(|| self.body.close());
    }
}

/// The length that an app says a body has. Where it is none, the header goes.
fn claimed_length(headers: &mut HeaderMap) -> Option<u64> {
    let mut claimed = headers.get_all(CONTENT_LENGTH).iter();
    let (first, second) = (claimed.next()?, claimed.next());
    let length = first.to_str().ok().filter(|_| second.is_none());
    // Only digits: Rust would take a plus before them, and HTTP does not.
    let length = length.filter(|length| length.bytes().all(|byte| byte.is_ascii_digit()));
    let length = length.and_then(|length| length.parse().ok());
    if length.is_none() {
        headers.remove(CONTENT_LENGTH);
    }
    length
}

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

fn response(status: StatusCode, mut headers: HeaderMap, output: Output) -> Response<Output> {
    // How a body is framed is the server's to say.
    headers.remove(TRANSFER_ENCODING);
    if status == StatusCode::NO_CONTENT {
        headers.remove(CONTENT_LENGTH);
    }
    let mut response = Response::new(output);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The same; the last of its connection, if there is something unread on that.
pub(super) fn last_if(unread: &Unread, response: Response<Output>) -> Response<Output> {
    match unread.is_set() {
        true => last(response),
        false => response,
    }
}

/// The same, as the last of its connection.
pub(crate) fn last(mut response: Response<Output>) -> Response<Output> {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}

/// There is nobody to answer this now.
pub(super) fn busy() -> Response<Output> {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE);
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    response
}

/// A response that no app has made.
pub(crate) fn plain(status: StatusCode) -> Response<Output> {
    let reason = status.canonical_reason().unwrap_or_default();
    let body = Bytes::from(format!("{} {reason}\n", status.as_u16()));
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, TEXT)]);
    response(status, headers, Output::whole(body))
}
