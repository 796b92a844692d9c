//! The exercise of the chapter on setup.
//!
//! The shop has a page that is not to be seen yet. `POST /open` opens it, while the app runs: until then
//! `/sale` is a 404, and from then on it is there.

mod solution;
mod start;

use carafe::App;

use crate::harness::fails;

// ANCHOR: check
fn check(app: &App) {
    // An error leaves the app, so that it can be shown here.
    app.config().set("TESTING", true).unwrap();
    let mut client = app.test_client();

    let closed = client.get("/sale").send().unwrap();
    assert_eq!(closed.status_code(), 404, "/sale is not open yet");

    let opened = client.post("/open").send();
    assert!(opened.is_ok(), "POST /open failed: {}", opened.unwrap_err());

    let sale = client.get("/sale").send().unwrap();
    assert_eq!(sale.text(), "All pears must go!", "/sale is open now");
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(&solution::create_app());
}

#[test]
fn the_start_fails() {
    fails("app", || check(&start::create_app()));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(&start::create_app());
}
