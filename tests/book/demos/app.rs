//! For the chapter on the app before its first request.

use carafe::error::catch;
use carafe::{App, Error, Scaffold, current_app};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[
    ("app/late", late),
    ("app/endpoint", endpoint),
    ("app/config", config),
    ("app/snapshot", snapshot),
];

/// What `f` panics with.
fn panic_of(f: impl FnOnce()) -> String {
    let caught = catch(|| {
        f();
        Ok(())
    });
    caught.unwrap_err().to_string()
}

// ANCHOR: late
fn late() -> String {
    let mut app = App::new("shop");
    app.route("/", || "hello");
    app.test_client().get("/").send().unwrap();

    panic_of(|| app.route("/late", || "too late"))
}
// ANCHOR_END: late

// ANCHOR: endpoint
fn endpoint() -> String {
    let mut app = App::new("shop");
    app.add_url_rule("/", "index", || "the shop");
    panic_of(|| app.add_url_rule("/start", "index", || "another page"))
}
// ANCHOR_END: endpoint

// ANCHOR: config
fn config() -> String {
    let app = App::new("shop");
    let error = app.config().set("SESSION_COOKIE_SAMESITE", "lox");
    error.unwrap_err().to_string()
}
// ANCHOR_END: config

// ANCHOR: snapshot
fn snapshot() -> String {
    let mut app = App::new("shop");
    // TESTING lets an error leave the app, where it would have become a 500.
    app.route("/", || -> Result<&str, Error> {
        current_app().config().set("TESTING", true)?;
        Err(Error::runtime("no pears left"))
    });
    let mut client = app.test_client();
    let mut visit = || match client.get("/").send() {
        Ok(response) => format!("answered with {}", response.status_code()),
        Err(error) => format!("left the app: {error}"),
    };
    [visit(), visit()].join("\n")
}
// ANCHOR_END: snapshot
