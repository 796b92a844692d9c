//! The exercise of the chapter on writing a session interface.
//!
//! "Log out everywhere": the app keeps its sessions in the signed cookie, and a user who lost a phone
//! is to have a button that ends all sessions of theirs, on every device. Nobody else's.

mod solution;
mod start;

use std::sync::Arc;

use carafe::clock::FixedClock;
use carafe::{App, Error, Scaffold, Session, SessionInterface, session};

use crate::harness::fails;

/// A session interface that can do what the exercise asks for.
trait LogOutEverywhere: SessionInterface + Clone + 'static {
    fn new() -> Self;
    /// Called by the login, which puts the name into the session by itself.
    fn log_in(&self, session: &Session, user: &str) -> Result<(), Error>;
    /// Called by the button.
    fn log_out_everywhere(&self, session: &Session, user: &str) -> Result<(), Error>;
}

// ANCHOR: check
fn check<I: LogOutEverywhere>() {
    let app = create_app(I::new());
    let (mut laptop, mut phone) = (app.test_client(), app.test_client());
    let (mut tablet, mut jill) = (app.test_client(), app.test_client());
    laptop.get("/login/jack").send().unwrap();
    phone.get("/login/jack").send().unwrap();
    tablet.get("/login/jack").send().unwrap();
    jill.get("/login/jill").send().unwrap();
    assert_eq!(phone.get("/").send().unwrap().text(), "jack");

    laptop.get("/log-out-everywhere").send().unwrap();

    assert_eq!(laptop.get("/").send().unwrap().text(), "nobody");
    assert_eq!(
        phone.get("/").send().unwrap().text(),
        "nobody",
        "the phone is still logged in"
    );
    assert_eq!(jill.get("/").send().unwrap().text(), "jill");
    phone.get("/login/jack").send().unwrap();
    assert_eq!(
        phone.get("/").send().unwrap().text(),
        "jack",
        "one can log in again, even in the same second"
    );
    assert_eq!(
        tablet.get("/").send().unwrap().text(),
        "nobody",
        "a login on the phone is none on the tablet, which was logged out"
    );
}
// ANCHOR_END: check

// ANCHOR: app
fn create_app<I: LogOutEverywhere>(interface: I) -> App {
    let mut app = App::new("exercise");
    app.config().set_secret_key("adavafa");
    app.config()
        .set_clock(Arc::new(FixedClock::new(1_700_000_000)));
    app.session_interface(interface.clone());
    app.get("/", || {
        let user: Option<String> = session().get("user");
        user.unwrap_or("nobody".to_owned())
    });
    let logins = interface.clone();
    app.get("/login/<user>", move |user: String| {
        session().insert("user", &user)?;
        logins.log_in(&session(), &user)?;
        Ok::<_, Error>("welcome")
    });
    app.get("/log-out-everywhere", move || {
        if let Some(user) = session().get::<String>("user") {
            interface.log_out_everywhere(&session(), &user)?;
        }
        Ok::<_, Error>("bye")
    });
    app
}
// ANCHOR_END: app

#[test]
fn the_solution_passes() {
    check::<solution::Sessions>();
}

#[test]
fn the_start_fails() {
    fails("session_interface", check::<start::Sessions>);
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check::<start::Sessions>();
}
