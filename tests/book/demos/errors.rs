//! For the chapter on errors.

use std::fmt;

use carafe::trace::{Kind, Trace};
use carafe::{App, Blueprint, Error, HttpException, Response, Scaffold, abort, trace};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[
    ("errors/places", places),
    ("errors/too_late", too_late),
    ("errors/precedence", precedence),
    ("errors/original", original),
    ("errors/settings", settings),
];

// ANCHOR: failing
#[derive(Debug)]
struct OutOfTea;

impl fmt::Display for OutOfTea {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no tea left")
    }
}

impl std::error::Error for OutOfTea {}

fn brew() -> Result<&'static str, Error> {
    Err(OutOfTea.into())
}

fn gone() -> Result<&'static str, Error> {
    Err(abort(410))
}

fn count() -> Result<String, Error> {
    let cups: i32 = "seven".parse()?;
    Ok(cups.to_string())
}

fn drop_pot() -> &'static str {
    panic!("the pot is broken")
}
// ANCHOR_END: failing

// ANCHOR: places
fn out_of_tea(error: &OutOfTea) -> (String, u16) {
    (format!("Sorry, {error}."), 503)
}

fn apologize(_error: &HttpException) -> (&'static str, u16) {
    ("Our fault.", 500)
}

fn app_that_fails() -> App {
    let mut app = App::new("demo");
    app.route("/brew", brew);
    app.route("/gone", gone);
    app.route("/count", count);
    app.route("/drop", drop_pot);
    app.errorhandler_for(out_of_tea);
    app.errorhandler(500, apologize);
    app
}
// ANCHOR_END: places

fn places() -> String {
    let mut client = app_that_fails().test_client();
    let visits = ["/brew", "/gone", "/count", "/drop"].map(|path| {
        let (response, trace) = trace::record(|| client.get(path).send());
        let status = response.unwrap().status_code();
        format!("{path}  {status}\n{}", handling(&trace))
    });
    visits.join("\n\n")
}

/// The steps of a trace that handle an error. The cross says that the error left the step.
fn handling(trace: &Trace) -> String {
    let mut lines = Vec::new();
    for step in trace {
        let label = step.label();
        if label.starts_with("Flask.handle_") || label.starts_with("errorhandler") {
            let indent = "  ".repeat(step.depth);
            let cross = if step.error.is_some() { " ✗" } else { "" };
            lines.push(format!("{indent}{label}{cross}"));
        }
    }
    lines.join("\n")
}

// ANCHOR: too_late
fn forbid(response: &mut Response) -> Result<(), Error> {
    match response.status_code() {
        200 => Err(abort(403)),
        _ => Ok(()),
    }
}

fn too_late() -> String {
    let mut app = App::new("demo");
    app.route("/", || "hello");
    app.after_request(forbid);
    app.errorhandler(403, |_| "never asked");
    let (response, trace) = trace::record(|| app.test_client().get("/").send());
    format!("{}\n{}", response.unwrap().status_code(), outline(&trace))
}
// ANCHOR_END: too_late

/// What is inside of `wsgi_app`, without the contexts' part.
fn outline(trace: &Trace) -> String {
    let told = |kind| matches!(kind, Kind::Stage | Kind::Hook | Kind::Signal);
    let mut lines = Vec::new();
    for name in ["Flask.full_dispatch_request", "Flask.handle_exception"] {
        let steps = trace.steps();
        let Some(start) = steps.iter().position(|step| step.label() == name) else {
            continue;
        };
        for step in &steps[start..steps[start].end] {
            if told(step.kind) {
                let indent = "  ".repeat(step.depth - steps[start].depth);
                let cross = if step.error.is_some() { " ✗" } else { "" };
                let signal = if step.kind == Kind::Signal {
                    "signal "
                } else {
                    ""
                };
                lines.push(format!("{indent}{signal}{}{cross}", step.label()));
            }
        }
    }
    lines.join("\n")
}

// ANCHOR: precedence
fn precedence() -> String {
    let mut tea = Blueprint::new("tea").with_url_prefix("/tea");
    tea.get("/gone", gone);
    tea.get("/brew", brew);
    tea.errorhandler_for(|_: &HttpException| "the blueprint's, for all HTTP errors");
    tea.errorhandler_for(|_: &Error| "the blueprint's, for any error");

    let mut app = App::new("demo");
    app.errorhandler(410, |_| "the app's, for 410");
    app.errorhandler(404, |_| "the app's, for 404");
    app.errorhandler_for(|_: &OutOfTea| "the app's, for OutOfTea");
    app.register_blueprint(tea);

    let mut client = app.test_client();
    let answers = ["/tea/gone", "/tea/brew", "/tea/nowhere"].map(|path| {
        let response = client.get(path).send().unwrap();
        format!("{path:<13} {}", response.text())
    });
    answers.join("\n")
}
// ANCHOR_END: precedence

// ANCHOR: original
fn look_inside(error: &HttpException) -> (String, u16) {
    match &error.original_exception {
        Some(original) => (format!("a 500 made of {original:?}"), 500),
        None => ("a 500 that somebody asked for".to_owned(), 500),
    }
}

fn original() -> String {
    let mut app = App::new("demo");
    app.route("/count", count);
    app.route("/drop", drop_pot);
    app.route("/asked", || Err::<&str, _>(abort(500)));
    app.errorhandler(500, look_inside);

    let mut client = app.test_client();
    let answers = ["/count", "/drop", "/asked"].map(|path| {
        let response = client.get(path).send().unwrap();
        format!("{path:<7} {}", response.text())
    });
    answers.join("\n")
}
// ANCHOR_END: original

// ANCHOR: settings
fn log_time(_response: &mut Response) {}

fn settings() -> String {
    let cases: [&[(&str, bool)]; 5] = [
        &[],
        &[("TESTING", true)],
        &[("DEBUG", true)],
        &[("PROPAGATE_EXCEPTIONS", true)],
        &[("TESTING", true), ("PROPAGATE_EXCEPTIONS", false)],
    ];
    let lines = cases.map(|settings| {
        let mut app = App::new("demo");
        app.config().from_mapping(settings.iter().copied()).unwrap();
        app.route("/", count);
        app.after_request(log_time);
        let (result, trace) = trace::record(|| app.test_client().get("/").send());
        let what = match result {
            Ok(response) => format!("a {}", response.status_code()),
            Err(error) => format!("{} leaves the app", error.type_name()),
        };
        format!("{settings:?}\n  {what}; ran: {}", trace.hooks().join(", "))
    });
    lines.join("\n")
}
// ANCHOR_END: settings
