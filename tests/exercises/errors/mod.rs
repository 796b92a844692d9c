//! The exercise of the chapter on errors.
//!
//! A site with pages for people, and an API below `/api` for programs. A program gets every error as
//! JSON, with the right status: also a 404 for a URL that no rule has. People get a page.

mod solution;
mod start;

use carafe::App;

use crate::harness::fails;

// ANCHOR: check
fn check(app: &App) {
    let mut client = app.test_client();
    let mut get = |path: &str| {
        let response = client.get(path).send().unwrap();
        (response.status_code(), response.text())
    };

    assert_eq!(get("/nowhere"), (404, "There is no such page.".to_owned()));
    assert_eq!(
        get("/api/fail"),
        (500, "{\"error\":\"Internal Server Error\"}\n".to_owned()),
        "a mistake in the API has to be told as JSON"
    );
    assert_eq!(
        get("/api/tea/9"),
        (404, "{\"error\":\"Not Found\"}\n".to_owned()),
        "a tea that is not there has to be told as JSON, not as a page"
    );
    assert_eq!(
        get("/api/nowhere"),
        (404, "{\"error\":\"Not Found\"}\n".to_owned()),
        "also where no rule matched a program gets JSON"
    );
    assert_eq!(
        get("/apiary"),
        (404, "There is no such page.".to_owned()),
        "/apiary is not below /api: people ask for it"
    );
    for path in ["/api/fail", "/api/tea/9", "/api/nowhere"] {
        let response = client.get(path).send().unwrap();
        assert_eq!(
            response.header("Content-Type").as_deref(),
            Some("application/json"),
            "{path}: the program has to be told that this is JSON"
        );
    }
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(&solution::create_app());
}

#[test]
fn the_start_fails() {
    fails("errors", || check(&start::create_app()));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(&start::create_app());
}
