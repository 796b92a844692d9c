//! For the chapter on after functions.

use carafe::{App, Error, Response, Scaffold, after_this_request, trace};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[
    ("after/order", order),
    ("after/twice", twice),
    ("after/as_far", as_far),
    ("after/replaced", replaced),
];

// ANCHOR: order
fn first(_response: &mut Response) {}
fn second(_response: &mut Response) {}
fn asked_for(_response: &mut Response) {}

fn order() -> String {
    let mut app = App::new("demo");
    app.after_request(first);
    app.after_request(second);
    app.route("/", || {
        after_this_request(asked_for);
        "hello"
    });
    let (_, trace) = trace::record(|| app.test_client().get("/").send());
    trace.hooks().join("\n")
}
// ANCHOR_END: order

// ANCHOR: twice
fn compress(response: &mut Response) -> Result<(), Error> {
    match response.status_code() {
        200 => Err(Error::runtime("cannot compress this")),
        _ => Ok(()),
    }
}

fn twice() -> String {
    let mut app = App::new("demo");
    app.after_request(first);
    app.after_request(compress);
    app.after_request(second);
    app.route("/", || "hello");
    let (response, trace) = trace::record(|| app.test_client().get("/").send());
    let status = response.unwrap().status_code();
    format!("{}\n{status}", trace.hooks().join("\n"))
}
// ANCHOR_END: twice

// ANCHOR: as_far
fn never_runs(response: &mut Response) -> Result<(), Error> {
    response.set_header("X-Last", "yes")
}

fn always_fails(_response: &mut Response) -> Result<(), Error> {
    Err(Error::runtime("out of order"))
}

fn stamp(response: &mut Response) -> Result<(), Error> {
    response.set_header("X-First", "yes")
}

fn as_far() -> String {
    let mut app = App::new("demo");
    app.after_request(never_runs);
    app.after_request(always_fails);
    app.after_request(stamp);
    app.route("/", || "hello");
    let response = app.test_client().get("/").send().unwrap();
    let (status, first, last) = (
        response.status_code(),
        response.header("X-First"),
        response.header("X-Last"),
    );
    format!("{status}\nX-First: {first:?}\nX-Last:  {last:?}")
}
// ANCHOR_END: as_far

// ANCHOR: replaced
fn replace(response: &mut Response) {
    *response = Response::new("another response");
}

fn replaced() -> String {
    let mut app = App::new("demo");
    app.after_request(always_fails);
    app.after_request(replace);
    app.route("/", || "hello");
    let response = app.test_client().get("/").send().unwrap();
    format!("{} {}", response.status_code(), response.text())
}
// ANCHOR_END: replaced
