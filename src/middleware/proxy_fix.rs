//! `ProxyFix`: who the client is, where a proxy stands in front of the server.
//!
//! Mirrors `werkzeug/middleware/proxy_fix.py`. Behind a proxy each request seems to come from that proxy, over
//! plain HTTP, to a host inside. The proxy says in `X-Forwarded-*` what it saw; but anybody can send
//! such headers, so the app has to know how many proxies there are, and only what they added is believed.
//!
//! Read next: `wrappers/host.rs`, what is made of the host.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::HOST;
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue};

use crate::error::Error;
use crate::wrappers::datastructures::{header_value, latin1_decode, latin1_encode};
use crate::wrappers::headers::parse_list_header;
use crate::wsgi::{Body, Environ, Pace, StartResponse, WsgiApp};

/// Takes client, scheme, host, port and prefix from what the proxies in front of the server say. Werkzeug:
/// `ProxyFix`.
///
/// Each proxy appends one value to a header. So with two proxies that set it, the second value from the
/// right is the one that the outer proxy wrote, and all that stands further left is the client's own
/// invention. For each header say how many proxies set it; 0 is to ignore it. Not every proxy sets every
/// header: one that is counted and does not set it lets the client's value through.
///
/// What was there before is in the environ's extensions, as [`ProxyFixOrig`].
///
/// ```
/// use carafe::middleware::ProxyFix;
/// use carafe::wsgi::{Environ, WsgiApp};
/// use carafe::{App, Scaffold, request};
///
/// let mut app = App::new("shop");
/// app.route("/", || format!("{:?} at {}", request().remote_addr(), request().url()));
/// // One proxy, which sets X-Forwarded-For, -Proto and -Host.
/// let site = ProxyFix::new(app).x_host(1);
///
/// let environ = Environ::builder("/")
///     .header("X-Forwarded-For", "6.6.6.6, 203.0.113.9")
///     .header("X-Forwarded-Proto", "https")
///     .header("X-Forwarded-Host", "shop.example")
///     .build()?;
/// let body = site.call(environ, &mut |_, _| ())?.into_bytes()?;
/// assert_eq!(body, "Some(203.0.113.9) at https://shop.example/");
/// # Ok::<(), carafe::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ProxyFix<A> {
    app: A,
    x_for: usize,
    x_proto: usize,
    x_host: usize,
    x_port: usize,
    x_prefix: usize,
}

/// What a request came with before [`ProxyFix`] changed it, in [`Environ::extensions`]: Werkzeug's
/// `werkzeug.proxy_fix.orig`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyFixOrig {
    /// `REMOTE_ADDR`: the last proxy's address.
    pub remote_addr: Option<SocketAddr>,
    /// `wsgi.url_scheme`.
    pub url_scheme: Scheme,
    /// `HTTP_HOST`.
    pub http_host: Option<HeaderValue>,
    /// `SERVER_NAME`.
    pub server_name: String,
    /// `SERVER_PORT`.
    pub server_port: u16,
    /// `SCRIPT_NAME`.
    pub script_name: String,
}

impl<A> ProxyFix<A> {
    /// Behind one proxy, which sets `X-Forwarded-For` and `X-Forwarded-Proto`.
    pub fn new(app: A) -> Self {
        ProxyFix {
            app,
            x_for: 1,
            x_proto: 1,
            x_host: 0,
            x_port: 0,
            x_prefix: 0,
        }
    }

    /// How many proxies append to `X-Forwarded-For`: it sets `REMOTE_ADDR`.
    ///
    /// A value that is no address, such as `unknown`, leaves the request without one: it came through the
    /// proxy, so the proxy's own address would be the wrong answer.
    pub fn x_for(mut self, proxies: usize) -> Self {
        self.x_for = proxies;
        self
    }

    /// How many proxies append to `X-Forwarded-Proto`: it sets the scheme.
    pub fn x_proto(mut self, proxies: usize) -> Self {
        self.x_proto = proxies;
        self
    }

    /// How many proxies append to `X-Forwarded-Host`: it sets `Host`, `SERVER_NAME` and `SERVER_PORT`.
    pub fn x_host(mut self, proxies: usize) -> Self {
        self.x_host = proxies;
        self
    }

    /// How many proxies append to `X-Forwarded-Port`: it sets the port in `Host`, and `SERVER_PORT`.
    pub fn x_port(mut self, proxies: usize) -> Self {
        self.x_port = proxies;
        self
    }

    /// How many proxies append to `X-Forwarded-Prefix`: it sets `SCRIPT_NAME`.
    pub fn x_prefix(mut self, proxies: usize) -> Self {
        self.x_prefix = proxies;
        self
    }

    fn fix(&self, environ: &mut Environ) {
        environ.extensions.insert(ProxyFixOrig {
            remote_addr: environ.remote_addr,
            url_scheme: environ.url_scheme.clone(),
            http_host: environ.headers.get(HOST).cloned(),
            server_name: environ.server_name.clone(),
            server_port: environ.server_port,
            script_name: environ.script_name.clone(),
        });
        if let Some(client) = real_value(&environ.headers, "x-forwarded-for", self.x_for) {
            environ.remote_addr = address(&client);
        }
        if let Some(scheme) = real_value(&environ.headers, "x-forwarded-proto", self.x_proto)
            && let Ok(scheme) = Scheme::try_from(scheme.as_str())
        {
            environ.url_scheme = scheme;
        }
        if let Some(host) = real_value(&environ.headers, "x-forwarded-host", self.x_host) {
            set_host(environ, &host);
            let (name, port) = split_port(&host);
            environ.server_name = name.to_owned();
            set_port(environ, port);
        }
        if let Some(port) = real_value(&environ.headers, "x-forwarded-port", self.x_port) {
            let host = environ.headers.get(HOST).filter(|host| !host.is_empty());
            if let Some(host) = host {
                let host = latin1_decode(host.as_bytes());
                let with_port = format!("{}:{port}", split_port(&host).0);
                set_host(environ, &with_port);
            }
            set_port(environ, Some(&port));
        }
        if let Some(prefix) = real_value(&environ.headers, "x-forwarded-prefix", self.x_prefix) {
            environ.script_name = String::from_utf8_lossy(&latin1_encode(&prefix)).into_owned();
        }
    }
}

impl<A: WsgiApp> WsgiApp for ProxyFix<A> {
    fn call(
        &self,
        mut environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        self.fix(&mut environ);
        self.app.call(environ, start_response)
    }

    fn pace(&self, environ: &Environ) -> Option<&Arc<Pace>> {
        self.app.pace(environ)
    }
}

/// Of a header's values, the one that the outermost of `trusted` proxies added: Werkzeug's
/// `_get_real_value`. `None` too where there are fewer values: then not all of the proxies were passed.
fn real_value(headers: &HeaderMap, name: &str, trusted: usize) -> Option<String> {
    if trusted == 0 {
        return None;
    }
    // A header that comes in several lines is one list, as for a WSGI server.
    let lines = headers.get_all(name).iter();
    let lines: Vec<_> = lines.map(|line| latin1_decode(line.as_bytes())).collect();
    let line = lines.join(",");
    let mut values = parse_list_header(&line);
    if values.is_empty() {
        // A quote that is not closed makes the list none. No proxy writes one: a client did, in front of what the
        // proxies added, to pass for the last of them.
        let items = line.split(',').map(|item| item.trim_matches([' ', '\t']));
        values = items
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect();
    }
    let index = values.len().checked_sub(trusted)?;
    Some(values.swap_remove(index)).filter(|value| !value.is_empty())
}

/// An address, which some proxies write with the client's port. Where there is none, the port is 0.
fn address(text: &str) -> Option<SocketAddr> {
    let inside_brackets = || text.strip_prefix('[')?.strip_suffix(']');
    let ip = text.parse::<IpAddr>().ok();
    let ip = ip.or_else(|| inside_brackets()?.parse().ok());
    match ip {
        Some(ip) => Some(SocketAddr::new(ip, 0)),
        None => text.parse().ok(),
    }
}

/// A host's name and its port, where it has one; the colons of an IPv6 address are inside of brackets.
fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    }
}

fn set_host(environ: &mut Environ, host: &str) {
    if let Ok(host) = header_value(host) {
        environ.headers.insert(HOST, host);
    }
}

fn set_port(environ: &mut Environ, port: Option<&str>) {
    let digits = port.filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    if let Some(Ok(port)) = digits.map(str::parse) {
        environ.server_port = port;
    }
}
