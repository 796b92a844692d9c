//! Stage 15, signals: what an app announces, to whoever has connected.
//!
//! The code: `src/signals.rs`. Next: `blueprints.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::helpers::Flash;
use carafe::signals::{self, Signal};
use carafe::{App, Error, HttpException, Response, Scaffold, abort, flash, request};
use common::{DbError, Log, app, calls, fail, get, hello, subtree, try_visit, visit};

/// A receiver that adds its signal's name to a log.
fn heard<A>(log: &Log, signal: &Signal<A>) -> impl Fn(&App, &A) + Send + Sync + 'static {
    let (log, name) = (log.clone(), signal.name());
    move |_app, _data| log.add(name)
}

#[test]
fn a_request_sends_seven_signals_in_this_order() {
    let mut app = app();
    app.route("/", hello);
    app.route("/fail", fail);
    let log = Log::default();
    let _connected = (
        signals::APPCONTEXT_PUSHED.connected_to(&app, heard(&log, &signals::APPCONTEXT_PUSHED)),
        signals::REQUEST_STARTED.connected_to(&app, heard(&log, &signals::REQUEST_STARTED)),
        signals::REQUEST_FINISHED.connected_to(&app, heard(&log, &signals::REQUEST_FINISHED)),
        signals::GOT_REQUEST_EXCEPTION
            .connected_to(&app, heard(&log, &signals::GOT_REQUEST_EXCEPTION)),
        signals::REQUEST_TEARING_DOWN
            .connected_to(&app, heard(&log, &signals::REQUEST_TEARING_DOWN)),
        signals::APPCONTEXT_TEARING_DOWN
            .connected_to(&app, heard(&log, &signals::APPCONTEXT_TEARING_DOWN)),
        signals::APPCONTEXT_POPPED.connected_to(&app, heard(&log, &signals::APPCONTEXT_POPPED)),
    );

    let (_, trace) = visit(&app, "/");
    let heard = log.take();
    assert_eq!(
        heard,
        [
            "appcontext_pushed",
            "request_started",
            "request_finished",
            "request_tearing_down",
            "appcontext_tearing_down",
            "appcontext_popped",
        ]
    );
    assert_eq!(trace.signals(), heard, "the trace says the same");

    visit(&app, "/fail");
    assert_eq!(
        log.take(),
        [
            "appcontext_pushed",
            "request_started",
            "got_request_exception",
            "request_finished",
            "request_tearing_down",
            "appcontext_tearing_down",
            "appcontext_popped",
        ]
    );
}

#[test]
fn each_signal_brings_what_it_is_about() {
    let log = Log::default();
    let mut app = app();
    app.route("/fail", fail);
    app.route("/flash", || {
        flash("saved")?;
        Ok::<_, Error>("x")
    });
    let seen = log.clone();
    let finished = signals::REQUEST_FINISHED.connected_to(&app, move |_: &App, it: &Response| {
        seen.add(format!("finished {}", it.status_code()));
    });
    let seen = log.clone();
    let exception =
        signals::GOT_REQUEST_EXCEPTION.connected_to(&app, move |_: &App, it: &Error| {
            seen.add(format!("got {}", it.type_name()));
        });
    let seen = log.clone();
    let down =
        signals::REQUEST_TEARING_DOWN.connected_to(&app, move |_: &App, it: &Option<Error>| {
            seen.add(format!("tearing down {:?}", it.is_some()));
        });
    let seen = log.clone();
    let flashed = signals::MESSAGE_FLASHED.connected_to(&app, move |_: &App, it: &Flash| {
        seen.add(format!("flashed {} {}", it.category, it.message));
    });
    let _connected = (finished, exception, down, flashed);

    visit(&app, "/fail");
    assert_eq!(
        log.take(),
        ["got DbError", "finished 500", "tearing down true"]
    );
    visit(&app, "/flash");
    assert_eq!(
        log.take(),
        [
            "flashed message saved",
            "finished 200",
            "tearing down false"
        ]
    );
}

#[test]
fn a_receiver_may_use_the_contexts_and_is_told_which_app_sends() {
    let log = Log::default();
    let seen = log.clone();
    let mut app = app();
    app.route("/cart", hello);
    let _connected = signals::REQUEST_STARTED.connected_to(&app, move |app: &App, (): &()| {
        seen.add(format!("{} {}", app.name(), request().path()));
    });
    visit(&app, "/cart");
    assert_eq!(log.take(), ["shop /cart"]);
}

#[test]
fn receivers_run_in_the_order_in_which_they_connected() {
    let log = Log::default();
    let mut app = app();
    app.route("/", hello);
    let receivers = ["first", "second", "third"].map(|name| {
        let seen = log.clone();
        signals::REQUEST_STARTED.connected_to(&app, move |_: &App, (): &()| seen.add(name))
    });
    visit(&app, "/");
    assert_eq!(log.take(), ["first", "second", "third"]);
    drop(receivers);
}

#[test]
fn a_receiver_hears_its_sender_only_unless_it_connected_to_all() {
    let log = Log::default();
    let (shop, blog) = (app(), App::new("blog"));
    let seen = log.clone();
    let of_all = signals::APPCONTEXT_POPPED.connect(move |app: &App, (): &()| {
        // Other tests' apps send too.
        if app.name() == "blog" {
            seen.add("all: blog");
        }
    });
    let seen = log.clone();
    let of_shop = signals::APPCONTEXT_POPPED.connect_via(&shop, move |app: &App, (): &()| {
        seen.add(format!("shop's: {}", app.name()));
    });
    shop.app_context().with(|| ()).unwrap();
    blog.app_context().with(|| ()).unwrap();
    assert_eq!(log.take(), ["shop's: shop", "all: blog"]);
    signals::APPCONTEXT_POPPED.disconnect(of_all);
    signals::APPCONTEXT_POPPED.disconnect(of_shop);
}

#[test]
fn a_receiver_that_disconnected_hears_nothing_more() {
    let log = Log::default();
    let app = app();
    let receiver =
        signals::APPCONTEXT_PUSHED.connect_via(&app, heard(&log, &signals::APPCONTEXT_PUSHED));
    app.app_context().with(|| ()).unwrap();
    signals::APPCONTEXT_PUSHED.disconnect(receiver);
    signals::APPCONTEXT_PUSHED.disconnect(receiver);
    app.app_context().with(|| ()).unwrap();
    assert_eq!(log.take(), ["appcontext_pushed"]);
}

#[test]
fn connected_to_lasts_as_long_as_its_guard_even_through_a_panic() {
    let log = Log::default();
    let app = app();
    let result = carafe::error::catch(|| {
        let _connected =
            signals::APPCONTEXT_PUSHED.connected_to(&app, heard(&log, &signals::APPCONTEXT_PUSHED));
        app.app_context().with(|| ())?;
        let floor: Option<()> = None;
        floor.expect("the floor is gone");
        Ok(())
    });
    assert!(result.is_err());
    app.app_context().with(|| ()).unwrap();
    assert_eq!(log.take(), ["appcontext_pushed"]);
}

#[test]
fn a_receiver_may_connect_another_while_it_runs_which_hears_the_next_send() {
    let log = Log::default();
    let app = app();
    let seen = log.clone();
    let _connected = signals::APPCONTEXT_PUSHED.connected_to(&app, move |app: &App, (): &()| {
        seen.add("outer");
        let seen = seen.clone();
        signals::APPCONTEXT_PUSHED.connect_via(app, move |_: &App, (): &()| seen.add("inner"));
    });
    app.app_context().with(|| ()).unwrap();
    assert_eq!(log.take(), ["outer"]);
    app.app_context().with(|| ()).unwrap();
    assert_eq!(log.take(), ["outer", "inner"]);
}

fn forbid<A>(_app: &App, _data: &A) -> Result<(), Error> {
    Err(abort(403))
}

#[test]
fn a_receiver_that_fails_keeps_those_after_it_from_hearing() {
    let log = Log::default();
    let app = app();
    let _connected = (
        signals::APPCONTEXT_PUSHED.connected_to(&app, forbid),
        signals::APPCONTEXT_PUSHED.connected_to(&app, heard(&log, &signals::APPCONTEXT_PUSHED)),
    );
    assert!(app.app_context().with(|| ()).is_err());
    assert!(log.take().is_empty());
}

#[test]
fn a_receiver_of_request_started_that_fails_is_handled_as_if_the_view_had_failed() {
    let mut app = app();
    app.before_request(common::before);
    app.route("/", hello);
    app.errorhandler(403, |error: &HttpException| (error.name(), 403));
    let _connected = signals::REQUEST_STARTED.connected_to(&app, forbid);
    let (response, trace) = visit(&app, "/");
    assert_eq!(
        (response.status_code(), response.text().as_str()),
        (403, "Forbidden")
    );
    assert_eq!(trace.hooks(), ["errorhandler <lambda>"]);
}

#[test]
fn a_receiver_of_request_finished_that_fails_makes_a_500_that_is_announced_too() {
    let mut app = app();
    app.route("/", hello);
    app.after_request(common::after);
    let _connected = signals::REQUEST_FINISHED.connected_to(&app, forbid);
    let (response, trace) = visit(&app, "/");
    assert_eq!(response.status_code(), 500);
    assert_eq!(
        calls(&trace),
        [
            "signal appcontext_pushed",
            "signal request_started",
            "view hello",
            "after_request after",
            "signal request_finished",
            "signal got_request_exception",
            "after_request after",
            "signal request_finished",
            "signal request_tearing_down",
            "signal appcontext_tearing_down",
            "signal appcontext_popped",
        ]
    );
}

#[test]
fn a_receiver_of_got_request_exception_that_fails_lets_its_error_leave_the_app() {
    let mut app = app();
    app.route("/", fail);
    app.after_request(common::after);
    app.teardown_request(common::teardown);
    let _connected = signals::GOT_REQUEST_EXCEPTION.connected_to(&app, forbid);
    let (result, trace) = try_visit(&app, "/");
    assert_eq!(result.unwrap_err().type_name(), "Forbidden");
    assert_eq!(
        calls(&trace)[2..5],
        [
            "view fail raises DbError",
            "signal got_request_exception",
            "teardown_request teardown",
        ]
    );
}

#[test]
fn a_receiver_of_request_tearing_down_that_fails_leaves_the_app_after_all_is_popped() {
    let mut app = app();
    app.route("/", hello);
    let _connected = signals::REQUEST_TEARING_DOWN.connected_to(&app, forbid);
    let (result, trace) = try_visit(&app, "/");
    assert_eq!(result.unwrap_err().type_name(), "Forbidden");
    assert!(!carafe::has_app_context() && !carafe::has_request_context());
    assert_eq!(
        subtree(&trace, "AppContext.pop").last().unwrap(),
        "  signal appcontext_popped"
    );
}

#[test]
fn a_receiver_of_appcontext_tearing_down_that_fails_leaves_the_last_signal_unsent() {
    let mut app = app();
    app.route("/", hello);
    let _connected = signals::APPCONTEXT_TEARING_DOWN.connected_to(&app, forbid);
    let (result, trace) = try_visit(&app, "/");
    assert_eq!(result.unwrap_err().type_name(), "Forbidden");
    assert!(!carafe::has_app_context() && !carafe::has_request_context());
    assert_eq!(trace.signals().last().unwrap(), "appcontext_tearing_down");
}

#[test]
fn a_receiver_of_message_flashed_that_fails_makes_the_flash_fail() {
    fn broken(_app: &App, _flash: &Flash) -> Result<(), Error> {
        Err(DbError("down").into())
    }
    let mut app = app();
    app.route("/", || Ok::<_, Error>(flash("saved").is_err().to_string()));
    let _connected = signals::MESSAGE_FLASHED.connected_to(&app, broken);
    assert_eq!(get(&app, "/").1, "true");
}
