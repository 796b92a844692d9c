//! Two small middlewares: what stands between the server and the app.
//!
//! ```text
//! cargo run --example middleware
//! ```
//!
//! A middleware is a `WsgiApp` that holds another one. It may change the environ on the way in, answer
//! by itself, and change status and headers on the way out, by handing the inner app a
//! `start_response` of its own. It knows nothing of contexts or sessions: they do not exist yet when
//! it is called, and no longer when it returns.
//!
//! - [`ProxyFix`] believes the headers of a proxy in front of the server, as Werkzeug's does: without
//!   it every visitor comes from the proxy, over plain HTTP. `carafe::middleware` has all of it.
//! - [`RequestId`] gives each request a name that the app can log and the visitor can report.
//!
//! Flask writes `app.wsgi_app = ProxyFix(app.wsgi_app)`. Here the server is given the outermost one.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};

use carafe::error::Error;
use carafe::wsgi::{Body, Environ, StartResponse, WsgiApp};
use carafe::{App, Scaffold, request};
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::uri::Scheme;

/// Takes client, scheme, host and prefix from what a proxy says. Werkzeug: `ProxyFix`.
///
/// Anybody can send such headers. Each field says how many proxies there are that set that header;
/// only the value that the outermost of them added is believed, and 0 believes none.
pub(crate) struct ProxyFix<A> {
    app: A,
    pub(crate) x_for: usize,
    pub(crate) x_proto: usize,
    pub(crate) x_host: usize,
    pub(crate) x_prefix: usize,
}

impl<A> ProxyFix<A> {
    /// One proxy, which sets X-Forwarded-For and X-Forwarded-Proto.
    pub(crate) fn new(app: A) -> Self {
        ProxyFix {
            app,
            x_for: 1,
            x_proto: 1,
            x_host: 0,
            x_prefix: 0,
        }
    }
}

/// Of the values that proxies appended to a header, the one that the `trusted`-th from the app added.
fn real_value(headers: &HeaderMap, name: &str, trusted: usize) -> Option<String> {
    let lines = headers.get_all(name).iter();
    let values: Vec<&str> = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .collect();
    let index = values.len().checked_sub(trusted)?;
    let value = values.get(index).filter(|value| !value.is_empty())?;
    Some((*value).to_owned())
}

// ANCHOR: proxy_fix
impl<A: WsgiApp> WsgiApp for ProxyFix<A> {
    fn call(
        &self,
        mut environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        let headers = &environ.headers;
        let client = real_value(headers, "x-forwarded-for", self.x_for);
        let scheme = real_value(headers, "x-forwarded-proto", self.x_proto);
        let host = real_value(headers, "x-forwarded-host", self.x_host);
        let prefix = real_value(headers, "x-forwarded-prefix", self.x_prefix);

        if let Some(Ok(ip)) = client.map(|client| client.parse::<IpAddr>()) {
            environ.remote_addr = Some(SocketAddr::new(ip, 0));
        }
        if let Some(Ok(scheme)) = scheme.map(|scheme| Scheme::try_from(scheme.as_str())) {
            environ.url_scheme = scheme;
        }
        if let Some(Ok(host)) = host.map(HeaderValue::try_from) {
            environ.headers.insert(HOST, host);
        }
        if let Some(prefix) = prefix {
            environ.script_name = prefix;
        }
        self.app.call(environ, start_response)
    }
}
// ANCHOR_END: proxy_fix

/// The name of a request: what [`RequestId`] hands down with the environ.
#[derive(Clone)]
struct Id(String);

/// Numbers the requests. The app finds the number in the request's extensions, the visitor in the
/// response's `X-Request-Id`.
pub(crate) struct RequestId<A> {
    app: A,
    next: AtomicU64,
}

impl<A> RequestId<A> {
    pub(crate) fn new(app: A) -> Self {
        let next = AtomicU64::new(1);
        RequestId { app, next }
    }
}

// ANCHOR: request_id
impl<A: WsgiApp> WsgiApp for RequestId<A> {
    fn call(
        &self,
        mut environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        environ.extensions.insert(Id(format!("request-{number}")));
        self.app
            .call(environ, &mut |status, mut headers: HeaderMap| {
                let name = HeaderName::from_static("x-request-id");
                if let Ok(value) = HeaderValue::try_from(format!("request-{number}")) {
                    headers.insert(name, value);
                }
                start_response.start_response(status, headers);
            })
    }
}
// ANCHOR_END: request_id

// ANCHOR: create_app
pub(crate) fn create_app() -> App {
    let mut app = App::new("behind a proxy");
    app.route("/", || {
        let request = request();
        let id = request.extensions().get::<Id>();
        let id = id.map_or("a request without a name", |id| id.0.as_str());
        let client = request.remote_addr();
        let client = client.map_or("somebody".to_owned(), |ip| ip.to_string());
        format!("{id}: {client} asked for {}", request.url())
    });
    app
}
// ANCHOR_END: create_app

fn main() -> Result<(), Error> {
    let site = ProxyFix::new(RequestId::new(create_app()));

    // What a server does with each request.
    let environ = Environ::builder("/")
        .header("X-Forwarded-For", "6.6.6.6, 203.0.113.9")
        .header("X-Forwarded-Proto", "https")
        .build()?;
    let mut head = None;
    let body = site.call(environ, &mut |status, headers| {
        head = Some((status, headers));
    })?;

    if let Some((status, headers)) = head {
        println!("{status}");
        for (name, value) in &headers {
            println!("{name}: {}", String::from_utf8_lossy(value.as_bytes()));
        }
    }
    let body = body.into_bytes()?;
    println!("\n{}", String::from_utf8_lossy(&body));
    Ok(())
}
