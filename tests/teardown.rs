//! Stage 14, `RequestContext.auto_pop`: the teardown functions, and the contexts are gone.
//!
//! They run whatever happened, with the error that was not handled, if any. The code:
//! `src/context/request_context.rs`, `pop`, and `src/lifecycle.rs`, `do_teardown_request`. Next:
//! `signals.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::{
    App, Blueprint, Error, Scaffold, abort, has_app_context, has_request_context, request, session,
};
use common::{AuthError, DbError, Log, app, fail, hello, subtree, try_visit, visit};

fn first(_error: Option<&Error>) {}
fn second(_error: Option<&Error>) {}
fn broken(_error: Option<&Error>) -> Result<(), Error> {
    Err(AuthError.into())
}

/// An app that logs what each of its teardown functions is given.
fn logged() -> (App, Log) {
    let mut app = app();
    let log = Log::default();
    let line = |what: &str, error: Option<&Error>| {
        format!("{what} {}", error.map_or("None", |error| error.type_name()))
    };
    let seen = log.clone();
    app.teardown_request(move |error: Option<&Error>| seen.add(line("request", error)));
    let seen = log.clone();
    app.teardown_appcontext(move |error: Option<&Error>| seen.add(line("appcontext", error)));
    app.route("/", hello);
    app.route("/fail", fail);
    app.route("/404", || Err::<&str, _>(abort(404)));
    (app, log)
}

// ANCHOR: the_last_registered_runs_first
#[test]
fn the_last_registered_runs_first_then_the_request_is_gone_then_the_app_context() {
    fn close_db(_error: Option<&Error>) {}
    fn close_cache(_error: Option<&Error>) {}
    let mut app = app();
    app.teardown_request(first);
    app.teardown_request(second);
    app.teardown_appcontext(close_db);
    app.teardown_appcontext(close_cache);
    app.route("/", hello);

    let (_, trace) = visit(&app, "/");

    assert_eq!(
        subtree(&trace, "RequestContext.auto_pop"),
        [
            "RequestContext.auto_pop",
            "  RequestContext.pop",
            "    Flask.do_teardown_request",
            "      teardown_request second",
            "      teardown_request first",
            "      signal request_tearing_down",
            "    AppContext.pop",
            "      Flask.do_teardown_appcontext",
            "        teardown_appcontext close_cache",
            "        teardown_appcontext close_db",
            "        signal appcontext_tearing_down",
            "      signal appcontext_popped",
        ]
    );
    let depths = |name: &str| trace.find(name).unwrap().before.depths();
    assert_eq!(depths("first"), (1, 1));
    assert_eq!(depths("close_db"), (1, 0));
    assert_eq!(depths("appcontext_popped"), (0, 0));
}
// ANCHOR_END: the_last_registered_runs_first

#[test]
fn blueprints_come_before_the_app_and_inner_ones_before_outer_ones() {
    fn of_inner(_error: Option<&Error>) {}
    fn of_outer(_error: Option<&Error>) {}
    let mut inner = Blueprint::new("inner").with_url_prefix("/inner");
    inner.teardown_request(of_inner);
    inner.route("/", hello);
    let mut outer = Blueprint::new("outer");
    outer.teardown_request(of_outer);
    outer.register_blueprint(inner);
    let mut app = app();
    app.teardown_request(first);
    app.register_blueprint(outer);
    assert_eq!(
        visit(&app, "/inner/").1.hooks()[1..],
        [
            "teardown_request of_inner",
            "teardown_request of_outer",
            "teardown_request first",
        ]
    );
}

#[test]
fn they_get_the_error_that_was_not_handled_and_none_for_one_that_was() {
    let (app, log) = logged();
    visit(&app, "/");
    visit(&app, "/404");
    visit(&app, "/nowhere");
    assert_eq!(log.take(), ["request None", "appcontext None"].repeat(3));

    visit(&app, "/fail");
    assert_eq!(log.take(), ["request DbError", "appcontext DbError"]);

    let (mut app, log) = logged();
    app.errorhandler_for(|_: &DbError| "handled");
    visit(&app, "/fail");
    assert_eq!(log.take(), ["request None", "appcontext None"]);
}

#[test]
fn they_get_the_error_even_where_a_500_handler_answered_it() {
    let (mut app, log) = logged();
    app.errorhandler(500, |_| "sorry");
    assert_eq!(visit(&app, "/fail").0.text(), "sorry");
    assert_eq!(log.take(), ["request DbError", "appcontext DbError"]);
}

#[test]
fn they_get_the_error_that_leaves_the_app() {
    let (app, log) = logged();
    app.config().set("TESTING", true).unwrap();
    assert!(try_visit(&app, "/fail").0.is_err());
    assert_eq!(log.take(), ["request DbError", "appcontext DbError"]);
}

#[test]
fn one_that_fails_keeps_the_others_of_its_kind_from_running_and_its_error_leaves_the_app() {
    let (mut app, log) = logged();
    app.teardown_request(broken);

    let (result, trace) = try_visit(&app, "/");

    assert_eq!(result.unwrap_err().type_name(), "AuthError");
    // The app context is torn down all the same, and is told of the request's error, not of this one.
    assert_eq!(log.take(), ["appcontext None"]);
    assert!(!has_app_context() && !has_request_context());
    assert_eq!(
        subtree(&trace, "RequestContext.pop"),
        [
            "RequestContext.pop raises AuthError",
            "  Flask.do_teardown_request raises AuthError",
            "    teardown_request broken raises AuthError",
            "  AppContext.pop",
            "    Flask.do_teardown_appcontext",
            "      teardown_appcontext <lambda>",
            "      signal appcontext_tearing_down",
            "    signal appcontext_popped",
        ]
    );
}

#[test]
fn of_two_that_fail_the_app_contexts_error_is_the_one_that_leaves() {
    fn broken_too(_error: Option<&Error>) -> Result<(), Error> {
        Err(DbError("cannot close").into())
    }
    let mut app = app();
    app.route("/", hello);
    app.teardown_request(broken);
    app.teardown_appcontext(broken_too);
    let (result, trace) = try_visit(&app, "/");
    assert_eq!(result.unwrap_err().type_name(), "DbError");
    assert!(!has_app_context() && !has_request_context());
    assert!(trace.find("appcontext_popped").is_none());
}

#[test]
fn one_that_fails_after_an_error_that_leaves_the_app_takes_its_place() {
    let mut app = app();
    app.config().set("TESTING", true).unwrap();
    app.route("/", fail);
    app.teardown_request(broken);
    assert_eq!(try_visit(&app, "/").0.unwrap_err().type_name(), "AuthError");
}

#[test]
fn the_request_is_still_there_but_the_response_is_on_its_way() {
    let log = Log::default();
    let seen = log.clone();
    let mut app = app();
    app.route("/cart", hello);
    app.teardown_request(move |_: Option<&Error>| {
        seen.add(format!("{} {:?}", request().path(), session().len()));
        // Too late: the session has been saved.
        session().insert("late", true)
    });
    let mut client = app.test_client();
    client.get("/cart").send().unwrap();
    assert_eq!(client.get_cookie("session"), None);
    assert_eq!(log.take(), ["/cart 0"]);
}

#[test]
fn teardown_app_request_of_a_blueprint_is_for_the_whole_app() {
    let mut bp = Blueprint::new("bp");
    bp.teardown_app_request(second);
    let mut app = app();
    app.register_blueprint(bp);
    app.route("/", hello);
    assert_eq!(visit(&app, "/").1.hooks()[1..], ["teardown_request second"]);
}
