//! For the chapter on teardown.

use carafe::trace::{Kind, Step, Trace};
use carafe::{App, Error, Scaffold, abort, g, has_app_context, has_request_context, trace};

use super::Output;
use super::lines::Lines;

pub(crate) const OUTPUTS: &[Output] = &[
    ("teardown/database", database),
    ("teardown/errors", errors),
    ("teardown/broken", broken),
];

// ANCHOR: database
#[derive(Clone)]
struct Connection;

/// The connection of this request. The first call opens it.
fn connection(log: &Lines) -> Connection {
    g().setdefault("connection", || {
        log.add("  opened");
        Connection
    })
}

fn database() -> String {
    let log = Lines::default();
    let mut app = App::new("demo");

    let seen = log.clone();
    app.route("/cart", move || {
        let _connection = connection(&seen);
        "your cart"
    });
    let seen = log.clone();
    app.route("/pay", move || -> Result<&str, Error> {
        let _connection = connection(&seen);
        let _amount: u32 = "much".parse()?;
        Ok("paid")
    });
    app.route("/about", || "about us");

    let seen = log.clone();
    app.teardown_appcontext(move |error: Option<&Error>| {
        if g().pop::<Connection>("connection").is_some() {
            let how = if error.is_some() {
                "rolled back and closed"
            } else {
                "closed"
            };
            seen.add(format!("  {how}"));
        }
    });

    for path in ["/cart", "/pay", "/about"] {
        log.add(format!("GET {path}"));
        let _response = app.test_client().get(path).send();
    }
    log.text()
}
// ANCHOR_END: database

// ANCHOR: errors
fn app_that_fails(log: &Lines) -> App {
    let mut app = App::new("demo");
    app.route("/", || "hello");
    app.route("/abort", || Err::<&str, _>(abort(404)));
    app.route("/parse", || "seven".parse::<i32>().map(|n| n.to_string()));
    app.route("/utf8", || String::from_utf8(vec![0xff]));
    app.route("/panic", || -> &str { panic!("the floor is gone") });
    app.errorhandler_for(|_error: &std::string::FromUtf8Error| "handled");
    let seen = log.clone();
    app.teardown_request(move |error: Option<&Error>| seen.add(format!("  is given {error:?}")));
    app
}

fn errors() -> String {
    let log = Lines::default();
    let app = app_that_fails(&log);
    for path in ["/", "/abort", "/nowhere", "/utf8", "/parse", "/panic"] {
        log.add(format!("GET {path}"));
        match app.test_client().get(path).send() {
            Ok(response) => log.add(format!("  answers  {}", response.status_code())),
            Err(error) => log.add(format!("  leaves the app: {error:?}")),
        }
    }
    log.text()
}
// ANCHOR_END: errors

// ANCHOR: broken
fn close_files(_error: Option<&Error>) {}

fn close_cursor(_error: Option<&Error>) -> Result<(), Error> {
    Err(Error::runtime("there is no cursor"))
}

fn close_database(_error: Option<&Error>) {}

fn broken() -> String {
    let mut app = App::new("demo");
    app.route("/", || "hello");
    app.teardown_request(close_files);
    app.teardown_request(close_cursor);
    app.teardown_appcontext(close_database);
    let (result, trace) = trace::record(|| app.test_client().get("/").send());

    let left = has_request_context() || has_app_context();
    let steps = inside_of(&trace, "RequestContext.pop");
    format!("{steps}\nthe client gets {result:?}\na context is left behind: {left}")
}
// ANCHOR_END: broken

/// A step and those inside of it, as an indented list; a cross marks those that failed.
fn inside_of(trace: &Trace, name: &str) -> String {
    let steps = trace.steps();
    let Some(start) = steps.iter().position(|step| step.name == name) else {
        return String::new();
    };
    let told = |step: &&Step| matches!(step.kind, Kind::Stage | Kind::Hook | Kind::Signal);
    let line = |step: &Step| {
        let indent = "  ".repeat(step.depth - steps[start].depth);
        let (signal, failed) = (step.kind == Kind::Signal, step.error.is_some());
        let word = if signal { "signal " } else { "" };
        let cross = if failed { " ✗" } else { "" };
        format!("{indent}{word}{}{cross}", step.label())
    };
    let inside = steps[start..steps[start].end].iter().filter(told);
    inside.map(line).collect::<Vec<_>>().join("\n")
}
