//! The exercise of the chapter on the WSGI edge.
//!
//! Two apps live at one address: what is below `/shop` is the shop's, all else the blog's. The shop
//! knows nothing of it: its page is at `/cart`, and the URLs that it builds must lead back to it, also
//! where the whole site is part of a larger one.

mod solution;
mod start;

use carafe::wsgi::{Environ, WsgiApp};
use carafe::{App, Error, Scaffold, url_for};
use http::StatusCode;

use crate::harness::fails;

fn blog() -> App {
    let mut app = App::new("blog");
    app.get("/shopping", || "How to go shopping");
    app
}

fn shop() -> App {
    let mut app = App::new("shop");
    app.add_url_rule("/cart", "cart", || {
        Ok::<_, Error>(format!("The cart is at {}", url_for("cart").build()?))
    });
    app
}

// ANCHOR: check
fn check(site: &dyn WsgiApp) {
    let get = |base_url: &str, path: &str| {
        let environ = Environ::builder(path).base_url(base_url).build().unwrap();
        let mut code = 0;
        let mut start_response = |status: StatusCode, _| code = status.as_u16();
        let body = site.call(environ, &mut start_response).unwrap();
        let text = String::from_utf8_lossy(&body.into_bytes().unwrap()).into_owned();
        (code, text)
    };
    let (status, text) = get("http://localhost", "/shop/cart");
    assert!(
        status == 200,
        "/shop/cart has to be answered by the shop's page /cart, and was answered with a {status}"
    );
    assert!(
        text == "The cart is at /shop/cart",
        "the URL that the shop builds has to lead back to it, and it says: {text}"
    );
    let (status, _) = get("http://localhost", "/shopping");
    assert!(
        status == 200,
        "/shopping is not below /shop: it is the blog's, and was answered with a {status}"
    );
    // Somebody has put the site below `/site` of theirs, in the same way.
    let (_, text) = get("http://localhost/site", "/shop/cart");
    assert!(
        text == "The cart is at /site/shop/cart",
        "below a /site that the environ tells of, the URL has to lead back too, and it says: {text}"
    );
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(&solution::create_site(blog(), shop()));
}

#[test]
fn the_start_fails() {
    fails("wsgi", || check(&start::create_site(blog(), shop())));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(&start::create_site(blog(), shop()));
}
