//! An app as a [`tower_service::Service`], to mount it inside another server (feature `tower`).
//!
//! Flask does the reverse with `werkzeug/middleware/dispatcher.py`, and ASGI servers this with `WsgiToAsgi`. In an axum
//! router it is one line: `router.nest_service("/shop", TowerService::new(app).script_name("/shop"))`;
//! `examples/axum_mount.rs` is all of it.
//!
//! Read next: `bridge/mod.rs`, which answers a request.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use tower_service::Service;

use crate::app::App;
use crate::bridge::{BoxError, Bridge, Limits, Origin, Output};
use crate::wsgi::WsgiApp;

/// A [`WsgiApp`] for a router of axum, or whatever else calls a `tower` service.
///
/// A view may wait. What was declared or seen not to runs where the router runs it, the rest on a pool of
/// threads that belongs to this service and its clones.
///
/// ```
/// use carafe::tower::TowerService;
/// use carafe::{App, Scaffold, request};
/// use http::Request;
/// use tower_service::Service;
///
/// let mut app = App::new("shop");
/// app.get("/cart", || format!("{} of {}", request().path(), request().script_root()));
/// let mut service = TowerService::new(app).script_name("/shop");
///
/// let request = Request::get("/cart").header("host", "localhost").body(String::new())?;
/// let response = tokio::runtime::Builder::new_current_thread().build()?.block_on(service.call(request))?;
/// assert_eq!(response.status(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TowerService {
    app: Arc<dyn WsgiApp>,
    limits: Limits,
    script_name: Arc<str>,
    client: Option<ClientOf>,
    /// Made by the first request, which knows the runtime it is in.
    bridge: Arc<OnceLock<Arc<Bridge>>>,
}

/// Finds the client's address among a request's extensions.
type ClientOf = fn(&http::Extensions) -> Option<SocketAddr>;

impl TowerService {
    /// A service that answers with `app`.
    #[must_use]
    pub fn new(app: impl WsgiApp + 'static) -> Self {
        TowerService {
            app: Arc::new(app),
            limits: Limits::default(),
            script_name: Arc::from(""),
            client: None,
            bridge: Arc::default(),
        }
    }

    /// The path that the router has taken off: `SCRIPT_NAME`, which `url_for` puts before its URLs.
    #[must_use]
    pub fn script_name(mut self, path: &str) -> Self {
        self.script_name = Arc::from(path.trim_end_matches('/'));
        self
    }

    /// Where the router keeps the address of the client: `REMOTE_ADDR`. With axum, for example,
    /// `|extensions| extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0)`.
    #[must_use]
    pub fn remote_addr(mut self, client: fn(&http::Extensions) -> Option<SocketAddr>) -> Self {
        self.client = Some(client);
        self
    }

    /// Threads for requests that may wait. Default: 32. It counts until the first request.
    #[must_use]
    pub fn pool(mut self, threads: usize) -> Self {
        self.limits.pool = threads.max(1);
        self
    }

    /// Requests that wait for a thread of the pool; one more gets a 503. Default: 1024. It counts until the first request.
    #[must_use]
    pub fn queue(mut self, requests: usize) -> Self {
        self.limits.queue = requests.max(1);
        self
    }

    fn bridge(&self) -> Arc<Bridge> {
        let bridge = self.bridge.get_or_init(|| Bridge::here(self.limits));
        Arc::clone(bridge)
    }
}

impl<B> Service<Request<B>> for TowerService
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A full line is answered with a 503, which a client understands.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        let origin = Origin {
            // What a router does not tell; a request names its host itself.
            server_name: "localhost".into(),
            server_port: 80,
            remote_addr: self.client.and_then(|client| client(request.extensions())),
            script_name: Arc::clone(&self.script_name),
        };
        let (bridge, app) = (self.bridge(), Arc::clone(&self.app));
        ResponseFuture(Box::pin(async move {
            let response = bridge.answer(&app, request, &origin).await;
            Ok(response.map(ResponseBody))
        }))
    }
}

/// An app is a service itself, at the root and with the default limits. All apps that are used so share one pool.
impl<B> Service<Request<B>> for App
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<B>>::poll_ready(&mut self.service(), cx)
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        self.service().call(request)
    }
}

impl App {
    fn service(&self) -> TowerService {
        static BRIDGE: LazyLock<Arc<OnceLock<Arc<Bridge>>>> = LazyLock::new(Arc::default);
        TowerService {
            bridge: Arc::clone(&BRIDGE),
            ..TowerService::new(self.clone())
        }
    }
}

impl fmt::Debug for TowerService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerService")
            .field("script_name", &self.script_name)
            .finish_non_exhaustive()
    }
}

/// The response on its way.
pub struct ResponseFuture(
    Pin<Box<dyn Future<Output = Result<Response<ResponseBody>, Infallible>> + Send>>,
);

impl Future for ResponseFuture {
    type Output = Result<Response<ResponseBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}

/// The body of a response.
#[derive(Debug)]
pub struct ResponseBody(Output);

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
