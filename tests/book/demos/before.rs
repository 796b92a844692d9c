//! For the chapter on what runs before the view.
#![allow(clippy::needless_pass_by_value)] // A view takes its arguments by value.

use std::sync::atomic::{AtomicUsize, Ordering};

use carafe::error::PyError;
use carafe::{App, Error, Scaffold, Value, ViewArgs, g, request, trace};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[
    ("before/once", once),
    ("before/answer", answer),
    ("before/lang", lang),
];

fn index() -> &'static str {
    "hello"
}

// ANCHOR: once
fn read_menu() {}

fn once() -> String {
    let tries = AtomicUsize::new(0);
    let mut app = App::new("demo");
    app.before_first_request(read_menu);
    app.before_first_request(move || match tries.fetch_add(1, Ordering::SeqCst) {
        0 => Err(Error::runtime("the database is still starting")),
        _ => Ok(()),
    });
    app.errorhandler_for(|_: &PyError| "never asked");
    app.route("/", index);

    let mut client = app.test_client();
    let visits = [1, 2, 3].map(|_| {
        let (response, trace) = trace::record(|| client.get("/").send());
        let status = response.unwrap().status_code();
        format!("{status}  {}", trace.hooks().join(", "))
    });
    visits.join("\n")
}
// ANCHOR_END: once

// ANCHOR: answer
fn count() {}

fn gate() -> Option<(&'static str, u16)> {
    let closed = request().path().starts_with("/staff");
    closed.then_some(("staff only", 403))
}

fn load_user() {}

fn safe() -> &'static str {
    "it is behind the mirror"
}

fn answer() -> String {
    let mut app = App::new("demo");
    app.before_request(count);
    app.before_request(gate);
    app.before_request(load_user);
    app.route("/", index);
    app.route("/staff/", safe);

    let mut client = app.test_client();
    let visits = ["/", "/nowhere", "/staff/", "/staff/nowhere"].map(|path| {
        let (response, trace) = trace::record(|| client.get(path).send());
        let status = response.unwrap().status_code();
        format!("{path:<15} {status}  {}", trace.hooks().join(", "))
    });
    visits.join("\n")
}
// ANCHOR_END: answer

// ANCHOR: lang
fn take_lang(_endpoint: Option<&str>, args: Option<&mut ViewArgs>) {
    let taken = args.and_then(|args| args.shift_remove("lang"));
    if let Some(Value::Str(lang)) = taken {
        g().set("lang", lang);
    }
}

fn about(topic: String) -> String {
    let lang: String = g().get("lang").unwrap_or_default();
    format!("{topic}, in {lang}")
}

fn lang() -> String {
    let mut app = App::new("demo");
    app.url_value_preprocessor(take_lang);
    app.route("/<lang>/about/<topic>", about);
    let response = app.test_client().get("/fr/about/pears").send();
    response.unwrap().text()
}
// ANCHOR_END: lang
