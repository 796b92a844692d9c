//! Streams: a body that is made while it is sent, with or without the request's contexts.
//!
//! The code: `src/context/copy.rs`, `stream_with_context`, and `src/wsgi.rs`, `Body`. The order of
//! events is Flask 3.1.3's. Next: `threads.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use bytes::Bytes;
use carafe::{
    App, Error, Response, Scaffold, g, has_app_context, has_request_context, request, session,
    signals, stream_with_context,
};
use common::{DbError, Log, app, call, get, hello};

/// An app that logs its teardown, and streams three chunks at `/stream`.
fn streaming() -> (App, Log) {
    let log = Log::default();
    let mut app = app();
    let seen = log.clone();
    app.teardown_request(move |error: Option<&Error>| {
        seen.add(format!(
            "teardown {}",
            error.map_or("None", |e| e.type_name())
        ));
    });
    let seen = log.clone();
    app.teardown_appcontext(move |error: Option<&Error>| {
        seen.add(format!(
            "appcontext {}",
            error.map_or("None", |e| e.type_name())
        ));
    });
    let seen = log.clone();
    app.route("/stream", move || {
        g().set("x", 1_i64);
        session().insert("a", 2)?;
        let closing = Closing(seen.clone());
        let chunk = seen.clone();
        let chunks = (1..=3).map(move |n| {
            let _kept = &closing;
            chunk.add(format!("chunk {n}"));
            let (x, a) = (g().get::<i64>("x"), session().get::<i64>("a"));
            format!("{} {x:?} {a:?}\n", request().path())
        });
        let mut response = Response::stream(stream_with_context(chunks));
        let seen = seen.clone();
        response.call_on_close(move || seen.add(format!("on close {}", has_request_context())));
        Ok::<_, Error>(response)
    });
    app.route("/broken", || {
        let chunks = [Ok("a"), Err(Error::from(DbError("down"))), Ok("never")];
        Response::stream(stream_with_context(chunks))
    });
    app.route("/explosive", || {
        let chunks = (0..3).map(|n| match n {
            0 => "a",
            _ => panic!("the floor is gone"),
        });
        Response::stream(stream_with_context(chunks))
    });
    app.route("/", hello);
    (app, log)
}

/// Says when the stream's own values are dropped: Python's `finally` in the generator.
struct Closing(Log);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0
            .add(format!("generator closed {}", has_request_context()));
    }
}

fn nothing_left() -> bool {
    !has_app_context() && !has_request_context()
}

#[test]
fn a_stream_sees_request_session_and_g_after_the_view_has_returned() {
    let (app, _) = streaming();
    let line = "/stream Some(1) Some(2)\n";
    assert_eq!(get(&app, "/stream"), (200, line.repeat(3)));
    assert!(nothing_left());
}

#[test]
fn the_contexts_are_torn_down_at_the_end_of_the_request_and_again_at_the_end_of_the_stream() {
    let (app, log) = streaming();

    let (_, _, body) = call(&app, "/stream");
    assert_eq!(log.take(), ["teardown None", "appcontext None"]);

    drop(body.into_bytes().unwrap());
    assert_eq!(
        log.take(),
        [
            "chunk 1",
            "chunk 2",
            "chunk 3",
            "generator closed true",
            "teardown None",
            "appcontext None",
            "on close false",
        ]
    );
}

#[test]
fn a_stream_that_is_dropped_early_is_torn_down_all_the_same() {
    let (app, log) = streaming();
    let (_, _, mut body) = call(&app, "/stream");
    log.take();

    assert!(body.next().is_some());
    assert!(nothing_left(), "between two chunks");
    drop(body);

    assert_eq!(
        log.take(),
        [
            "chunk 1",
            "generator closed true",
            "teardown None",
            "appcontext None",
            "on close false",
        ]
    );
    assert!(nothing_left());
}

#[test]
fn a_stream_that_is_never_read_pushes_nothing() {
    let (app, log) = streaming();
    let (_, _, body) = call(&app, "/stream");
    log.take();
    drop(body);
    assert_eq!(log.take(), ["generator closed false", "on close false"]);
}

#[test]
fn other_requests_may_be_served_between_two_chunks() {
    let (app, _) = streaming();
    let (_, _, mut first) = call(&app, "/stream");
    let (_, _, mut second) = call(&app, "/stream");
    let mut texts = Vec::new();
    for _ in 0..3 {
        texts.push(first.next().unwrap().unwrap());
        assert_eq!(get(&app, "/").1, "hello");
        assert!(nothing_left());
        texts.push(second.next().unwrap().unwrap());
    }
    assert!(first.next().is_none() && second.next().is_none());
    assert!(texts.iter().all(|text| text == "/stream Some(1) Some(2)\n"));
    assert!(nothing_left());
}

#[test]
fn a_stream_may_be_sent_from_another_thread() {
    let (app, _) = streaming();
    let (_, _, body) = call(&app, "/stream");
    let sent = std::thread::spawn(move || (body.into_bytes().unwrap(), nothing_left()));
    let (bytes, nothing_left_there) = sent.join().unwrap();
    assert_eq!(bytes, "/stream Some(1) Some(2)\n".repeat(3));
    assert!(nothing_left_there && nothing_left());
}

#[test]
fn an_error_in_a_stream_ends_it_and_the_teardown_functions_get_it() {
    for (path, type_name) in [("/broken", "DbError"), ("/explosive", "Panic")] {
        let (app, log) = streaming();
        let (status, _, mut body) = call(&app, path);
        assert_eq!(status, 200, "the headers were sent by then");
        log.take();

        assert_eq!(body.next().unwrap().unwrap(), "a");
        let error = body.next().unwrap().unwrap_err();
        assert_eq!(error.type_name(), type_name);
        assert!(body.next().is_none());
        assert_eq!(
            log.take(),
            [
                format!("teardown {type_name}"),
                format!("appcontext {type_name}")
            ]
        );
        assert!(nothing_left());
    }
}

#[test]
fn a_stream_sends_appcontext_pushed_and_the_teardown_signals_once_more() {
    let (app, _) = streaming();
    let (_, trace) = common::visit(&app, "/stream");
    let once = [
        "appcontext_pushed",
        "request_tearing_down",
        "appcontext_tearing_down",
        "appcontext_popped",
    ];
    let sent = trace.signals();
    assert_eq!(sent[sent.len() - 4..], once);
    for signal in once {
        assert_eq!(sent.iter().filter(|name| *name == signal).count(), 2);
    }
}

#[test]
fn a_receiver_that_fails_when_the_stream_pushes_ends_the_stream() {
    fn refuse(_app: &App, (): &()) -> Result<(), Error> {
        Err(DbError("not twice").into())
    }
    let (app, log) = streaming();
    let (_, _, mut body) = call(&app, "/stream");
    log.take();
    let _connected = signals::APPCONTEXT_PUSHED.connected_to(&app, refuse);
    assert_eq!(body.next().unwrap().unwrap_err().type_name(), "DbError");
    assert!(body.next().is_none());
    assert!(nothing_left());
}

#[test]
fn what_a_stream_changes_in_the_session_is_not_saved() {
    let mut app = app();
    app.route("/", || {
        let chunks = (0..1).map(|_| session().insert("late", true).map(|()| "x"));
        Response::stream(stream_with_context(chunks))
    });
    let mut client = app.test_client();
    assert_eq!(client.get("/").send().unwrap().text(), "x");
    assert_eq!(client.get_cookie("session"), None);
}

#[test]
fn without_stream_with_context_a_stream_has_no_context() {
    let mut app = app();
    app.route("/", || {
        let chunks = (0..2).map(|n| Ok(Bytes::from(format!("{n} {}\n", has_request_context()))));
        Response::stream(chunks)
    });
    assert_eq!(get(&app, "/").1, "0 false\n1 false\n");
}

#[test]
fn a_stream_has_no_content_length_and_head_does_not_read_it() {
    let (app, log) = streaming();
    let mut client = app.test_client();
    let response = client.head("/stream").send().unwrap();
    assert_eq!(response.header("Content-Length"), None);
    assert_eq!(response.text(), "");
    let seen = log.take();
    assert!(
        !seen.iter().any(|line| line.starts_with("chunk")),
        "{seen:?}"
    );
    assert!(seen.contains(&"on close false".to_owned()));
}

#[test]
fn close_callbacks_run_in_order_once_and_a_panic_in_one_stops_no_other() {
    let log = Log::default();
    let mut app = app();
    let seen = log.clone();
    app.route("/", move || {
        let mut response = Response::new("hello");
        let (first, last) = (seen.clone(), seen.clone());
        response.call_on_close(move || first.add("first"));
        response.call_on_close(|| panic!("the floor is gone"));
        response.call_on_close(move || last.add("last"));
        response
    });
    let (_, _, mut body) = call(&app, "/");
    assert!(log.take().is_empty());
    body.close();
    drop(body);
    assert_eq!(log.take(), ["first", "last"]);
}

#[test]
fn an_after_function_may_read_a_stream_which_is_bytes_from_then_on() {
    let mut app = app();
    app.route("/", || {
        Response::stream(stream_with_context(["a", "b", "c"]))
    });
    app.after_request(|response: &mut Response| {
        let text = response.get_data()?;
        response.set_header("X-Length", &text.len().to_string())
    });
    let response = app.test_client().get("/").send().unwrap();
    assert_eq!(response.text(), "abc");
    assert_eq!(response.header("X-Length").as_deref(), Some("3"));
}
