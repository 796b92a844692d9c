//! Stage 10, errors: `Flask.handle_user_exception`, `handle_http_exception` and `handle_exception`.
//!
//! The three places where an error is caught, and which handler it gets. The code:
//! `src/lifecycle/errors.rs`. Next: `panics.rs`, then `make_response.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use std::fmt::Debug;

use carafe::session::store::StoreError;
use carafe::{
    App, Blueprint, Error, HttpException, Json, Response, Scaffold, abort, abort_with_description,
    request,
};
use common::{AuthError, DbError, app, calls, fail, get, subtree, try_visit, visit};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

fn gone() -> Result<&'static str, Error> {
    Err(abort(410))
}

#[test]
fn first_place_an_apps_own_error_goes_to_the_handler_of_its_type() {
    fn handler(error: &DbError) -> (String, u16) {
        (format!("sorry: {error}"), 503)
    }
    let mut app = app();
    app.route("/", fail);
    app.errorhandler_for(handler);
    app.after_request(common::after);

    let (response, trace) = visit(&app, "/");

    assert_eq!(response.status_code(), 503);
    assert_eq!(response.text(), "sorry: the database is down");
    assert_eq!(
        subtree(&trace, "Flask.full_dispatch_request")[4..],
        [
            "  Flask.dispatch_request raises DbError",
            "    view fail raises DbError",
            "  Flask.handle_user_exception",
            "    errorhandler handler",
            "  Flask.finalize_request",
            "    Flask.make_response",
            "    Flask.process_response",
            "      after_request after",
            "      save_session",
            "    signal request_finished",
        ]
    );
    assert!(!calls(&trace).contains(&"signal got_request_exception".to_owned()));
}

#[test]
fn second_place_an_http_error_goes_to_its_handler_or_is_an_answer_itself() {
    fn handler(error: &HttpException) -> String {
        format!("{} at {}", error.name(), request().path())
    }
    let mut app = app();
    app.route("/gone", gone);
    let (response, trace) = visit(&app, "/gone");
    assert_eq!(
        response.text(),
        "<!doctype html>\n<html lang=en>\n<title>410 Gone</title>\n<h1>Gone</h1>\n<p>The requested \
         URL is no longer available on this server and there is no forwarding address. If you \
         followed a link from a foreign page, please contact the author of this page.</p>\n"
    );
    assert_eq!(
        subtree(&trace, "Flask.handle_user_exception"),
        [
            "Flask.handle_user_exception",
            "  Flask.handle_http_exception"
        ]
    );

    let mut app = common::app();
    app.route("/gone", gone);
    app.errorhandler(410, handler);
    let (response, trace) = visit(&app, "/gone");
    // What a handler returns is a 200 unless it says otherwise.
    assert_eq!(
        (response.status_code(), response.text().as_str()),
        (200, "Gone at /gone")
    );
    assert_eq!(
        subtree(&trace, "Flask.handle_user_exception"),
        [
            "Flask.handle_user_exception",
            "  Flask.handle_http_exception",
            "    errorhandler handler",
        ]
    );
}

#[test]
fn third_place_an_error_that_nobody_took_is_announced_and_becomes_a_500() {
    fn handler(error: &HttpException) -> (String, u16) {
        let original = error.original_exception.as_ref().unwrap();
        (format!("{}: {original}", original.type_name()), 500)
    }
    let mut app = app();
    app.route("/", fail);
    app.errorhandler(500, handler);

    let (response, trace) = visit(&app, "/");

    assert_eq!(response.text(), "DbError: the database is down");
    assert_eq!(
        subtree(&trace, "Flask.handle_exception"),
        [
            "Flask.handle_exception",
            "  signal got_request_exception",
            "  errorhandler handler",
            "  Flask.finalize_request",
            "    Flask.make_response",
            "    Flask.process_response",
            "      save_session",
            "    signal request_finished",
        ]
    );
}

#[test]
fn a_500_that_was_aborted_with_has_no_original_exception_and_is_not_announced() {
    fn handler(error: &HttpException) -> (String, u16) {
        (format!("{:?}", error.original_exception.is_some()), 500)
    }
    let mut app = app();
    app.route("/", || Err::<&str, _>(abort(500)));
    app.errorhandler(500, handler);
    let (response, trace) = visit(&app, "/");
    assert_eq!(response.text(), "false");
    assert!(
        !trace
            .signals()
            .contains(&"got_request_exception".to_owned())
    );
}

/// An app and a blueprint in it, each with a view that aborts with a 404, fails, or panics.
fn app_with_blueprint(handlers: impl FnOnce(&mut App, &mut Blueprint)) -> App {
    let mut bp = Blueprint::new("bp").with_url_prefix("/bp");
    let mut app = app();
    app.route("/404", || Err::<&str, _>(abort(404)));
    app.route("/fail", fail);
    bp.route("/404", || Err::<&str, _>(abort(404)));
    bp.route("/fail", fail);
    handlers(&mut app, &mut bp);
    app.register_blueprint(bp);
    app
}

#[test]
fn a_handler_by_code_comes_before_one_by_type_even_where_that_is_the_blueprints() {
    let app = app_with_blueprint(|app, bp| {
        app.errorhandler(404, |_| "app by code");
        bp.errorhandler_for(|_: &HttpException| "blueprint by type");
    });
    assert_eq!(get(&app, "/bp/404").1, "app by code");
}

#[test]
fn a_blueprints_handler_comes_before_the_apps_of_the_same_kind() {
    let app = app_with_blueprint(|app, bp| {
        app.errorhandler(404, |_| "app by code");
        app.errorhandler_for(|_: &DbError| "app by type");
        bp.errorhandler(404, |_| "blueprint by code");
        bp.errorhandler_for(|_: &DbError| "blueprint by type");
    });
    assert_eq!(get(&app, "/bp/404").1, "blueprint by code");
    assert_eq!(get(&app, "/bp/fail").1, "blueprint by type");
    assert_eq!(get(&app, "/404").1, "app by code");
    assert_eq!(get(&app, "/fail").1, "app by type");
}

#[test]
fn a_blueprints_handler_for_any_error_comes_before_the_apps_for_this_very_type() {
    let app = app_with_blueprint(|app, bp| {
        app.errorhandler_for(|_: &DbError| "app for DbError");
        app.errorhandler_for(|_: &HttpException| "app for HTTP errors");
        bp.errorhandler_for(|_: &Error| "blueprint for any");
    });
    assert_eq!(get(&app, "/bp/fail").1, "blueprint for any");
    assert_eq!(get(&app, "/bp/404").1, "blueprint for any");
    assert_eq!(get(&app, "/fail").1, "app for DbError");
    assert_eq!(get(&app, "/404").1, "app for HTTP errors");
}

#[test]
fn within_one_map_the_exact_type_comes_before_any_error() {
    let app = app_with_blueprint(|app, _| {
        app.errorhandler_for(|_: &Error| "any");
        app.errorhandler_for(|_: &HttpException| "http");
        app.errorhandler_for(|_: &AuthError| "another type");
    });
    assert_eq!(get(&app, "/fail").1, "any");
    assert_eq!(get(&app, "/404").1, "http");
}

#[test]
fn the_last_handler_registered_for_one_kind_is_the_one() {
    let app = app_with_blueprint(|app, _| {
        app.errorhandler(404, |_| "first");
        app.errorhandler(404, |_| "second");
    });
    assert_eq!(get(&app, "/404").1, "second");
}

#[test]
fn a_404_that_no_rule_made_gets_the_apps_handler_only() {
    let app = app_with_blueprint(|app, bp| {
        app.errorhandler(404, |_| "app");
        bp.errorhandler(404, |_| "blueprint");
    });
    assert_eq!(get(&app, "/bp/nowhere").1, "app");
}

#[test]
fn in_nested_blueprints_the_innermost_is_asked_first() {
    let mut inner = Blueprint::new("inner").with_url_prefix("/inner");
    inner.route("/fail", fail);
    inner.route("/404", || Err::<&str, _>(abort(404)));
    inner.errorhandler_for(|_: &DbError| "inner");
    let mut outer = Blueprint::new("outer");
    outer.errorhandler_for(|_: &DbError| "outer");
    outer.errorhandler(404, |_| "outer");
    outer.register_blueprint(inner);
    let mut app = app();
    app.register_blueprint(outer);
    assert_eq!(get(&app, "/inner/fail").1, "inner");
    assert_eq!(get(&app, "/inner/404").1, "outer");
}

#[test]
fn app_errorhandler_of_a_blueprint_is_for_the_whole_app() {
    let app = app_with_blueprint(|_, bp| {
        bp.app_errorhandler(404, |_| "for all");
        bp.app_errorhandler_for(|_: &DbError| "for all too");
    });
    assert_eq!(get(&app, "/404").1, "for all");
    assert_eq!(get(&app, "/nowhere").1, "for all");
    assert_eq!(get(&app, "/fail").1, "for all too");
}

#[test]
fn a_handler_for_any_error_takes_http_errors_too_and_the_500_is_then_not_made() {
    fn any(error: &Error) -> (String, u16) {
        (error.type_name().to_owned(), 418)
    }
    let app = app_with_blueprint(|app, _| app.errorhandler_for(any));
    assert_eq!(get(&app, "/404").1, "NotFound");
    assert_eq!(get(&app, "/nowhere").1, "NotFound");
    let (response, trace) = visit(&app, "/fail");
    assert_eq!(response.text(), "DbError");
    assert!(trace.find("Flask.handle_exception").is_none());
}

#[test]
fn a_handler_may_look_through_the_500_at_what_caused_it() {
    let mut app = app();
    app.route("/", fail);
    app.errorhandler_for(|error: &HttpException| {
        let original = error.original_exception.as_ref();
        let is_db = original.is_some_and(Error::is::<DbError>);
        Json(is_db)
    });
    assert_eq!(get(&app, "/").1, "true\n");
}

#[test]
fn a_handler_that_fails_is_an_unhandled_error_whatever_it_fails_with() {
    fn broken(_error: &HttpException) -> Result<&'static str, Error> {
        Err(abort(418))
    }
    let mut app = app();
    app.route("/gone", gone);
    app.errorhandler(410, broken);
    let (response, trace) = visit(&app, "/gone");
    assert_eq!(response.status_code(), 500);
    assert_eq!(
        calls(&trace)[2..5],
        [
            "view gone raises Gone",
            "errorhandler broken raises ImATeapot",
            "signal got_request_exception",
        ]
    );
}

#[test]
fn a_500_handler_that_fails_lets_its_error_leave_the_app_and_teardown_sees_the_first_one() {
    fn broken(_error: &HttpException) -> Result<&'static str, Error> {
        Err(AuthError.into())
    }
    let mut app = app();
    let log = common::Log::default();
    let seen = log.clone();
    app.route("/", fail);
    app.errorhandler(500, broken);
    app.teardown_request(move |error: Option<&Error>| {
        seen.add(error.map_or("None".to_owned(), |e| e.type_name().to_owned()));
    });
    let (result, trace) = try_visit(&app, "/");
    assert_eq!(result.unwrap_err().type_name(), "AuthError");
    assert_eq!(log.take(), ["DbError"]);
    assert!(trace.find("Flask.finalize_request").is_none());
}

#[test]
fn testing_debug_and_propagate_exceptions_let_an_unhandled_error_leave_the_app() {
    for (settings, leaves) in [
        (&[][..], false),
        (&[("TESTING", true)][..], true),
        (&[("DEBUG", true)][..], true),
        (&[("PROPAGATE_EXCEPTIONS", true)][..], true),
        (
            &[("TESTING", true), ("PROPAGATE_EXCEPTIONS", false)][..],
            false,
        ),
    ] {
        let mut app = app();
        app.config().from_mapping(settings.iter().copied()).unwrap();
        app.route("/", fail);
        app.route("/404", || Err::<&str, _>(abort(404)));
        app.after_request(common::after);
        app.teardown_request(common::teardown);

        let (result, trace) = try_visit(&app, "/");

        assert_eq!(result.is_err(), leaves, "{settings:?}");
        let expected: &[&str] = if leaves {
            &["view fail raises DbError", "signal got_request_exception"]
        } else {
            &[
                "view fail raises DbError",
                "signal got_request_exception",
                "after_request after",
                "signal request_finished",
            ]
        };
        let calls = calls(&trace);
        assert_eq!(calls[2..2 + expected.len()], *expected, "{settings:?}");
        assert_eq!(
            calls[2 + expected.len()],
            "teardown_request teardown",
            "{settings:?}"
        );
        // An HTTP error is an answer all the same.
        assert_eq!(get(&app, "/404").0, 404);
    }
}

#[test]
fn trap_http_exceptions_treats_http_errors_like_any_other() {
    let mut app = app();
    app.config().set("TRAP_HTTP_EXCEPTIONS", true).unwrap();
    app.route("/gone", gone);
    let (response, trace) = visit(&app, "/gone");
    assert_eq!(response.status_code(), 500);
    assert_eq!(
        subtree(
            &trace,
            "Flask.handle_user_exception raises Gone"
                .split(" raises")
                .next()
                .unwrap()
        ),
        ["Flask.handle_user_exception raises Gone"]
    );
    app.config().set("TESTING", true).unwrap();
    assert_eq!(try_visit(&app, "/gone").0.unwrap_err().type_name(), "Gone");
}

#[test]
fn trap_bad_request_errors_lets_a_missing_form_field_leave_the_app() {
    let mut app = app();
    app.route("/", || {
        let name = request().args().require("name")?.to_owned();
        Ok::<_, Error>(name)
    });
    assert_eq!(get(&app, "/").0, 400);
    app.config()
        .from_mapping([("TRAP_BAD_REQUEST_ERRORS", true), ("TESTING", true)])
        .unwrap();
    let error = try_visit(&app, "/").0.unwrap_err();
    assert_eq!(error.type_name(), "BadRequestKeyError");
}

#[test]
fn trap_bad_request_errors_shows_a_handler_which_field_it_was_and_leaves_other_errors_alone() {
    let mut app = app();
    app.route("/", || {
        let name = request().args().require("name")?.to_owned();
        Ok::<_, Error>(name)
    });
    app.route("/gone", gone);
    app.errorhandler(400, HttpException::description);
    assert!(!get(&app, "/").1.contains("'name'"));
    app.config().set("TRAP_BAD_REQUEST_ERRORS", true).unwrap();
    assert!(get(&app, "/").1.contains("KeyError: 'name'"));
    assert_eq!(get(&app, "/gone").0, 410);
}

#[test]
fn abort_with_a_response_is_that_response_and_no_handler_is_asked() {
    fn handler(_error: &HttpException) -> &'static str {
        "handled"
    }
    let mut app = app();
    app.route("/", || {
        let mut response = Response::new("closed");
        response.set_status(451)?;
        Err::<&str, _>(abort(response))
    });
    app.errorhandler_for(handler);
    let (response, trace) = visit(&app, "/");
    assert_eq!(
        (response.status_code(), response.text().as_str()),
        (451, "closed")
    );
    assert_eq!(trace.hooks(), ["view <lambda>"]);
}

#[test]
fn a_description_of_ones_own_is_escaped_on_the_page() {
    let mut app = app();
    app.route("/", || {
        Err::<&str, _>(abort_with_description(400, "no <name> & no tea"))
    });
    assert_eq!(
        get(&app, "/").1,
        "<!doctype html>\n<html lang=en>\n<title>400 Bad Request</title>\n<h1>Bad Request</h1>\n\
         <p>no &lt;name&gt; &amp; no tea</p>\n"
    );
}

#[test]
fn a_code_that_is_no_errors_is_refused_at_registration() {
    let register = || {
        let mut app = app();
        app.errorhandler(200, |_| "never");
        Ok(())
    };
    assert_eq!(
        carafe::error::catch(register).unwrap_err().to_string(),
        "'200' is not a recognized HTTP error code."
    );
}

#[test]
fn what_a_view_returns_as_an_error_type_of_rust_is_raised_by_the_question_mark() {
    let mut app = app();
    app.route("/<text>", |text: String| {
        let number: i32 = text.parse()?;
        Ok::<_, Error>(number.to_string())
    });
    app.errorhandler_for(|error: &std::num::ParseIntError| (error.to_string(), 400));
    assert_eq!(get(&app, "/7").1, "7");
    assert_eq!(
        get(&app, "/x"),
        (400, "invalid digit found in string".to_owned())
    );
}

/// Keeps the messages of the app's log.
#[derive(Clone, Default)]
struct Heard(common::Log);

impl<S: tracing::Subscriber> Layer<S> for Heard {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "carafe::app" {
            event.record(&mut self.clone());
        }
    }
}

impl Visit for Heard {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0.add(format!("{value:?}"));
        }
    }
}

#[test]
fn an_error_leaves_for_code_that_takes_any_error_with_its_words_and_its_causes() {
    fn visit(app: &App) -> Result<u16, Box<dyn std::error::Error>> {
        Ok(app.test_client().get("/").send()?.status_code())
    }
    let mut app = app();
    app.config().set("TESTING", true).unwrap();
    app.route("/", || -> Result<&str, Error> {
        let cause = "seven".parse::<i32>().unwrap_err();
        Err(StoreError::unavailable("blackboard", cause).into())
    });
    let error = visit(&app).unwrap_err();
    assert_eq!(
        error.to_string(),
        "session store blackboard: invalid digit found in string"
    );
    assert!(error.source().unwrap().is::<std::num::ParseIntError>());
    assert!(format!("{error:?}").starts_with("StoreError: session store blackboard"));
    let sent: Box<dyn std::error::Error + Send + Sync> = abort(404).into();
    assert!(sent.to_string().starts_with("404 Not Found: "));
}

#[test]
fn a_path_cannot_begin_a_line_of_the_log() {
    let mut app = app();
    app.get("/<name>", |_name: String| fail());
    let heard = Heard::default();
    let subscriber = tracing_subscriber::registry().with(heard.clone());
    tracing::subscriber::with_default(subscriber, || {
        let mut client = app.test_client();
        let response = client.get("/pear%0D%0Ametal%1B%5B31m").send().unwrap();
        assert_eq!(response.status_code(), 500);
    });
    assert_eq!(
        heard.0.take(),
        [r"Exception on /pear\r\nmetal\u{1b}[31m [GET]"]
    );
}

#[test]
fn an_after_function_that_fails_on_the_500_too_is_logged_and_the_500_is_sent() {
    let mut app = app();
    app.get("/", fail);
    app.after_request(|_response: &mut Response| Err::<(), Error>(AuthError.into()));
    let heard = Heard::default();
    let subscriber = tracing_subscriber::registry().with(heard.clone());
    tracing::subscriber::with_default(subscriber, || assert_eq!(get(&app, "/").0, 500));
    assert_eq!(
        heard.0.take(),
        [
            "Exception on / [GET]",
            "Request finalizing failed with an error while handling an error",
        ]
    );
}
