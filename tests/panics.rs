//! Stage 10 again: a panic in any function of the app's is an unhandled error, wherever it happens.
//!
//! In Flask every exception unwinds to the next of its three places. Here a panic does too, and then
//! the contexts are popped and the next request is served. The code: `src/error.rs`, `catch`. Next:
//! `make_response.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use carafe::config::Settings;
use carafe::error::Panic;
use carafe::routing::{Converter, ValidationError};
use carafe::{
    App, Error, HttpException, Request, Response, Scaffold, Session, SessionInterface, Value,
    current_app, g, has_app_context, has_request_context, signals,
};
use common::{DbError, app, calls, explode, fail, get, hello, try_visit, visit};

fn floor() {
    panic!("the floor is gone");
}

/// The status of a first visit, `leaves` where the error left the app, and that all is well after it.
#[track_caller]
fn survives(app: &App, path: &str) -> Result<u16, String> {
    let (result, trace) = try_visit(app, path);
    assert!(!has_app_context() && !has_request_context());
    let popped = trace.signals().last().cloned();
    assert_eq!(popped.as_deref(), Some("appcontext_popped"), "{path}");
    result
        .map(|response| response.status_code())
        .map_err(|error| error.to_string())
}

#[test]
fn in_a_view() {
    let mut app = app();
    app.route("/", explode);
    assert_eq!(survives(&app, "/"), Ok(500));
}

#[test]
fn between_a_push_and_its_pop_whose_next_visitor_gets_nothing_of_it() {
    let mut app = app();
    app.route("/app", || -> &'static str {
        g().set("user", "jack".to_owned());
        current_app().app_context().push().unwrap();
        panic!("before the pop")
    });
    app.route("/request", || -> &'static str {
        g().set("user", "jack".to_owned());
        let inner = current_app().test_request_context("/").unwrap();
        inner.push().unwrap();
        panic!("before the pop")
    });
    app.route("/whoami", || format!("{:?}", g().get::<String>("user")));

    for path in ["/app", "/request"] {
        let error = try_visit(&app, path).0.unwrap_err().to_string();
        assert!(error.starts_with("Popped wrong "), "{error}");
        assert!(!has_app_context() && !has_request_context(), "{path}");
        assert_eq!(get(&app, "/whoami").1, "None", "{path}");
    }
}

#[test]
fn in_a_before_function_a_preprocessor_or_a_before_first_function() {
    let mut app = app();
    app.before_request(floor);
    assert_eq!(survives(&app, "/"), Ok(500));

    let mut app = common::app();
    app.url_value_preprocessor(|_: Option<&str>, _: Option<&mut carafe::ViewArgs>| floor());
    assert_eq!(survives(&app, "/"), Ok(500));

    let mut app = common::app();
    app.before_first_request(floor);
    assert_eq!(survives(&app, "/"), Ok(500));
}

#[test]
fn in_an_after_function_which_runs_again_on_the_500() {
    fn explosive(_response: &mut Response) {
        floor();
    }
    let mut app = app();
    app.route("/", hello);
    app.after_request(explosive);
    app.after_request(common::after);
    let (response, trace) = visit(&app, "/");
    // The second time there is no answer left to give but the one that is there.
    assert_eq!(response.status_code(), 500);
    assert_eq!(
        calls(&trace)[2..8],
        [
            "view hello",
            "after_request after",
            "after_request explosive panics",
            "signal got_request_exception",
            "after_request after",
            "after_request explosive panics",
        ]
    );
    assert_eq!(survives(&app, "/"), Ok(500));
}

#[test]
fn in_a_teardown_function_which_then_leaves_the_app_with_the_contexts_popped() {
    let mut app = app();
    app.route("/", hello);
    app.teardown_request(|_: Option<&Error>| floor());
    assert_eq!(survives(&app, "/"), Err("the floor is gone".to_owned()));

    let mut app = common::app();
    app.route("/", hello);
    app.teardown_appcontext(|_: Option<&Error>| floor());
    let (result, _) = try_visit(&app, "/");
    assert_eq!(result.unwrap_err().to_string(), "the floor is gone");
    assert!(!has_app_context() && !has_request_context());
}

#[test]
fn in_an_error_handler() {
    let mut app = app();
    app.route("/", fail);
    app.errorhandler_for(|_: &DbError| -> &'static str { panic!("in the handler") });
    app.errorhandler(500, |error: &HttpException| {
        let original = error.original_exception.as_ref();
        (original.map_or_else(String::new, ToString::to_string), 500)
    });
    assert_eq!(get(&app, "/"), (500, "in the handler".to_owned()));
    assert_eq!(survives(&app, "/"), Ok(500));
}

#[test]
fn in_the_500_handler_which_then_leaves_the_app() {
    let mut app = app();
    app.route("/", fail);
    app.errorhandler(500, |_| -> &'static str { panic!("in the handler") });
    assert_eq!(survives(&app, "/"), Err("in the handler".to_owned()));
}

#[test]
fn in_a_receiver_of_each_signal() {
    fn started<A>(_app: &App, _data: &A) {
        floor();
    }
    let connect = |app: &App, name: &str| -> Box<dyn std::any::Any> {
        match name {
            "appcontext_pushed" => Box::new(signals::APPCONTEXT_PUSHED.connected_to(app, started)),
            "request_started" => Box::new(signals::REQUEST_STARTED.connected_to(app, started)),
            "request_finished" => Box::new(signals::REQUEST_FINISHED.connected_to(app, started)),
            "got_request_exception" => {
                Box::new(signals::GOT_REQUEST_EXCEPTION.connected_to(app, started))
            }
            "request_tearing_down" => {
                Box::new(signals::REQUEST_TEARING_DOWN.connected_to(app, started))
            }
            "appcontext_tearing_down" => {
                Box::new(signals::APPCONTEXT_TEARING_DOWN.connected_to(app, started))
            }
            _ => Box::new(signals::APPCONTEXT_POPPED.connected_to(app, started)),
        }
    };
    let gone = Err("the floor is gone".to_owned());
    for (signal, expected) in [
        ("appcontext_pushed", Ok(500)),
        ("request_started", Ok(500)),
        ("request_finished", Ok(500)),
        ("got_request_exception", gone.clone()),
        ("request_tearing_down", gone.clone()),
        ("appcontext_tearing_down", gone.clone()),
        ("appcontext_popped", gone),
    ] {
        let mut app = app();
        app.route("/", hello);
        app.route("/fail", fail);
        let connected = connect(&app, signal);
        let path = if signal == "got_request_exception" {
            "/fail"
        } else {
            "/"
        };
        let (result, _) = try_visit(&app, path);
        let result = result
            .map(|response| response.status_code())
            .map_err(|error| error.to_string());
        assert_eq!(result, expected, "{signal}");
        assert!(!has_app_context() && !has_request_context(), "{signal}");
        drop(connected);
        assert_eq!(get(&app, "/").0, 200, "{signal}");
    }
}

#[test]
fn in_a_converter() {
    struct Broken;
    impl Converter for Broken {
        fn to_python(&self, _text: &str) -> Result<Value, ValidationError> {
            panic!("in the converter");
        }
    }
    let mut app = app();
    app.add_converter("broken", |_args| Ok(Broken));
    app.route("/<broken:x>", |_x: String| "never");
    assert_eq!(survives(&app, "/x"), Ok(500));
}

#[test]
fn in_a_session_interface() {
    struct Broken {
        opens: bool,
    }
    impl SessionInterface for Broken {
        fn open_session(
            &self,
            _: &Arc<Settings>,
            _request: &Request,
        ) -> Result<Option<Session>, Error> {
            assert!(self.opens, "cannot open");
            Ok(Some(Session::new()))
        }
        fn save_session(
            &self,
            _: &Arc<Settings>,
            _: &Session,
            _: &mut Response,
        ) -> Result<(), Error> {
            panic!("cannot save");
        }
    }
    for opens in [true, false] {
        let mut app = app();
        app.route("/", hello);
        app.session_interface(Broken { opens });
        assert_eq!(survives(&app, "/"), Ok(500), "{opens}");
    }
}

#[test]
fn while_a_context_is_pushed_or_popped_without_a_request() {
    fn broken(_app: &App, (): &()) {
        floor();
    }
    struct Broken;
    impl Converter for Broken {
        fn to_python(&self, _text: &str) -> Result<Value, ValidationError> {
            panic!("the floor is gone");
        }
    }
    let mut app = app();
    app.add_converter("broken", |_args| Ok(Broken));
    app.route("/<broken:x>", |_x: String| "never");
    let all_is_well = |error: Error| {
        assert_eq!(error.to_string(), "the floor is gone");
        assert!(!has_app_context() && !has_request_context());
    };
    all_is_well(
        app.test_request_context("/x")
            .unwrap()
            .with(|| ())
            .unwrap_err(),
    );
    let connected = signals::APPCONTEXT_PUSHED.connected_to(&app, broken);
    all_is_well(app.app_context().with(|| ()).unwrap_err());
    all_is_well(
        app.test_request_context("/")
            .unwrap()
            .with(|| ())
            .unwrap_err(),
    );
    drop(connected);
    let _connected = signals::APPCONTEXT_POPPED.connected_to(&app, broken);
    all_is_well(app.app_context().with(|| ()).unwrap_err());
    all_is_well(
        app.test_request_context("/")
            .unwrap()
            .with(|| ())
            .unwrap_err(),
    );
}

#[test]
fn while_the_session_is_being_changed() {
    let mut app = app();
    app.route("/", || {
        let changed = carafe::session().update(|_data| -> &'static str { floor_str() });
        changed.unwrap()
    });
    app.route("/again", || {
        carafe::session().insert("a", 1)?;
        Ok::<_, Error>("well")
    });
    assert_eq!(survives(&app, "/"), Ok(500));
    assert_eq!(get(&app, "/again"), (200, "well".to_owned()));
}

/// Something that goes badly.
#[derive(Debug)]
struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        floor();
    }
}

impl std::fmt::Display for Fragile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("fragile")
    }
}

impl std::error::Error for Fragile {}

#[test]
fn while_what_g_or_an_error_holds_is_dropped_which_then_leaves_the_app() {
    let mut app = app();
    app.route("/g", || {
        g().set("vase", Fragile);
        "in g"
    });
    app.route("/error", || -> Result<&str, Error> { Err(Fragile.into()) });
    let floor = || Err("the floor is gone".to_owned());
    assert_eq!(survives(&app, "/g"), floor());
    assert_eq!(survives(&app, "/error"), floor());
}

fn floor_str() -> &'static str {
    panic!("the floor is gone")
}

#[test]
fn a_panic_has_handlers_like_any_error() {
    let mut app = app();
    app.route("/", explode);
    app.errorhandler_for(|error: &Panic| (format!("caught: {error}"), 418));
    assert_eq!(
        get(&app, "/"),
        (418, "caught: the floor is gone".to_owned())
    );

    let mut app = common::app();
    app.route("/", explode);
    app.errorhandler_for(|error: &Error| (error.type_name().to_owned(), 418));
    assert_eq!(get(&app, "/"), (418, "Panic".to_owned()));
}

#[test]
fn a_proxy_outside_its_context_is_a_panic_and_so_an_unhandled_error() {
    let mut app = app();
    app.config().set("TESTING", true).unwrap();
    app.teardown_appcontext(|_: Option<&Error>| {
        // The request is gone by now.
        let _path = carafe::request().path().to_owned();
    });
    app.route("/", hello);
    let error = try_visit(&app, "/").0.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("Working outside of request context.")
    );
}
