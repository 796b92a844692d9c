//! `examples/middleware.rs`: what its two middlewares do to a request and an answer.

use carafe::wsgi::{Environ, WsgiApp};

use super::middleware::{self, ProxyFix, RequestId};

/// What a middleware answers to a request with these headers: the headers and the body.
fn call(site: &impl WsgiApp, headers: &[(&str, &str)]) -> (http::HeaderMap, String) {
    let mut environ = Environ::builder("/");
    for (name, value) in headers {
        environ = environ.header(*name, *value);
    }
    let mut head = http::HeaderMap::new();
    let body = site
        .call(environ.build().unwrap(), &mut |_status, headers| {
            head = headers;
        })
        .unwrap();
    let body = String::from_utf8(body.into_bytes().unwrap().to_vec()).unwrap();
    (head, body)
}

#[test]
fn proxy_fix_believes_the_proxy_and_not_the_visitor() {
    let site = ProxyFix::new(middleware::create_app());
    let forwarded = [
        ("X-Forwarded-For", "6.6.6.6, 203.0.113.9"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Prefix", "/evil"),
    ];
    let (_, body) = call(&site, &forwarded);
    assert!(
        body.ends_with("203.0.113.9 asked for https://localhost/"),
        "{body}"
    );
    let (_, body) = call(&site, &[("X-Forwarded-For", "nonsense")]);
    assert!(body.ends_with("asked for http://localhost/"), "{body}");
}

#[test]
fn proxy_fix_takes_host_and_prefix_when_it_is_told_to() {
    let mut site = ProxyFix::new(middleware::create_app());
    (site.x_for, site.x_host, site.x_prefix) = (2, 1, 1);
    let forwarded = [
        ("X-Forwarded-For", "6.6.6.6, 198.51.100.7, 203.0.113.9"),
        ("X-Forwarded-Host", "shop.example"),
        ("X-Forwarded-Prefix", "/app"),
    ];
    let (_, body) = call(&site, &forwarded);
    assert!(
        body.ends_with("198.51.100.7 asked for http://shop.example/app/"),
        "{body}"
    );
}

#[test]
fn a_request_id_is_the_same_inside_and_outside() {
    let site = RequestId::new(middleware::create_app());
    for number in 1..=2 {
        let (headers, body) = call(&site, &[]);
        let id = format!("request-{number}");
        assert_eq!(headers["x-request-id"], *id);
        assert!(body.starts_with(&format!("{id}: ")), "{body}");
    }
}
