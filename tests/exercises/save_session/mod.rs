//! The exercise of the chapter on saving a session.
//!
//! A login has a box, "remember me". Who ticks it stays logged in when the browser is closed; who does
//! not, does not. And a page that has nothing to do with who is asking must be one that a cache may
//! keep for everybody: no `Set-Cookie`, no `Vary`.

mod solution;
mod start;

use carafe::App;

use crate::harness::fails;

// ANCHOR: check
fn check(app: &App) {
    let mut stranger = app.test_client();
    let about = stranger.get("/about").send().unwrap();
    assert_eq!(
        about.header("Vary"),
        None,
        "no cache may keep a page that varies with the cookie"
    );
    assert_eq!(about.header("Set-Cookie"), None);

    for (remember, expires) in [("no", false), ("yes", true)] {
        let mut client = app.test_client();
        let form = [("username", "jack"), ("remember", remember)];
        let login = client.post("/login").form(form).send().unwrap();
        let cookie = login.header("Set-Cookie").unwrap_or_default();
        assert_eq!(
            cookie.contains("; Expires="),
            expires,
            "remember={remember}, and the cookie is {cookie:?}"
        );
        let about = client.get("/about").send().unwrap();
        assert_eq!(
            about.header("Set-Cookie"),
            None,
            "remember={remember}, and a page without a session sets a cookie"
        );
        assert_eq!(
            about.header("Vary"),
            None,
            "remember={remember}, and a page without a session varies with the cookie"
        );
        assert_eq!(client.get("/").send().unwrap().text(), "Hello, jack!");

        let form = [("username", "jill")];
        let login = client.post("/login").form(form).send().unwrap();
        let cookie = login.header("Set-Cookie").unwrap_or_default();
        assert!(
            !cookie.contains("; Expires="),
            "after jack's remember={remember}, jill does not tick the box, and her cookie is {cookie:?}"
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
    fails("save_session", || check(&start::create_app()));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(&start::create_app());
}
