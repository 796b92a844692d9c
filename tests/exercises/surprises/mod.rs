//! The exercise of the chapter on surprises.
//!
//! The app counts the requests that it has served, each once, whatever becomes of it. `/count` tells
//! how many there were before.

mod solution;
mod start;

use carafe::App;

use crate::harness::fails;

// ANCHOR: check
fn check(app: &App) {
    let mut client = app.test_client();
    let mut status = |path| client.get(path).send().unwrap().status_code();
    assert_eq!(status("/"), 200);
    assert_eq!(status("/nowhere"), 404);
    assert_eq!(status("/heavy"), 500, "its after function fails");
    let count = client.get("/count").send().unwrap().text();
    assert_eq!(count, "3", "three requests were served, each of them once");
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(&solution::create_app());
}

#[test]
fn the_start_fails() {
    fails("surprises", || check(&start::create_app()));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(&start::create_app());
}
