//! Apps and checks that several of these tests use.

use std::sync::Arc;

use carafe::clock::FixedClock;
use carafe::trace::{Kind, Trace};
use carafe::{App, Error, Response, Scaffold, g, session};

pub(crate) fn load_user() {
    g().set("user", 1);
}

pub(crate) fn login() -> Result<&'static str, Error> {
    session().insert("username", "jack")?;
    Ok("welcome")
}

pub(crate) fn again() -> &'static str {
    session().regenerate();
    "welcome again"
}

pub(crate) fn logout() -> Result<&'static str, Error> {
    session().clear()?;
    Ok("goodbye")
}

pub(crate) fn fail() -> Result<&'static str, Error> {
    Err(Error::value_error("no such cart"))
}

pub(crate) fn explode() -> &'static str {
    panic!("the floor is gone")
}

pub(crate) fn add_header(response: &mut Response) -> Result<(), Error> {
    response.set_header("X-Shop", "open")
}

pub(crate) fn close(_error: Option<&Error>) {}

pub(crate) fn app() -> App {
    let mut app = App::new("shop");
    app.config().set_secret_key("adavafa");
    app.config()
        .set_clock(Arc::new(FixedClock::new(1_700_000_000)));
    app.before_request(load_user);
    app.route("/login", login);
    app.route("/fail", fail);
    app.route("/explode", explode);
    app.after_request(add_header);
    app.teardown_request(close);
    app
}

/// Every step is inside of as many steps as its depth says, and ends no later than they do.
pub(crate) fn assert_well_formed(trace: &Trace) {
    let mut ends: Vec<usize> = Vec::new();
    for (index, step) in trace.iter().enumerate() {
        ends.retain(|end| *end > index);
        assert_eq!(step.depth, ends.len(), "{}", step.label());
        assert!(step.end > index, "{}", step.label());
        let outer = ends.last().copied().unwrap_or(trace.steps().len());
        assert!(step.end <= outer, "{}", step.label());
        if matches!(step.kind, Kind::Signal | Kind::Log) {
            assert_eq!(step.end, index + 1, "an event has nothing inside");
        }
        ends.push(step.end);
    }
}
