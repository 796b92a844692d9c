//! `ProxyFix`: whom it believes, alone and beside Werkzeug's on random headers.
//!
//! The code: `src/middleware/proxy_fix.rs`. The comparison needs a Python with Flask 3.1.3:
//! `CARAFE_FLASK_PYTHON`, or `target/venvs/flask-3.1.3`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod python;

use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;

use carafe::middleware::{ProxyFix, ProxyFixOrig};
use carafe::wrappers::datastructures::{header_value, latin1_decode, latin1_encode};
use carafe::wrappers::{EnvironBuilder, Request};
use carafe::wsgi::{Body, Environ, StartResponse, WsgiApp};
use http::header::HOST;
use http::{HeaderMap, HeaderName};
use serde_json::{Value, json};

/// The environ that an app inside of `wrap` is given.
fn through<A: WsgiApp>(environ: Environ, wrap: impl FnOnce(Inside) -> A, seen: &Seen) -> Environ {
    wrap(Inside(seen.0)).call(environ, &mut |_, _| ()).unwrap();
    seen.0.lock().unwrap().take().expect("the app was called")
}

struct Seen(&'static Mutex<Option<Environ>>);

impl Seen {
    fn new() -> Self {
        Seen(Box::leak(Box::default()))
    }
}

/// An app that keeps its environ.
struct Inside(&'static Mutex<Option<Environ>>);

impl WsgiApp for Inside {
    fn call(&self, environ: Environ, _: &mut dyn StartResponse) -> Result<Body, carafe::Error> {
        *self.0.lock().unwrap() = Some(environ);
        Ok(Body::empty())
    }
}

fn fixed<A: WsgiApp>(headers: &[(&str, &str)], wrap: impl FnOnce(Inside) -> A) -> Environ {
    let mut builder = EnvironBuilder::new("/p");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    through(builder.build().unwrap(), wrap, &Seen::new())
}

fn client(headers: &[(&str, &str)], proxies: usize) -> Option<String> {
    let environ = fixed(headers, |app| ProxyFix::new(app).x_for(proxies));
    Some(environ.remote_addr?.to_string())
}

#[test]
fn only_the_value_that_the_outermost_trusted_proxy_added_is_believed() {
    let three = [("X-Forwarded-For", "6.6.6.6, 203.0.113.9, 10.0.0.1")];
    assert_eq!(client(&three, 1).as_deref(), Some("10.0.0.1:0"));
    assert_eq!(client(&three, 2).as_deref(), Some("203.0.113.9:0"));
}

#[test]
fn nothing_is_believed_of_a_request_that_passed_fewer_proxies_than_there_are() {
    let one = [("X-Forwarded-For", "6.6.6.6")];
    assert_eq!(client(&one, 2).as_deref(), Some("127.0.0.1:0"));
    assert_eq!(client(&one, 0).as_deref(), Some("127.0.0.1:0"));
    assert_eq!(client(&[], 1).as_deref(), Some("127.0.0.1:0"));
    assert_eq!(client(&one, usize::MAX).as_deref(), Some("127.0.0.1:0"));
}

#[test]
fn a_client_that_the_proxy_cannot_name_has_no_address_and_not_the_proxys() {
    assert_eq!(client(&[("X-Forwarded-For", "unknown")], 1), None);
}

#[test]
fn a_quote_that_a_client_leaves_open_does_not_hide_what_the_proxy_added() {
    for invention in ["\"", "6.6.6.6, \"", "\"6.6.6.6", "a\"b", "\"\\"] {
        let value = format!("{invention}, 203.0.113.9");
        let address = client(&[("X-Forwarded-For", &value)], 1);
        assert_eq!(address.as_deref(), Some("203.0.113.9:0"), "{value}");
        let value = format!("{value}, 10.0.0.1");
        let address = client(&[("X-Forwarded-For", &value)], 2);
        assert_eq!(address.as_deref(), Some("203.0.113.9:0"), "{value}");
    }
}

#[test]
fn an_address_may_have_brackets_and_a_port() {
    let of = |text: &str| client(&[("X-Forwarded-For", text)], 1).unwrap();
    assert_eq!(of("1.2.3.4:5678"), "1.2.3.4:5678");
    assert_eq!(of("2001:db8::1"), "[2001:db8::1]:0");
    assert_eq!(of("[2001:db8::1]"), "[2001:db8::1]:0");
    assert_eq!(of("[2001:db8::1]:5678"), "[2001:db8::1]:5678");
}

#[test]
fn a_header_in_two_lines_is_one_list() {
    let mut environ = EnvironBuilder::new("/p").build().unwrap();
    for value in ["6.6.6.6", "203.0.113.9", "10.0.0.1"] {
        let value = header_value(value).unwrap();
        environ.headers.append("x-forwarded-for", value);
    }
    let environ = through(environ, |app| ProxyFix::new(app).x_for(2), &Seen::new());
    let ip: IpAddr = [203, 0, 113, 9].into();
    assert_eq!(environ.remote_addr.unwrap().ip(), ip);
}

#[test]
fn host_port_and_prefix_are_believed_only_where_that_is_said() {
    let headers = [
        ("X-Forwarded-Host", "shop.example:8443"),
        ("X-Forwarded-Port", "444"),
        ("X-Forwarded-Prefix", "/shop"),
    ];
    let environ = fixed(&headers, ProxyFix::new);
    assert_eq!(environ.headers[HOST], "localhost");
    assert_eq!(environ.script_name, "");

    let environ = fixed(&headers, |app| ProxyFix::new(app).x_host(1).x_prefix(1));
    assert_eq!(environ.headers[HOST], "shop.example:8443");
    let server = (environ.server_name.as_str(), environ.server_port);
    assert_eq!(server, ("shop.example", 8443));
    assert_eq!(environ.script_name, "/shop");

    let environ = fixed(&headers, |app| ProxyFix::new(app).x_host(1).x_port(1));
    assert_eq!(environ.headers[HOST], "shop.example:444");
    assert_eq!(environ.server_port, 444);
}

#[test]
fn what_was_there_before_is_in_the_extensions() {
    let headers = [
        ("X-Forwarded-For", "203.0.113.9"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "shop.example"),
    ];
    let environ = fixed(&headers, |app| ProxyFix::new(app).x_host(1));
    let orig = environ.extensions.get::<ProxyFixOrig>().unwrap();
    assert_eq!(orig.remote_addr, Some(([127, 0, 0, 1], 0).into()));
    assert_eq!(orig.url_scheme.as_str(), "http");
    assert_eq!(orig.http_host.as_ref().unwrap(), "localhost");
    assert_eq!(environ.url_scheme.as_str(), "https");
}

/// Values that proxies write, that clients invent, and that nobody should.
const FOR: &[&str] = &[
    "1.2.3.4",
    "203.0.113.9",
    "::1",
    "2001:db8::1",
    "[::1]",
    "1.2.3.4:80",
    "[::1]:80",
    "unknown",
    "_hidden",
    "1.2.3",
    "é",
];
const PROTO: &[&str] = &[
    "http", "https", "HTTPS", "wss", "ws", "x+y", "not one", "é", "1",
];
const HOSTS: &[&str] = &[
    "example.com",
    "Example.COM:80",
    "a.b:8080",
    "a.b:443",
    "[::1]",
    "[::1]:8443",
    "x:",
    ":80",
    "x:99999",
    "x:0",
    "x:a",
    "a:b:1",
    "bad host",
    "é",
    "x:+1",
];
const PORTS: &[&str] = &["80", "443", "8443", "0", "99999", "abc", "08", "é"];
const PREFIXES: &[&str] = &[
    "/shop",
    "/a/b/",
    "shop",
    "/",
    "/a%20b",
    "/\u{c3}\u{a9}",
    "/é",
];

/// A list header: values of one kind, and now and then quotes, empty items and white space.
fn list(rng: &mut fastrand::Rng, values: &[&str]) -> String {
    let count = rng.usize(..5);
    let mut items = Vec::new();
    for _ in 0..count {
        let value = values[rng.usize(..values.len())];
        items.push(match rng.u8(..12) {
            0 => format!("\"{value}\""),
            1 => String::new(),
            2 => format!("  {value}\t"),
            // (Not a quote that is left open: there Werkzeug believes nothing, and the proxy passes for the client.)
            3 => format!("{value}\"\""),
            4 => "\"\"".to_owned(),
            5 => format!("\"{value}, {value}\""),
            6 => format!("\"\\{value}\""),
            _ => value.to_owned(),
        });
    }
    items.join([",", ", ", " ,"][rng.usize(..3)])
}

#[test]
fn a_request_is_what_werkzeugs_proxy_fix_makes_of_it() {
    let Some(mut oracle) = python::Python::start("proxy_fix/oracle.py", "ProxyFix") else {
        return;
    };
    let mut rng = fastrand::Rng::with_seed(1);
    let (mut changed, mut compared, seen) = (0, 0, Seen::new());
    for round in 0..10_000 {
        let [x_for, x_proto, x_host, x_port, x_prefix] = std::array::from_fn(|_| rng.usize(..4));
        let trusted = json!({
            "x_for": x_for, "x_proto": x_proto, "x_host": x_host, "x_port": x_port, "x_prefix": x_prefix,
        });
        let host = match rng.u8(..8) {
            0 => None,
            1 => Some(""),
            _ => Some(HOSTS[rng.usize(..HOSTS.len())]),
        };
        let mut environ = Environ {
            server_name: "inside".to_owned(),
            server_port: 5000,
            remote_addr: Some(([10, 0, 0, 9], 4711).into()),
            script_name: ["", "/own"][rng.usize(..2)].to_owned(),
            headers: HeaderMap::new(),
            ..EnvironBuilder::new("/p").build().unwrap()
        };
        let mut question = json!({
            "REMOTE_ADDR": "10.0.0.9", "wsgi.url_scheme": "http", "SERVER_NAME": "inside",
            "SERVER_PORT": "5000", "SCRIPT_NAME": environ.script_name,
        });
        let kinds = [
            ("for", FOR),
            ("proto", PROTO),
            ("host", HOSTS),
            ("port", PORTS),
        ];
        for (name, values) in kinds.into_iter().chain([("prefix", PREFIXES)]) {
            if rng.u8(..6) > 0 {
                let (name, value) = (format!("x-forwarded-{name}"), list(&mut rng, values));
                let header = HeaderName::try_from(&name).unwrap();
                environ
                    .headers
                    .insert(header, header_value(&value).unwrap());
                question[format!("HTTP_{}", name.to_uppercase().replace('-', "_"))] = json!(value);
            }
        }
        if let Some(host) = host {
            environ.headers.insert(HOST, header_value(host).unwrap());
            question["HTTP_HOST"] = json!(host);
        }
        let said = format!("{trusted} {question}");
        let question = json!({"trusted": trusted, "environ": question});
        let expected: Value = serde_json::from_str(&oracle.ask(&question.to_string())).unwrap();

        let before = json!(expected["orig"]);
        let proxy_fix = |app| {
            let proxy_fix = ProxyFix::new(app).x_for(x_for).x_proto(x_proto);
            proxy_fix.x_host(x_host).x_port(x_port).x_prefix(x_prefix)
        };
        let environ = through(environ, proxy_fix, &seen);

        assert_eq!(orig(&environ), before, "{said}");
        changed += usize::from(expected["environ"] != before);
        let actual = described(&environ);
        let (wanted, all_fit) = typed(&expected["environ"], &before, &actual);
        assert_eq!(actual, wanted, "round {round}: {said}");
        if all_fit {
            compared += 1;
            compare_request(environ, &expected, &said);
        }
    }
    assert!(changed > 5_000, "only {changed} environs were changed");
    assert!(compared > 5_000, "only {compared} requests were compared");
}

/// What Werkzeug's text is in an environ whose fields have types, and whether all of it fits them. What is
/// no scheme or no port leaves the one from before, and a client that is no address is none.
fn typed(after: &Value, before: &Value, actual: &Value) -> (Value, bool) {
    let mut wanted = after.clone();
    let text = |key: &str| after[key].as_str().unwrap_or_default();
    let address = text("REMOTE_ADDR");
    let ip = address.parse::<IpAddr>().or_else(|_| {
        let socket_address = address.parse::<SocketAddr>().map(|address| address.ip());
        socket_address.or_else(|_| address.trim_matches(['[', ']']).parse())
    });
    wanted["REMOTE_ADDR"] = json!(ip.ok().map(|ip| ip.to_string()));
    // WSGI's text is bytes in disguise.
    let script_name = latin1_encode(text("SCRIPT_NAME"));
    wanted["SCRIPT_NAME"] = json!(String::from_utf8_lossy(&script_name));
    let is_scheme = http::uri::Scheme::try_from(text("wsgi.url_scheme")).is_ok();
    if !is_scheme {
        wanted["wsgi.url_scheme"] = before["wsgi.url_scheme"].clone();
    }
    let port = text("SERVER_PORT").parse::<u16>().ok();
    let port = port.filter(|_| !text("SERVER_PORT").starts_with('+'));
    wanted["SERVER_PORT"] = match port {
        Some(port) => json!(port.to_string()),
        // Which one was there before it may have been the host's.
        None => actual["SERVER_PORT"].clone(),
    };
    (wanted, is_scheme && port.is_some())
}

fn described(environ: &Environ) -> Value {
    let host = environ.headers.get(HOST);
    json!({
        "REMOTE_ADDR": environ.remote_addr.map(|address| address.ip().to_string()),
        "wsgi.url_scheme": environ.url_scheme.as_str(),
        "HTTP_HOST": host.map(|host| latin1_decode(host.as_bytes())),
        "SERVER_NAME": environ.server_name,
        "SERVER_PORT": environ.server_port.to_string(),
        "SCRIPT_NAME": environ.script_name,
    })
}

fn orig(environ: &Environ) -> Value {
    let orig = environ
        .extensions
        .get::<ProxyFixOrig>()
        .expect("it is kept");
    let host = orig.http_host.as_ref();
    json!({
        "REMOTE_ADDR": orig.remote_addr.map(|address| address.ip().to_string()),
        "wsgi.url_scheme": orig.url_scheme.as_str(),
        "HTTP_HOST": host.map(|host| latin1_decode(host.as_bytes())),
        "SERVER_NAME": orig.server_name,
        "SERVER_PORT": orig.server_port.to_string(),
        "SCRIPT_NAME": orig.script_name,
    })
}

fn compare_request(environ: Environ, expected: &Value, said: &str) {
    let request = Request::from_environ(environ);
    let actual = json!({
        "host": request.host(), "url": request.url(), "root_url": request.root_url(),
        "root_path": request.root_path(), "scheme": request.scheme(), "is_secure": request.is_secure(),
    });
    for (name, value) in actual.as_object().expect("an object") {
        // Where Python raises for a URL that it can't split, Carafe gives the URI.
        if expected["request"][name].get("error").is_none() {
            assert_eq!(value, &expected["request"][name], "{name}: {said}");
        }
    }
}
