//! Signals: what an app announces on the way, to whoever has connected.
//!
//! The code: `src/signals.rs`; all but `message_flashed` are sent in `src/lifecycle.rs`,
//! `src/lifecycle/errors.rs` and `src/context/`. Next: `flashing.rs`, which sends that one.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use carafe::signals::{
    APPCONTEXT_POPPED, APPCONTEXT_PUSHED, APPCONTEXT_TEARING_DOWN, GOT_REQUEST_EXCEPTION,
    MESSAGE_FLASHED, REQUEST_FINISHED, REQUEST_STARTED, REQUEST_TEARING_DOWN, Signal,
};
use carafe::{App, Error, Response, Scaffold, flash, has_app_context, has_request_context};
use common::{DbError, Log, app, calls, fail, hello, try_visit, visit};

#[test]
fn an_ordinary_request_sends_six_signals_around_its_view() {
    let mut app = app();
    app.before_request(common::before);
    app.route("/", hello);
    app.after_request(common::after);
    app.teardown_request(common::teardown);
    app.teardown_appcontext(common::teardown);

    let (_, trace) = visit(&app, "/");

    assert_eq!(
        calls(&trace),
        [
            "signal appcontext_pushed",
            "signal request_started",
            "before_request before",
            "view hello",
            "after_request after",
            "signal request_finished",
            "teardown_request teardown",
            "signal request_tearing_down",
            "teardown_appcontext teardown",
            "signal appcontext_tearing_down",
            "signal appcontext_popped",
        ]
    );
}

#[test]
fn an_unhandled_error_is_announced_before_the_500_is_made() {
    let mut app = app();
    app.route("/", fail);
    app.errorhandler(500, |_error| ("sorry", 500));

    let (response, trace) = visit(&app, "/");

    assert_eq!(response.text(), "sorry");
    assert_eq!(
        calls(&trace),
        [
            "signal appcontext_pushed",
            "signal request_started",
            "view fail raises DbError",
            "signal got_request_exception",
            "errorhandler <lambda>",
            "signal request_finished",
            "signal request_tearing_down",
            "signal appcontext_tearing_down",
            "signal appcontext_popped",
        ]
    );
}

#[test]
fn receivers_get_the_sender_and_what_the_signal_is_about() {
    let mut app = app();
    app.route("/", || {
        flash("saved")?;
        fail()
    });
    let log = Log::default();
    let seen = log.clone();
    let _flashed = MESSAGE_FLASHED.connected_to(&app, move |app, flash| {
        let (name, category, message) = (app.name(), &flash.category, &flash.message);
        seen.add(format!("{name} flashed {category}: {message}"));
    });
    let seen = log.clone();
    let _raised = GOT_REQUEST_EXCEPTION.connected_to(&app, move |_app, error| {
        seen.add(format!("raised {error:?}"));
    });
    let seen = log.clone();
    let _finished = REQUEST_FINISHED.connected_to(&app, move |_app, response| {
        seen.add(format!("finished {}", response.status_code()));
    });
    let seen = log.clone();
    let _torn_down = REQUEST_TEARING_DOWN.connected_to(&app, move |_app, error| {
        seen.add(format!("tearing down {error:?}"));
    });
    let seen = log.clone();
    let _app_torn_down = APPCONTEXT_TEARING_DOWN.connected_to(&app, move |_app, error| {
        seen.add(format!("app tearing down {error:?}"));
    });

    app.test_client().get("/").send().unwrap();

    assert_eq!(
        log.take(),
        [
            "shop flashed message: saved",
            "raised DbError: the database is down",
            "finished 500",
            "tearing down Some(DbError: the database is down)",
            "app tearing down Some(DbError: the database is down)",
        ]
    );
}

/// Which contexts are there, as a receiver sees it.
fn contexts() -> String {
    match (has_app_context(), has_request_context()) {
        (true, true) => "both".to_owned(),
        (true, false) => "app".to_owned(),
        (false, true) => "request".to_owned(),
        (false, false) => "none".to_owned(),
    }
}

#[test]
fn each_signal_is_sent_where_its_contexts_are_current() {
    fn listen<A>(
        signal: &'static Signal<A>,
        app: &App,
        log: &Log,
    ) -> carafe::signals::ConnectedTo<A> {
        let seen = log.clone();
        signal.connected_to(app, move |_app, _data| {
            seen.add(format!("{} {}", signal.name(), contexts()));
        })
    }
    let mut app = app();
    app.route("/", hello);
    let log = Log::default();
    let _connected = (
        listen(&APPCONTEXT_PUSHED, &app, &log),
        listen(&REQUEST_STARTED, &app, &log),
        listen(&REQUEST_FINISHED, &app, &log),
        listen(&REQUEST_TEARING_DOWN, &app, &log),
        listen(&APPCONTEXT_TEARING_DOWN, &app, &log),
        listen(&APPCONTEXT_POPPED, &app, &log),
    );

    app.test_client().get("/").send().unwrap();

    assert_eq!(
        log.take(),
        [
            "appcontext_pushed app",
            "request_started both",
            "request_finished both",
            "request_tearing_down both",
            "appcontext_tearing_down app",
            "appcontext_popped none",
        ]
    );
}

#[test]
fn receivers_run_in_the_order_in_which_they_connected() {
    let mut app = app();
    app.route("/", hello);
    let log = Log::default();
    let connect = |name: &'static str| {
        let seen = log.clone();
        REQUEST_STARTED.connect_via(&app, move |_app, ()| seen.add(name))
    };
    let ids = [connect("first"), connect("second"), connect("third")];

    app.test_client().get("/").send().unwrap();
    assert_eq!(log.take(), ["first", "second", "third"]);

    REQUEST_STARTED.disconnect(ids[1]);
    app.test_client().get("/").send().unwrap();
    assert_eq!(log.take(), ["first", "third"]);

    for id in ids {
        REQUEST_STARTED.disconnect(id);
    }
    app.test_client().get("/").send().unwrap();
    assert!(log.take().is_empty());
}

#[test]
fn a_receiver_hears_its_own_app_and_one_without_a_sender_hears_all() {
    let (mut shop, mut blog) = (app(), App::new("blog"));
    shop.route("/", hello);
    blog.route("/", hello);
    let log = Log::default();
    let seen = log.clone();
    let own = REQUEST_STARTED.connect_via(&blog, move |app, ()| {
        seen.add(format!("its own: {}", app.name()));
    });
    let (seen, ids) = (log.clone(), [shop.id(), blog.id()]);
    let all = REQUEST_STARTED.connect(move |app, ()| {
        // Other tests of this file run at the same time, with apps of their own.
        if ids.contains(&app.id()) {
            seen.add(format!("all: {}", app.name()));
        }
    });

    shop.test_client().get("/").send().unwrap();
    blog.test_client().get("/").send().unwrap();
    REQUEST_STARTED.disconnect(own);
    REQUEST_STARTED.disconnect(all);

    assert_eq!(log.take(), ["all: shop", "its own: blog", "all: blog"]);
}

#[test]
fn connected_to_listens_until_it_is_dropped_even_by_a_panic() {
    let mut app = app();
    app.route("/", hello);
    let log = Log::default();
    let seen = log.clone();
    let inside = app.clone();
    let result: Result<(), Error> = carafe::error::catch(move || {
        let _connected = REQUEST_STARTED.connected_to(&inside, move |_app, ()| seen.add("heard"));
        inside.test_client().get("/").send()?;
        panic!("in the middle")
    });
    assert!(result.is_err_and(|error| error.is_panic()));
    assert_eq!(log.take(), ["heard"]);

    app.test_client().get("/").send().unwrap();
    assert!(log.take().is_empty());
}

#[test]
fn a_receiver_may_disconnect_itself_and_the_others_still_hear_this_one() {
    let mut app = app();
    app.route("/", hello);
    let log = Log::default();
    let own_id = std::sync::Arc::new(std::sync::OnceLock::new());
    let (seen, id) = (log.clone(), own_id.clone());
    let first = REQUEST_STARTED.connect_via(&app, move |_app, ()| {
        seen.add("once");
        if let Some(id) = id.get() {
            REQUEST_STARTED.disconnect(*id);
        }
    });
    own_id.set(first).unwrap();
    let seen = log.clone();
    let second = REQUEST_STARTED.connect_via(&app, move |_app, ()| seen.add("always"));

    app.test_client().get("/").send().unwrap();
    assert_eq!(log.take(), ["once", "always"]);
    app.test_client().get("/").send().unwrap();
    assert_eq!(log.take(), ["always"]);

    // Disconnecting a second time does nothing.
    REQUEST_STARTED.disconnect(first);
    REQUEST_STARTED.disconnect(second);
}

/// It waits forever where the signal is locked while a receiver is dropped.
#[test]
fn a_receiver_may_hold_another_ones_guard_which_goes_with_it() {
    let mut app = app();
    app.route("/", hello);
    let log = Log::default();

    let (first, second) = (log.clone(), log.clone());
    let guard = REQUEST_STARTED.connected_to(&app, move |_: &App, (): &()| first.add("first"));
    let holder = REQUEST_STARTED.connected_to(&app, move |_: &App, (): &()| {
        second.add(format!("second, which holds {guard:?}"));
    });
    visit(&app, "/");
    assert_eq!(log.take().len(), 2);

    drop(holder);
    visit(&app, "/");
    assert_eq!(log.take().len(), 0);
}

fn refuse<A>(_app: &App, _data: &A) -> Result<(), Error> {
    Err(DbError("the receiver failed").into())
}

/// An app that flashes a message, with a function of each kind in its place.
fn flashing_app() -> App {
    let mut app = app();
    app.before_request(common::before);
    app.route("/", || {
        flash("saved")?;
        Ok::<_, Error>("hello")
    });
    app.route("/fail", fail);
    app.after_request(common::after);
    app.teardown_request(common::teardown);
    app.teardown_appcontext(common::teardown);
    app
}

/// What a visit calls behind `appcontext_pushed`, while a receiver of `signal` fails; and how it ends.
#[track_caller]
fn calls_where_a_receiver_fails<A>(signal: &'static Signal<A>, path: &str) -> Vec<String> {
    let app = flashing_app();
    let _connected = signal.connected_to(&app, refuse);
    let (result, trace) = try_visit(&app, path);
    assert!(!has_app_context() && !has_request_context());
    let mut calls = calls(&trace);
    calls.push(match result {
        Ok(response) => response.status_code().to_string(),
        Err(error) => format!("{error:?} leaves the app"),
    });
    calls.split_off(1)
}

#[test]
fn a_receiver_of_request_started_that_fails_makes_a_500_before_any_function() {
    assert_eq!(
        calls_where_a_receiver_fails(&REQUEST_STARTED, "/"),
        [
            "signal request_started",
            "signal got_request_exception",
            "after_request after",
            "signal request_finished",
            "teardown_request teardown",
            "signal request_tearing_down",
            "teardown_appcontext teardown",
            "signal appcontext_tearing_down",
            "signal appcontext_popped",
            "500",
        ]
    );
}

#[test]
fn a_receiver_of_request_started_that_fails_may_find_its_error_handler() {
    let mut app = app();
    app.route("/", hello);
    app.errorhandler_for(|error: &DbError| format!("handled: {error}"));
    let _connected = REQUEST_STARTED.connected_to(&app, refuse);
    assert_eq!(
        common::get(&app, "/"),
        (200, "handled: the receiver failed".to_owned())
    );
}

#[test]
fn a_receiver_of_message_flashed_that_fails_is_an_error_of_the_view() {
    assert_eq!(
        calls_where_a_receiver_fails(&MESSAGE_FLASHED, "/"),
        [
            "signal request_started",
            "before_request before",
            "view <lambda> raises DbError",
            "signal message_flashed",
            "signal got_request_exception",
            "after_request after",
            "signal request_finished",
            "teardown_request teardown",
            "signal request_tearing_down",
            "teardown_appcontext teardown",
            "signal appcontext_tearing_down",
            "signal appcontext_popped",
            "500",
        ]
    );
}

#[test]
fn a_receiver_of_request_finished_that_fails_makes_a_500_and_fails_once_more_on_that() {
    assert_eq!(
        calls_where_a_receiver_fails(&REQUEST_FINISHED, "/"),
        [
            "signal request_started",
            "before_request before",
            "view <lambda>",
            "signal message_flashed",
            "after_request after",
            "signal request_finished",
            "signal got_request_exception",
            // On the 500 a failure is only logged.
            "after_request after",
            "signal request_finished",
            "teardown_request teardown",
            "signal request_tearing_down",
            "teardown_appcontext teardown",
            "signal appcontext_tearing_down",
            "signal appcontext_popped",
            "500",
        ]
    );
}

#[test]
fn a_receiver_of_got_request_exception_that_fails_takes_the_place_of_the_500() {
    assert_eq!(
        calls_where_a_receiver_fails(&GOT_REQUEST_EXCEPTION, "/fail"),
        [
            "signal request_started",
            "before_request before",
            "view fail raises DbError",
            "signal got_request_exception",
            "teardown_request teardown",
            "signal request_tearing_down",
            "teardown_appcontext teardown",
            "signal appcontext_tearing_down",
            "signal appcontext_popped",
            "DbError: the receiver failed leaves the app",
        ]
    );
}

#[test]
fn the_teardown_functions_still_get_the_error_of_the_view_then() {
    let mut app = app();
    app.route("/", fail);
    let log = Log::default();
    let seen = log.clone();
    app.teardown_request(move |error: Option<&Error>| seen.add(format!("{error:?}")));
    let _connected = GOT_REQUEST_EXCEPTION.connected_to(&app, refuse);
    let error = app.test_client().get("/").send().unwrap_err();
    assert_eq!(error.to_string(), "the receiver failed");
    assert_eq!(log.take(), ["Some(DbError: the database is down)"]);
}

#[test]
fn a_receiver_that_fails_in_the_teardown_leaves_the_app_after_everything_is_popped() {
    let view = [
        "signal request_started",
        "before_request before",
        "view <lambda>",
        "signal message_flashed",
        "after_request after",
        "signal request_finished",
        "teardown_request teardown",
        "signal request_tearing_down",
        "teardown_appcontext teardown",
        "signal appcontext_tearing_down",
    ];
    let left = "DbError: the receiver failed leaves the app";

    let calls = calls_where_a_receiver_fails(&REQUEST_TEARING_DOWN, "/");
    assert_eq!(calls[..10], view);
    assert_eq!(calls[10..], ["signal appcontext_popped", left]);

    // This one is not reached where the app context's teardown fails.
    let calls = calls_where_a_receiver_fails(&APPCONTEXT_TEARING_DOWN, "/");
    assert_eq!(calls[..10], view);
    assert_eq!(calls[10..], [left]);

    let calls = calls_where_a_receiver_fails(&APPCONTEXT_POPPED, "/");
    assert_eq!(calls[..10], view);
    assert_eq!(calls[10..], ["signal appcontext_popped", left]);
}

#[test]
fn a_receiver_that_fails_keeps_those_after_it_from_hearing() {
    let mut app = app();
    app.route("/", hello);
    let log = Log::default();
    let seen = log.clone();
    let _first = REQUEST_STARTED.connected_to(&app, move |_app, ()| seen.add("first"));
    let _second = REQUEST_STARTED.connected_to(&app, refuse);
    let seen = log.clone();
    let _third = REQUEST_STARTED.connected_to(&app, move |_app, ()| seen.add("third"));

    app.test_client().get("/").send().unwrap();

    assert_eq!(log.take(), ["first"]);
}

#[test]
fn a_receiver_that_panics_is_an_unhandled_error_like_any_other() {
    fn explode(_app: &App, (): &()) {
        panic!("the floor is gone")
    }
    let mut app = app();
    app.route("/", hello);
    let _connected = REQUEST_STARTED.connected_to(&app, explode);
    let log = Log::default();
    let seen = log.clone();
    let _raised = GOT_REQUEST_EXCEPTION.connected_to(&app, move |_app, error| {
        seen.add(format!("{error:?}"));
    });

    let response = app.test_client().get("/").send().unwrap();

    assert_eq!(response.status_code(), 500);
    assert_eq!(log.take(), ["Panic: the floor is gone"]);
    assert!(!has_app_context() && !has_request_context());
}

#[test]
fn a_signal_without_receivers_is_sent_all_the_same() {
    REQUEST_FINISHED
        .send(&app(), &Response::new("nobody listens"))
        .unwrap();
}

#[test]
fn a_receiver_whose_guard_the_app_keeps_goes_with_the_app() {
    let app = App::new("shop");
    let count = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&count);
    let connected = APPCONTEXT_PUSHED.connected_to(&app, move |_app, ()| {
        seen.fetch_add(1, Ordering::Relaxed);
    });
    app.extensions().set("counter", connected);
    app.app_context().with(|| ()).unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 1);
    drop(app);
    assert_eq!(Arc::strong_count(&count), 1, "the receiver is gone");
}
