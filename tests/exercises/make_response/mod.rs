//! The exercise of the chapter on `make_response`.
//!
//! A shelf of teas, as JSON. One that is there is sent; one that is not there is a 404. A new one is
//! answered with 201, and with a header that says where it is.

mod solution;
mod start;

use carafe::App;

use crate::harness::fails;

// ANCHOR: check
fn check(app: &App) {
    let mut client = app.test_client();

    let tea = client.get("/teas/0").send().unwrap();
    assert_eq!(tea.text(), "\"oolong\"\n", "the first tea, as JSON");
    let none = client.get("/teas/7").send().unwrap();
    assert_eq!(
        none.status_code(),
        404,
        "a tea that is not there is the client's mistake, not the app's"
    );

    let made = client
        .post("/teas")
        .form([("name", "sencha")])
        .send()
        .unwrap();
    assert_eq!(made.status_code(), 201, "a new thing is answered with 201");
    assert_eq!(
        made.header("Location").as_deref(),
        Some("/teas/2"),
        "the header Location says where the new tea is"
    );
    assert_eq!(
        made.text(),
        "\"sencha\"\n",
        "and the body is the tea, as JSON"
    );
    for json in [tea, made] {
        assert_eq!(
            json.header("Content-Type").as_deref(),
            Some("application/json"),
            "the client has to be told that this is JSON"
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
    fails("make_response", || check(&start::create_app()));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(&start::create_app());
}
