//! The exercise of the chapter on the server.
//!
//! A server of your own, without its socket: it gets the bytes of a request, and gives those of the answer.

mod solution;
mod start;

use carafe::{App, Scaffold, request};

use crate::harness::fails;

fn app() -> App {
    let mut app = App::new("shop");
    app.get("/search/<name>", |name: String| {
        let request = request();
        let sort = request.args().get("sort").unwrap_or("nothing");
        format!("looking for {name}, sorted by {sort}")
    });
    app
}

// ANCHOR: check
fn check(serve: fn(&App, &str) -> String) {
    let app = app();
    let ask = |line: &str| {
        serve(
            &app,
            &format!("{line} HTTP/1.1\r\nHost: shop.example\r\n\r\n"),
        )
    };
    let page = ask("GET /search/pear");
    assert!(
        page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("for pear, sorted by nothing"),
        "GET /search/pear got {page:?}"
    );
    let page = ask("GET /search/pear?sort=price");
    assert!(
        page.ends_with("for pear, sorted by price"),
        "what comes after the ? is the query string, and no part of the path. \
         GET /search/pear?sort=price got {page:?}"
    );
    let page = ask("GET /search/cr%C3%A8me%20br%C3%BBl%C3%A9e");
    assert!(
        page.ends_with("for crème brûlée, sorted by nothing"),
        "PATH_INFO is the path with its escapes undone. \
         GET /search/cr%C3%A8me%20br%C3%BBl%C3%A9e got {page:?}"
    );
    let page = ask("GET /search/pear?sort=price%26weight");
    assert!(
        page.ends_with("sorted by price&weight"),
        "the query string keeps its escapes: only then can & be told from %26. \
         GET /search/pear?sort=price%26weight got {page:?}"
    );
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(solution::serve);
}

#[test]
fn the_start_fails() {
    fails("server", || check(start::serve));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(start::serve);
}
