//! One connection, from accepted to closed.
//!
//! Mirrors `WSGIRequestHandler.handle` in `werkzeug/serving.py`. hyper reads requests from the socket and writes
//! responses to it; the bridge answers each. What is left to do here is the end of a connection: a client that is
//! refused gets to read why.
//!
//! Read next: `bridge/mod.rs`, which answers a request; `registry.rs`, which ends what takes too long.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::Settings;
use super::access_log::{AccessLog, Entry};
use super::io::{HeadLimits, Io, Stream};
use super::registry::{Order, Phase, Registry, State};
use crate::bridge::{BoxError, Bridge, Origin, Output, last, plain};
use crate::wsgi::WsgiApp;

/// A client that still sends what nobody reads has so long to read why; and no longer than this from one piece to the next.
const LAST_WORD: Duration = Duration::from_secs(10);
const LAST_WORD_PAUSE: Duration = Duration::from_secs(2);

/// What all connections share.
pub(super) struct Shared {
    pub(super) app: Arc<dyn WsgiApp>,
    pub(super) bridge: Arc<Bridge>,
    pub(super) registry: Registry,
    pub(super) access_log: AccessLog,
    pub(super) settings: Settings,
}

/// One connection, as the requests on it see it.
struct Connection {
    shared: Arc<Shared>,
    state: Arc<State>,
    origin: Origin,
}

/// A connection's place among all, until it ends, however it does.
pub(super) struct Place {
    id: u64,
    state: Arc<State>,
    shared: Arc<Shared>,
}

impl Place {
    pub(super) fn take(id: u64, shared: &Arc<Shared>) -> Self {
        Place {
            id,
            state: shared.registry.enter(id),
            shared: Arc::clone(shared),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.registry.leave(self.id);
    }
}

// ANCHOR: serve
/// Serves one client until it leaves, or is refused, or the server stops.
pub(super) async fn serve(
    stream: Stream,
    place: Place,
    server: SocketAddr,
    client: Option<SocketAddr>,
) {
    let (state, shared) = (Arc::clone(&place.state), Arc::clone(&place.shared));
    if shared.registry.len() > shared.settings.max_connections {
        // Who is sent away takes nobody's place.
        drop(place);
        return last_word(stream, Some(StatusCode::SERVICE_UNAVAILABLE)).await;
    }
    let connection = Arc::new(Connection {
        origin: origin(server, client),
        state: Arc::clone(&state),
        shared,
    });
    converse(stream, connection).await;
    if let Some(stream) = state.take_socket() {
        match state.resets() {
            true => stream.reset(),
            false => unless_cut(&state, last_word(stream, state.refusal())).await,
        }
    }
}
// ANCHOR_END: serve

/// Does something to its end, or until the connection is told to end now.
async fn unless_cut(state: &State, talk: impl Future<Output = ()>) {
    let mut talk = pin!(talk);
    poll_fn(|cx| match state.orders(cx).have(Order::Cut) {
        true => Poll::Ready(()),
        false => talk.as_mut().poll(cx),
    })
    .await;
}

async fn converse(stream: Stream, connection: Arc<Connection>) {
    let settings = &connection.shared.settings;
    let limits = HeadLimits {
        head: settings.max_header_bytes,
        uri: settings.limits.uri,
    };
    let mut http = Builder::new();
    // The registry keeps the time.
    http.header_read_timeout(None);
    http.max_buf_size(settings.max_header_bytes.max(64 * 1024));
    // hyper takes more memory for each request once it is told, even if it is told its own default.
    if settings.max_headers != 100 {
        http.max_headers(settings.max_headers);
    }
    let state = Arc::clone(&connection.state);
    let io = TokioIo::new(Io::new(stream, Arc::clone(&state), limits));
    let service = service_fn(move |request| {
        // Here and not in the future, which hyper polls only after it has read on: that is no head any more.
        connection.state.set_phase(Phase::Busy);
        answer(Arc::clone(&connection), request)
    });
    let mut http = pin!(http.serve_connection(io, service));
    poll_fn(|cx| {
        let orders = state.orders(cx);
        if !orders.are_none() {
            if orders.have(Order::Cut) || (orders.have(Order::Expire) && state.expires()) {
                return Poll::Ready(());
            }
            if orders.have(Order::Finish) {
                http.as_mut().graceful_shutdown();
            }
        }
        // What can go wrong here is the client's doing, and it has heard of it if it could.
        http.as_mut().poll(cx).map(drop)
    })
    .await;
}

fn origin(server: SocketAddr, client: Option<SocketAddr>) -> Origin {
    Origin {
        server_name: server.ip().to_string().into(),
        server_port: server.port(),
        remote_addr: client,
        script_name: "".into(),
    }
}

// ANCHOR: answer
async fn answer(
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Tracked>, Infallible> {
    let shared = &connection.shared;
    let knows_chunks = request.version() > Version::HTTP_10;
    let entry = shared
        .access_log
        .entry(&request, connection.origin.remote_addr);
    let response = match refusal(&request, &shared.settings) {
        Some(status) => last(plain(status)),
        None => {
            let (app, origin) = (&shared.app, &connection.origin);
            shared.bridge.answer(app, request, origin).await
        }
    };
    let status = response.status();
    let (head, body) = response.into_parts();
    let body = Tracked {
        ends_with_connection: body.is_stream()
            && !knows_chunks
            && !head.headers.contains_key(CONTENT_LENGTH),
        body,
        entry: entry.map(|entry| entry.answered(status)),
        connection,
    };
    Ok(Response::from_parts(head, body))
}
// ANCHOR_END: answer

/// What HTTP says of a head, and hyper does not check.
fn refusal(request: &Request<Incoming>, settings: &Settings) -> Option<StatusCode> {
    let headers = request.headers();
    // A proxy in front might believe another one of them.
    let mut hosts = headers.get_all(HOST).iter();
    let good_host = match hosts.next() {
        Some(host) => hosts.next().is_none() && host.as_bytes().iter().all(may_stand_in_host),
        None => request.version() == Version::HTTP_10,
    };
    if !good_host {
        return Some(StatusCode::BAD_REQUEST);
    }
    // A host and no more is what only CONNECT asks for. To take it for the path would change the host.
    let target = request.uri();
    if target.scheme().is_none()
        && target.authority().is_some()
        && request.method() != Method::CONNECT
    {
        return Some(StatusCode::BAD_REQUEST);
    }
    // What comes in chunks is not known to have a length.
    if request.body().size_hint().exact().is_none() && !is_only_chunked(headers) {
        return Some(StatusCode::NOT_IMPLEMENTED);
    }
    let line = |(name, value): (&http::HeaderName, &HeaderValue)| {
        name.as_str().len() + value.len() + ": \r\n".len()
    };
    let bytes: usize = headers.iter().map(line).sum();
    (bytes > settings.max_header_bytes).then_some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
}

/// A name, an address, a port. What stands elsewhere in a URL would make another one of those that are built from it.
#[rustfmt::skip]
fn may_stand_in_host(byte: &u8) -> bool {
    matches!(byte,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'%' | b':' | b'[' | b']'
        | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b';' | b'=')
}

/// Whether there is no coding below the chunks: nothing here would undo it, and another server might.
fn is_only_chunked(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let coding = codings.next().map(HeaderValue::as_bytes);
    let coding = coding.unwrap_or_default().trim_ascii();
    coding.eq_ignore_ascii_case(b"chunked") && codings.next().is_none()
}

/// A response's body, which tells when it was sent.
struct Tracked {
    body: Output,
    /// It is not whole yet, and that its connection ends is all that says where it does.
    ends_with_connection: bool,
    entry: Option<Entry>,
    connection: Arc<Connection>,
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        match (&frame, &mut self.entry) {
            (Poll::Ready(Some(Ok(frame))), Some(entry)) => {
                entry.add(frame.data_ref().map_or(0, Bytes::len));
            }
            (Poll::Ready(None), _) => self.ends_with_connection = false,
            _ => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.connection.state.set_phase(Phase::Idle);
        if self.ends_with_connection {
            self.connection.state.reset();
        }
        if let Some(entry) = self.entry.take() {
            self.connection.shared.access_log.write(entry);
        }
    }
}

// ANCHOR: last_word
/// Ends a connection such that the client can read the last that was sent: were it closed with something unread, the
/// system would tell the client to forget what it has not read itself.
async fn last_word(mut stream: Stream, refusal: Option<StatusCode>) {
    let talk = async {
        if let Some(status) = refusal {
            stream.write_all(head_of(status).as_bytes()).await?;
        }
        stream.shutdown().await?;
        let mut thrown_away = vec![0; 16 * 1024];
        while timeout(LAST_WORD_PAUSE, stream.read(&mut thrown_away)).await?? > 0 {}
        std::io::Result::Ok(())
    };
    // A client that is gone, or takes its time, has nothing to read.
    let _ = timeout(LAST_WORD, talk).await;
}
// ANCHOR_END: last_word

fn head_of(status: StatusCode) -> String {
    let later = match status {
        StatusCode::SERVICE_UNAVAILABLE => format!("{RETRY_AFTER}: 1\r\n"),
        _ => String::new(),
    };
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{later}content-length: 0\r\n\r\n")
}
