//! Stage 4, `RequestContext.push`: from here on this thread works for this request.
//!
//! The code: `src/context/request_context.rs`, `push` and `pop`. Next: `open_session.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::routing::{Converter, ValidationError};
use carafe::{
    Error, Scaffold, Value, has_app_context, has_request_context, request, session, signals,
};
use common::{DbError, Log, app, calls, hello, record, subtree, tree, visit};

#[test]
fn a_push_brings_the_app_context_then_the_session_then_the_match() {
    let mut app = app();
    app.route("/", hello);

    let (_, trace) = visit(&app, "/");

    assert_eq!(
        subtree(&trace, "RequestContext.push"),
        [
            "RequestContext.push",
            "  Flask.app_context",
            "    AppContext.__init__",
            "      Flask.create_url_adapter",
            "  AppContext.push",
            "    signal appcontext_pushed",
            "  open_session",
            "  RequestContext.match_request",
        ]
    );
}

#[test]
fn a_converter_may_use_the_session_because_it_is_open_before_the_match() {
    /// Matches the name of whoever is logged in, and nobody else's.
    struct Me;
    impl Converter for Me {
        fn to_python(&self, text: &str) -> Result<Value, ValidationError> {
            match session().get::<String>("username") {
                Some(name) if name == text => Ok(name.into()),
                _ => Err(ValidationError::Invalid("somebody else".to_owned())),
            }
        }
    }
    let mut app = app();
    app.add_converter("me", |_args| Ok(Me));
    app.route("/<me:name>", |name: String| name);

    let mut client = app.test_client();
    assert_eq!(client.get("/jack").send().unwrap().status_code(), 404);
    client
        .session_transaction(|session| session.insert("username", "jack"))
        .unwrap();
    assert_eq!(client.get("/jack").send().unwrap().text(), "jack");
    assert_eq!(client.get("/jill").send().unwrap().status_code(), 404);
}

#[test]
fn a_context_that_is_pushed_again_keeps_its_session_and_is_torn_down_by_its_last_pop() {
    let mut app = app();
    app.teardown_request(common::teardown);
    let ctx = app.test_request_context("/").unwrap();

    let ((), trace) = record(|| {
        ctx.push().unwrap();
        session().insert("username", "jack").unwrap();
        ctx.push().unwrap();
        assert_eq!(session().get::<String>("username").as_deref(), Some("jack"));
        ctx.pop(None).unwrap();
        assert!(has_request_context() && has_app_context());
        ctx.pop(None).unwrap();
        assert!(!has_request_context() && !has_app_context());
    });

    assert_eq!(
        tree(&trace)[8..],
        [
            "RequestContext.push",
            "  RequestContext.match_request",
            "RequestContext.pop",
            "RequestContext.pop",
            "  Flask.do_teardown_request",
            "    teardown_request teardown",
            "    signal request_tearing_down",
            "  AppContext.pop",
            "    Flask.do_teardown_appcontext",
            "      signal appcontext_tearing_down",
            "    signal appcontext_popped",
        ]
    );
}

#[test]
fn popping_the_wrong_one_is_an_error_and_goes_back_to_before_it_was_pushed() {
    let app = app();
    let first = app.test_request_context("/first").unwrap();
    let second = app.test_request_context("/second").unwrap();
    first.push().unwrap();
    second.push().unwrap();

    let error = first.pop(None).unwrap_err();
    assert_eq!(error.type_name(), "AssertionError");
    let message = error.to_string();
    assert!(message.starts_with("Popped wrong request context. ("));
    assert!(message.contains("/second") && message.contains("/first"));
    assert!(!has_request_context() && !has_app_context());

    assert!(second.pop(None).is_err());
}

#[test]
fn a_receiver_of_appcontext_pushed_that_fails_is_an_unhandled_error() {
    fn refuse(_app: &carafe::App, (): &()) -> Result<(), Error> {
        Err(DbError("not today").into())
    }
    let mut app = app();
    app.before_request(common::before);
    app.route("/", hello);
    app.teardown_request(common::teardown);
    let _connected = signals::APPCONTEXT_PUSHED.connected_to(&app, refuse);

    let (response, trace) = visit(&app, "/");

    assert_eq!(response.status_code(), 500);
    assert!(!has_request_context() && !has_app_context());
    assert_eq!(
        subtree(&trace, "RequestContext.push"),
        [
            "RequestContext.push raises DbError",
            "  Flask.app_context",
            "    AppContext.__init__",
            "      Flask.create_url_adapter",
            "  AppContext.push raises DbError",
            "    signal appcontext_pushed",
        ]
    );
    assert!(!calls(&trace).contains(&"before_request before".to_owned()));
}

#[test]
fn a_pop_takes_the_request_away_before_the_app_context() {
    let mut app = app();
    let log = Log::default();
    let seen = log.clone();
    app.teardown_request(move |_error: Option<&Error>| {
        seen.add(format!("request: {}", request().path()));
    });
    let seen = log.clone();
    app.teardown_appcontext(move |_error: Option<&Error>| {
        seen.add(format!(
            "app context: {} {}",
            has_app_context(),
            has_request_context()
        ));
    });
    app.test_request_context("/cart")
        .unwrap()
        .with(|| ())
        .unwrap();
    assert_eq!(log.take(), ["request: /cart", "app context: true false"]);
}

#[test]
fn a_panic_inside_a_context_goes_on_after_the_pop() {
    let app = app();
    let ctx = app.test_request_context("/").unwrap();
    let (result, trace) =
        record(|| carafe::error::catch(|| ctx.with(|| -> &str { panic!("the floor is gone") })));
    assert_eq!(result.unwrap_err().to_string(), "the floor is gone");
    assert!(!has_request_context() && !has_app_context());
    assert_eq!(trace.signals().last().unwrap(), "appcontext_popped");
}
