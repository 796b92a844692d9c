//! The exercise of the chapter on before functions.
//!
//! A page for members only. Whoever is not logged in is sent to the login page, whatever URL they ask
//! for: they are not to learn which pages there are. Whoever is logged in gets in.

mod solution;
mod start;

use carafe::App;

use crate::harness::fails;

// ANCHOR: check
fn check(app: &App) {
    let mut client = app.test_client();

    for path in ["/", "/nowhere", "/logins"] {
        let sent_away = client.get(path).send().unwrap();
        assert_eq!(
            sent_away.header("Location").as_deref(),
            Some("/login"),
            "{path}: a stranger has to be sent to the login page"
        );
    }
    let form = client.get("/login").send().unwrap();
    assert_eq!(
        form.status_code(),
        200,
        "the login page has to let strangers in, or nobody ever can log in"
    );

    client
        .post("/login")
        .form([("name", "jack")])
        .send()
        .unwrap();
    let page = client.get("/").send().unwrap();
    assert_eq!(page.text(), "Hello, jack!", "a member has to get in");
    let nowhere = client.get("/nowhere").send().unwrap();
    assert_eq!(
        nowhere.status_code(),
        404,
        "a member may learn what is not there"
    );
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(&solution::create_app());
}

#[test]
fn the_start_fails() {
    fails("before", || check(&start::create_app()));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(&start::create_app());
}
