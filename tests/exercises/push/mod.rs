//! The exercise of the chapter on push.
//!
//! A club's site. Who is not logged in gets a 401 for every URL but `/login`, also for one that leads
//! nowhere: a stranger is not to find out which pages there are. A member sees pages, and 404s.

mod solution;
mod start;

use carafe::App;

use crate::harness::fails;

// ANCHOR: check
fn check(app: &App) {
    let mut client = app.test_client();
    let mut expect = |who: &str, method: &str, path: &str, wanted: u16| {
        let status = client.open(method, path).send().unwrap().status_code();
        assert!(
            status == wanted,
            "{who}: {method} {path} has to be answered with a {wanted}, and was answered with a {status}"
        );
    };
    expect("a stranger", "GET", "/members", 401);
    expect("a stranger", "GET", "/nothing", 401);
    expect("a stranger", "GET", "/logins", 401);
    expect("a stranger", "POST", "/login", 200);
    expect("a member", "GET", "/members", 200);
    expect("a member", "GET", "/nothing", 404);
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(&solution::create_app());
}

#[test]
fn the_start_fails() {
    fails("push", || check(&start::create_app()));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(&start::create_app());
}
