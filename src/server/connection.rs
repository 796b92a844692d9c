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
use http::header::{CONNECTION, HOST, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode, Version};
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
use crate::bridge::{BoxError, Bridge, Origin, Output, plain};
use crate::wsgi::WsgiApp;

/// So long a client that was refused has to read why, and so much of what it still sends is thrown away.
const LAST_WORD: Duration = Duration::from_secs(2);
const MOST_THROWN_AWAY: usize = 1 << 20;

/// What all connections share.
pub(super) struct Shared {
    pub(super) app: Arc<dyn WsgiApp>,
    pub(super) bridge: Bridge,
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

// ANCHOR: serve
/// Serves one client until it leaves, or is refused, or the server stops.
pub(super) async fn serve(
    stream: Stream,
    id: u64,
    server: SocketAddr,
    client: Option<SocketAddr>,
    shared: Arc<Shared>,
) {
    let state = shared.registry.enter(id);
    if shared.registry.len() > shared.settings.max_connections {
        state.refuse(StatusCode::SERVICE_UNAVAILABLE);
        state.give_back(Some(stream));
    } else {
        let connection = Arc::new(Connection {
            origin: origin(server, client),
            state: Arc::clone(&state),
            shared: Arc::clone(&shared),
        });
        converse(stream, connection).await;
    }
    if let Some(stream) = state.take_socket() {
        last_word(stream, state.refusal()).await;
    }
    shared.registry.leave(id);
}
// ANCHOR_END: serve

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
    let service = service_fn(move |request| answer(Arc::clone(&connection), request));
    let mut http = pin!(http.serve_connection(io, service));
    poll_fn(|cx| {
        match state.order(cx) {
            Order::None => {}
            Order::Finish => http.as_mut().graceful_shutdown(),
            Order::Cut => return Poll::Ready(()),
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
    connection.state.set_phase(Phase::Busy);
    let shared = &connection.shared;
    let entry = shared
        .access_log
        .entry(&request, connection.origin.remote_addr);
    let response = match refusal(&request, &shared.settings) {
        Some(status) => refused(status),
        None => {
            let (app, origin) = (&shared.app, &connection.origin);
            shared.bridge.answer(app, request, origin).await
        }
    };
    let status = response.status();
    let (head, body) = response.into_parts();
    let body = Tracked {
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
    let has_host = hosts.next().is_some();
    if hosts.next().is_some() || (!has_host && request.version() > Version::HTTP_10) {
        return Some(StatusCode::BAD_REQUEST);
    }
    let line = |(name, value): (&http::HeaderName, &HeaderValue)| {
        name.as_str().len() + value.len() + ": \r\n".len()
    };
    let bytes: usize = headers.iter().map(line).sum();
    (bytes > settings.max_header_bytes).then_some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
}

fn refused(status: StatusCode) -> Response<Output> {
    let mut response = plain(status);
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}

/// A response's body, which tells when it was sent.
struct Tracked {
    body: Output,
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
        if let (Poll::Ready(Some(Ok(frame))), Some(entry)) = (&frame, &mut self.entry) {
            entry.add(frame.data_ref().map_or(0, Bytes::len));
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
        let mut thrown_away = 0;
        let mut buffer = [0; 4096];
        while thrown_away < MOST_THROWN_AWAY {
            match stream.read(&mut buffer).await? {
                0 => break,
                read => thrown_away += read,
            }
        }
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
