//! Stage 7, `Flask.try_trigger_before_first_request_functions`: once in an app's life.
//!
//! Flask had these functions until 2.2; Carafe keeps them, as Flask 1.1 ran them. The code:
//! `src/lifecycle.rs`. Next: `before_request.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use carafe::{Blueprint, Error, Scaffold, has_request_context, request};
use common::{DbError, Log, app, calls, hello, subtree, visit};

fn first() {}
fn second() {}

#[test]
fn they_run_in_order_before_request_started_and_the_before_functions() {
    let mut app = app();
    app.before_request(common::before);
    app.before_first_request(first);
    app.before_first_request(second);
    app.route("/", hello);

    let (_, trace) = visit(&app, "/");

    assert_eq!(
        calls(&trace)[..6],
        [
            "signal appcontext_pushed",
            "before_first_request first",
            "before_first_request second",
            "signal request_started",
            "before_request before",
            "view hello",
        ]
    );
}

#[test]
fn they_run_once_in_an_apps_life() {
    let mut app = app();
    app.before_first_request(first);
    app.route("/", hello);
    assert!(!app.got_first_request());

    assert!(
        visit(&app, "/")
            .1
            .hooks()
            .contains(&"before_first_request first".to_owned())
    );
    assert!(app.got_first_request());

    let (_, trace) = visit(&app, "/");
    assert_eq!(
        subtree(&trace, "Flask.try_trigger_before_first_request_functions"),
        ["Flask.try_trigger_before_first_request_functions"]
    );
}

#[test]
fn a_404_is_a_first_request_too() {
    let mut app = app();
    app.before_first_request(first);
    let (response, trace) = visit(&app, "/nowhere");
    assert_eq!(response.status_code(), 404);
    assert_eq!(trace.hooks(), ["before_first_request first"]);
}

#[test]
fn they_may_use_the_request() {
    let mut app = app();
    let log = Log::default();
    let seen = log.clone();
    app.before_first_request(move || {
        seen.add(format!("{} {}", has_request_context(), request().path()));
    });
    app.route("/", hello);
    visit(&app, "/");
    assert_eq!(log.take(), ["true /"]);
}

#[test]
fn one_that_fails_is_an_unhandled_error_that_no_handler_sees_and_all_run_again() {
    fn handler(_error: &DbError) -> &'static str {
        "handled"
    }
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let mut app = app();
    app.before_first_request(first);
    app.before_first_request(move || match counted.fetch_add(1, Ordering::SeqCst) {
        0 => Err(Error::from(DbError("not yet"))),
        1 => panic!("not yet either"),
        _ => Ok(()),
    });
    app.before_request(common::before);
    app.errorhandler_for(handler);
    app.route("/", hello);

    let (response, trace) = visit(&app, "/");
    assert_eq!(response.status_code(), 500);
    assert_eq!(
        subtree(&trace, "Flask.full_dispatch_request"),
        [
            "Flask.full_dispatch_request raises DbError",
            "  Flask.try_trigger_before_first_request_functions raises DbError",
            "    before_first_request first",
            "    before_first_request <lambda> raises DbError",
        ]
    );
    assert!(!app.got_first_request());

    let (response, trace) = visit(&app, "/");
    assert_eq!(response.status_code(), 500);
    assert_eq!(
        trace.hooks(),
        [
            "before_first_request first",
            "before_first_request <lambda>"
        ]
    );

    let (response, trace) = visit(&app, "/");
    assert_eq!(response.text(), "hello");
    assert_eq!(
        trace.hooks(),
        [
            "before_first_request first",
            "before_first_request <lambda>",
            "before_request before",
            "view hello",
        ]
    );
    assert_eq!(visit(&app, "/").1.hooks()[0], "before_request before");
}

#[test]
fn a_blueprints_functions_run_with_the_apps_in_the_order_of_registration() {
    fn of_blueprint() {}
    let mut admin = Blueprint::new("admin");
    admin.before_app_first_request(of_blueprint);
    let mut app = app();
    app.before_first_request(first);
    app.register_blueprint(admin);
    app.before_first_request(second);

    assert_eq!(
        visit(&app, "/").1.hooks(),
        [
            "before_first_request first",
            "before_first_request of_blueprint",
            "before_first_request second",
        ]
    );
}

#[test]
fn of_two_first_requests_at_once_the_second_waits_until_they_are_done() {
    let log = Log::default();
    let mut app = app();
    let seen = log.clone();
    let (entered, wait_for_entered) = std::sync::mpsc::channel();
    app.before_first_request(move || {
        seen.add("begins");
        entered.send(()).unwrap();
        std::thread::yield_now();
        seen.add("ends");
    });
    let seen = log.clone();
    app.route("/", move || {
        seen.add("view");
        "hello"
    });
    std::thread::scope(|scope| {
        scope.spawn(|| app.test_client().get("/").send().unwrap());
        wait_for_entered.recv().unwrap();
        scope.spawn(|| app.test_client().get("/").send().unwrap());
    });
    assert_eq!(log.take(), ["begins", "ends", "view", "view"]);
}
