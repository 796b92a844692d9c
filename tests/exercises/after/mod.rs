//! The exercise of the chapter on after functions.
//!
//! A page that greets its user by name says so in a header, `X-User`. It is the view that knows the
//! name, and only the responses of that one view are to have the header; but it must also be on the
//! response that another after function has put in the place of the view's.

mod solution;
mod start;

use carafe::App;

use crate::harness::fails;

// ANCHOR: check
fn check(app: &App) {
    let mut client = app.test_client();

    let greeting = client.get("/hello/jack").send().unwrap();
    assert_eq!(greeting.text(), "HELLO, JACK!");
    assert_eq!(
        greeting.header("X-User").as_deref(),
        Some("jack"),
        "the response that was sent has to name the user"
    );

    let other = client.get("/about").send().unwrap();
    assert_eq!(
        other.header("X-User"),
        None,
        "a page without a user names none"
    );
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(&solution::create_app());
}

#[test]
fn the_start_fails() {
    fails("after", || check(&start::create_app()));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(&start::create_app());
}
