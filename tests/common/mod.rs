//! What every stage's tests share: a visit that is recorded, and traces as text to compare.
//!
//! A trace is compared as the tree it is, so that a test shows what happens by what it asserts:
//!
//! ```text
//! Flask.preprocess_request
//!   before_request load_user raises KeyError
//! ```
//!
//! Stages and hooks stand as they are, a signal has the word `signal` before it, and what came back as
//! an error has `raises` and its type behind it (or `panics`). With `-- --nocapture` each recorded
//! visit prints its whole trace, with the file and line of every step.

// Each test binary uses its own share of these.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use carafe::clock::FixedClock;
use carafe::testing::{TestClient, TestResponse};
use carafe::trace::{self, Kind, Step, Trace};
use carafe::wrappers::EnvironBuilder;
use carafe::{App, Error, Response};

/// An app with a secret key, whose clock stands still at 2023-11-14 22:13:20 UTC.
pub fn app() -> App {
    app_and_clock().0
}

/// The same, with the clock to move.
pub fn app_and_clock() -> (App, Arc<FixedClock>) {
    let app = App::new("shop");
    let clock = Arc::new(FixedClock::new(1_700_000_000));
    app.config().set_clock(clock.clone());
    app.config().set_secret_key("adavafa");
    (app, clock)
}

/// Runs `f`, records it, and prints the trace.
#[track_caller]
pub fn record<R>(f: impl FnOnce() -> R) -> (R, Trace) {
    let (result, trace) = trace::record(f);
    println!("{}\n{trace}", std::panic::Location::caller());
    (result, trace)
}

/// One recorded GET by a new client.
#[track_caller]
pub fn visit(app: &App, path: &str) -> (TestResponse, Trace) {
    let (response, trace) = try_visit(app, path);
    (response.unwrap(), trace)
}

/// The same, where the error may leave the app.
#[track_caller]
pub fn try_visit(app: &App, path: &str) -> (Result<TestResponse, Error>, Trace) {
    let mut client = app.test_client();
    record(|| client.get(path).send())
}

/// One recorded GET by this client, with the cookies that it has.
#[track_caller]
pub fn visit_by(client: &mut TestClient, path: &str) -> (TestResponse, Trace) {
    let (response, trace) = record(|| client.get(path).send());
    (response.unwrap(), trace)
}

/// The status and the text of a GET by a new client.
#[track_caller]
pub fn get(app: &App, path: &str) -> (u16, String) {
    let response = app.test_client().get(path).send().unwrap();
    (response.status_code(), response.text())
}

/// What a server sees of a GET: everything of the response but its body's chunks, which come after.
#[track_caller]
pub fn call(app: &App, path: &str) -> (http::StatusCode, http::HeaderMap, carafe::wsgi::Body) {
    let environ = EnvironBuilder::new(path).build().unwrap();
    let mut started = None;
    let mut start_response = |status, headers| started = Some((status, headers));
    let body = app.wsgi_app(environ, &mut start_response).unwrap();
    let (status, headers) = started.unwrap();
    (status, headers, body)
}

/// The whole trace as lines, two spaces in for each step that a step is inside of.
pub fn tree(trace: &Trace) -> Vec<String> {
    lines(trace.steps(), 0)
}

/// The part of it that the first step of this label is, with all that is inside.
#[track_caller]
pub fn subtree(trace: &Trace, label: &str) -> Vec<String> {
    let steps = trace.steps();
    let Some(start) = steps.iter().position(|step| step.label() == label) else {
        panic!("there is no {label} in\n{}", tree(trace).join("\n"));
    };
    lines(&steps[start..steps[start].end], steps[start].depth)
}

fn lines(steps: &[Step], depth: usize) -> Vec<String> {
    let told = |step: &&Step| matches!(step.kind, Kind::Stage | Kind::Hook | Kind::Signal);
    let line = |step: &Step| {
        let indent = "  ".repeat(step.depth - depth);
        let word = if step.kind == Kind::Signal {
            "signal "
        } else {
            ""
        };
        format!("{indent}{word}{}{}", step.label(), outcome(step))
    };
    steps.iter().filter(told).map(line).collect()
}

/// ` raises NotFound`, ` panics`, or nothing.
fn outcome(step: &Step) -> String {
    match step.error.as_deref() {
        None => String::new(),
        Some("panicked") => " panics".to_owned(),
        Some(error) => format!(" raises {}", error.split(':').next().unwrap_or(error)),
    }
}

/// The functions of the app and the signals that a trace has, in order, without the stages around.
pub fn calls(trace: &Trace) -> Vec<String> {
    let told = |step: &&Step| matches!(step.kind, Kind::Hook | Kind::Signal);
    let steps = trace.iter().filter(told);
    steps
        .map(|step| match step.kind {
            Kind::Signal => format!("signal {}", step.name),
            _ => format!("{}{}", step.label(), outcome(step)),
        })
        .collect()
}

/// A list that functions of an app write into, for what a trace does not show.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Adds a line.
    pub fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    /// Takes the lines so far.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// An error type of an app's own.
#[derive(Debug)]
pub struct DbError(pub &'static str);

impl std::fmt::Display for DbError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for DbError {}

/// Another one.
#[derive(Debug)]
pub struct AuthError;

impl std::fmt::Display for AuthError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("who are you")
    }
}

impl std::error::Error for AuthError {}

// Functions for apps to register. A trace shows them by their names.

pub fn hello() -> &'static str {
    "hello"
}

pub fn fail() -> Result<&'static str, Error> {
    Err(DbError("the database is down").into())
}

pub fn explode() -> &'static str {
    panic!("the floor is gone")
}

pub fn before() {}

pub fn after(_response: &mut Response) {}

pub fn teardown(_error: Option<&Error>) {}
