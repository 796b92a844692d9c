//! Stage 8, `Flask.preprocess_request`: URL value preprocessors, then the before functions.
//!
//! From the app inwards: the app's own first, then those of the blueprints from the outermost in. The
//! code: `src/lifecycle.rs`. Next: `dispatch_request.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::{Blueprint, Error, Scaffold, Value, ViewArgs, abort, g, redirect, request, session};
use common::{DbError, app, calls, fail, get, hello, subtree, visit};

fn first() {}
fn second() {}
fn of_outer() {}
fn of_inner() {}

/// `/outer/inner/` with functions at each level.
fn nested() -> carafe::App {
    fn values(_endpoint: Option<&str>, _args: Option<&mut ViewArgs>) {}
    fn outer_values(_endpoint: Option<&str>, _args: Option<&mut ViewArgs>) {}
    let mut inner = Blueprint::new("inner").with_url_prefix("/inner");
    inner.before_request(of_inner);
    inner.route("/", hello);
    let mut outer = Blueprint::new("outer").with_url_prefix("/outer");
    outer.before_request(of_outer);
    outer.url_value_preprocessor(outer_values);
    outer.route("/", hello);
    outer.register_blueprint(inner);
    let mut app = app();
    app.register_blueprint(outer);
    app.before_request(first);
    app.before_request(second);
    app.url_value_preprocessor(values);
    app
}

#[test]
fn all_preprocessors_run_before_the_first_before_function_and_the_app_comes_first() {
    let (_, trace) = visit(&nested(), "/outer/inner/");
    assert_eq!(
        subtree(&trace, "Flask.preprocess_request"),
        [
            "Flask.preprocess_request",
            "  url_value_preprocessor values",
            "  url_value_preprocessor outer_values",
            "  before_request first",
            "  before_request second",
            "  before_request of_outer",
            "  before_request of_inner",
        ]
    );
}

#[test]
fn an_outer_view_does_not_run_the_functions_of_the_blueprint_inside() {
    assert_eq!(
        visit(&nested(), "/outer/").1.hooks()[2..],
        [
            "before_request first",
            "before_request second",
            "before_request of_outer",
            "view hello",
        ]
    );
}

#[test]
fn the_first_function_that_answers_ends_them_and_the_view_is_not_called() {
    fn answer() -> Option<&'static str> {
        Some("log in first")
    }
    let mut app = app();
    app.before_request(first);
    app.before_request(answer);
    app.before_request(second);
    app.route("/", hello);
    app.after_request(common::after);

    let (response, trace) = visit(&app, "/");

    assert_eq!(response.text(), "log in first");
    assert_eq!(
        subtree(&trace, "Flask.full_dispatch_request"),
        [
            "Flask.full_dispatch_request",
            "  Flask.try_trigger_before_first_request_functions",
            "  signal request_started",
            "  Flask.preprocess_request",
            "    before_request first",
            "    before_request answer",
            "  Flask.finalize_request",
            "    Flask.make_response",
            "    Flask.process_response",
            "      after_request after",
            "      save_session",
            "    signal request_finished",
        ]
    );
}

#[test]
fn an_answer_may_be_anything_that_a_view_may_return() {
    let mut app = app();
    app.before_request(|| match request().path() {
        "/redirect" => Some(redirect("/login")),
        _ => None,
    });
    app.before_request(|| (request().path() == "/tuple").then_some(("no tea", 418)));
    app.before_request(|| match request().path() {
        "/abort" => Err(abort(403)),
        _ => Ok(()),
    });
    assert_eq!(get(&app, "/redirect").0, 302);
    assert_eq!(get(&app, "/tuple"), (418, "no tea".to_owned()));
    assert_eq!(get(&app, "/abort").0, 403);
    assert_eq!(get(&app, "/").0, 404);
}

#[test]
fn an_answer_in_the_app_keeps_the_blueprints_functions_from_running() {
    fn answer() -> Option<&'static str> {
        Some("closed")
    }
    let mut app = nested();
    app.before_request(answer);
    assert_eq!(
        visit(&app, "/outer/inner/").1.hooks().last().unwrap(),
        "before_request answer"
    );
}

#[test]
fn one_that_fails_is_handled_as_if_the_view_had_failed() {
    fn broken() -> Result<(), Error> {
        Err(DbError("down").into())
    }
    fn handler(error: &DbError) -> (String, u16) {
        (error.to_string(), 503)
    }
    let mut app = app();
    app.before_request(broken);
    app.before_request(second);
    app.errorhandler_for(handler);
    app.route("/", fail);

    let (response, trace) = visit(&app, "/");

    assert_eq!(
        (response.status_code(), response.text().as_str()),
        (503, "down")
    );
    assert_eq!(
        trace.hooks(),
        ["before_request broken", "errorhandler handler"]
    );
}

#[test]
fn one_that_panics_is_an_unhandled_error() {
    fn explosive() {
        panic!("the floor is gone");
    }
    let mut app = app();
    app.before_request(explosive);
    app.before_request(second);
    app.route("/", hello);
    let (response, trace) = visit(&app, "/");
    assert_eq!(response.status_code(), 500);
    assert_eq!(
        calls(&trace)[1..5],
        [
            "signal request_started",
            "before_request explosive panics",
            "signal got_request_exception",
            "signal request_finished",
        ]
    );
}

#[test]
fn what_they_put_into_g_and_the_session_is_there_in_the_view() {
    let mut app = app();
    app.before_request(|| {
        g().set("user", "jack");
        session().insert("seen", 1)
    });
    app.route("/", || {
        let user = g().get::<&str>("user").unwrap();
        format!("{user} {}", session().get::<i64>("seen").unwrap())
    });
    assert_eq!(get(&app, "/").1, "jack 1");
}

#[test]
fn a_preprocessor_sees_endpoint_and_arguments_and_may_change_them() {
    let mut app = app();
    app.url_value_preprocessor(|endpoint: Option<&str>, args: Option<&mut ViewArgs>| {
        if let Some(args) = args
            && let Some(Value::Str(lang)) = args.shift_remove("lang")
        {
            g().set("lang", lang);
            g().set("endpoint", endpoint.unwrap_or_default().to_owned());
        }
    });
    // The view takes one argument: the preprocessor took the other.
    app.route("/<lang>/about/<topic>", |topic: String| {
        let lang: String = g().get("lang").unwrap();
        let endpoint: String = g().get("endpoint").unwrap();
        format!("{endpoint}: {topic} in {lang}")
    });
    assert_eq!(
        get(&app, "/fr/about/pears").1,
        "lang_about_topic: pears in fr"
    );
}

#[test]
fn a_preprocessor_gets_none_where_no_rule_matched() {
    let mut app = app();
    let log = common::Log::default();
    let seen = log.clone();
    app.url_value_preprocessor(move |endpoint: Option<&str>, args: Option<&mut ViewArgs>| {
        seen.add(format!("{endpoint:?} {}", args.is_some()));
    });
    app.route("/", hello);
    visit(&app, "/");
    visit(&app, "/nowhere");
    assert_eq!(log.take(), ["Some(\"hello\") true", "None false"]);
}

#[test]
fn a_preprocessor_that_fails_is_handled_like_a_view_that_fails() {
    fn broken(_endpoint: Option<&str>, _args: Option<&mut ViewArgs>) -> Result<(), Error> {
        Err(abort(404))
    }
    let mut app = app();
    app.url_value_preprocessor(broken);
    app.before_request(first);
    app.route("/", hello);
    let (response, trace) = visit(&app, "/");
    assert_eq!(response.status_code(), 404);
    assert_eq!(trace.hooks(), ["url_value_preprocessor broken"]);
}
