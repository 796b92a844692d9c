//! The exercise of the chapter on where Rust differs.
//!
//! The app was translated from Flask line by line. A member reads the reports; anybody else is to get
//! a 403, and a report that is not there is a 404.

mod solution;
mod start;

use carafe::App;

use crate::harness::fails;

// ANCHOR: check
fn check(app: &App) {
    let mut client = app.test_client();
    let mut status = |path| client.get(path).send().unwrap().status_code();
    assert_eq!(status("/report/1?name=jack"), 200);
    assert_eq!(
        status("/report/9?name=jack"),
        404,
        "there is no such report"
    );
    assert_eq!(status("/report/1?name=joe"), 403, "joe is no member");
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(&solution::create_app());
}

#[test]
fn the_start_fails() {
    fails("differences", || check(&start::create_app()));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(&start::create_app());
}
