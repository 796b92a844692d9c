//! The exercise of the chapter on blueprints.
//!
//! Everything below `/admin` belongs to the admin blueprint, and so do the pages that do not exist
//! there: they have the blueprint's 404 page, and whoever has no key must not even learn which exist.

mod solution;
mod start;

use carafe::App;

use crate::harness::fails;

// ANCHOR: check
fn check(app: &App) {
    let get = |path: &str, key: &str| {
        let response = app.test_client().get(path).header("X-Key", key).send();
        let response = response.unwrap();
        (response.status_code(), response.text())
    };
    let is = |code: u16, text: &str| (code, text.to_owned());

    assert_eq!(get("/admin/users", "adavafa"), is(200, "all users"));
    assert_eq!(get("/admin/users", "wrong"), is(401, "who are you?"));
    assert_eq!(
        get("/admin/usres", "adavafa"),
        is(404, "admin: not here"),
        "below /admin the blueprint's handler has to answer"
    );
    assert_eq!(
        get("/admin/no/such/page", "wrong"),
        is(401, "who are you?"),
        "without a key nobody learns which pages there are"
    );
    assert_eq!(get("/nowhere", "adavafa"), is(404, "shop: not here"));
    assert_eq!(get("/administration", "wrong"), is(404, "shop: not here"));
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(&solution::create_app());
}

#[test]
fn the_start_fails() {
    fails("blueprints", || check(&start::create_app()));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(&start::create_app());
}
