//! The exercise of the chapter on dispatch.
//!
//! Two views want a user, and the URL has only a number. The views take a `User`, which is made of the
//! number before they are called. Where there is no such user, the page is a 404.

mod solution;
mod start;

use carafe::App;

use crate::harness::fails;

// ANCHOR: check
fn check(app: &App) {
    let mut client = app.test_client();
    let mut get = |path: &str| match client.get(path).send() {
        Ok(response) => (response.status_code(), response.text()),
        Err(error) => panic!("{path} has to be answered, but an error left the app: {error}"),
    };

    assert_eq!(get("/user/1"), (200, "This is jack.".to_owned()));
    assert_eq!(
        get("/user/2/cart/7"),
        (200, "jill's cart has number 7.".to_owned()),
        "the argument after the user has to reach the view too"
    );
    assert_eq!(
        get("/user/3").0,
        404,
        "there is no third user: that page is not there"
    );
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(&solution::create_app());
}

#[test]
fn the_start_fails() {
    fails("dispatch", || check(&start::create_app()));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(&start::create_app());
}
