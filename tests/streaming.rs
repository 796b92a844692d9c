//! Streaming: a body that is made while the server sends it, after the request is over.
//!
//! The code: `stream_with_context` in `src/context/copy.rs`, `Body` in `src/wsgi.rs`. Next:
//! `threads.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::wsgi::Body;
use carafe::{
    App, Error, Response, Scaffold, flash, g, get_flashed_messages, has_app_context,
    has_request_context, request, session, signals, stream_with_context,
};
use common::{DbError, Log, app, call, calls, get, record};

/// The chunks `0`, `1` and `2`, each with what its maker sees; the second may fail.
struct Chunks {
    next: usize,
    log: Log,
    second: fn() -> Result<(), Error>,
}

impl Iterator for Chunks {
    type Item = Result<String, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.next;
        if number == 3 {
            self.log.add("end");
            return None;
        }
        self.next += 1;
        self.log.add(format!("chunk {number}"));
        if number == 1
            && let Err(error) = (self.second)()
        {
            return Some(Err(error));
        }
        Some(Ok(format!("{}:{number} ", request().path())))
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        let at = if has_request_context() {
            "in"
        } else {
            "outside"
        };
        self.log.add(format!("chunks dropped {at} the context"));
    }
}

/// An app that streams at `/`, whose functions and signals write into the log.
fn streaming_app(log: &Log, second: fn() -> Result<(), Error>) -> App {
    let mut app = app();
    let seen = log.clone();
    app.route("/", move || {
        let chunks = Chunks {
            next: 0,
            log: seen.clone(),
            second,
        };
        let mut response = Response::stream(stream_with_context(chunks));
        let seen = seen.clone();
        response.call_on_close(move || {
            seen.add(format!(
                "close callback, context: {}",
                has_request_context()
            ));
        });
        response
    });
    let seen = log.clone();
    app.after_request(move |_response: &mut Response| seen.add("after_request"));
    let seen = log.clone();
    app.teardown_request(move |error: Option<&Error>| {
        seen.add(format!("teardown_request {error:?}"));
    });
    let seen = log.clone();
    app.teardown_appcontext(move |error: Option<&Error>| {
        seen.add(format!("teardown_appcontext {error:?}"));
    });
    app
}

fn fine() -> Result<(), Error> {
    Ok(())
}

fn next(body: &mut Body) -> String {
    String::from_utf8(body.next().unwrap().unwrap().to_vec()).unwrap()
}

/// Nothing is left on the stacks of this thread.
fn no_contexts() -> bool {
    !has_app_context() && !has_request_context()
}

const THE_REQUEST: [&str; 3] = [
    "after_request",
    "teardown_request None",
    "teardown_appcontext None",
];

#[test]
fn a_stream_that_is_read_to_the_end_is_torn_down_once_more_there() {
    let log = Log::default();
    let app = streaming_app(&log, fine);

    let (_, headers, mut body) = call(&app, "/");
    assert!(!headers.contains_key("content-length"));
    assert_eq!(log.take(), THE_REQUEST);

    assert_eq!(next(&mut body), "/:0 ");
    assert!(no_contexts());
    assert_eq!(next(&mut body), "/:1 ");
    assert_eq!(next(&mut body), "/:2 ");
    assert!(body.next().is_none());
    assert!(no_contexts());
    // The server may ask again.
    assert!(body.next().is_none());
    drop(body);

    assert_eq!(
        log.take(),
        [
            "chunk 0",
            "chunk 1",
            "chunk 2",
            "end",
            "chunks dropped in the context",
            "teardown_request None",
            "teardown_appcontext None",
            "close callback, context: false",
        ]
    );
}

#[test]
fn the_trace_of_a_stream_goes_on_after_wsgi_app() {
    let log = Log::default();
    let app = streaming_app(&log, fine);
    let (body, trace) = record(|| call(&app, "/").2.into_bytes());
    assert_eq!(body.unwrap(), "/:0 /:1 /:2 ");
    assert_eq!(
        calls(&trace),
        [
            "signal appcontext_pushed",
            "signal request_started",
            "view <lambda>",
            "after_request <lambda>",
            "signal request_finished",
            "teardown_request <lambda>",
            "signal request_tearing_down",
            "teardown_appcontext <lambda>",
            "signal appcontext_tearing_down",
            "signal appcontext_popped",
            // Here the server has the status and the headers, and reads the first chunk.
            "signal appcontext_pushed",
            "teardown_request <lambda>",
            "signal request_tearing_down",
            "teardown_appcontext <lambda>",
            "signal appcontext_tearing_down",
            "signal appcontext_popped",
        ]
    );
}

#[test]
fn a_stream_that_is_dropped_early_is_torn_down_there() {
    let log = Log::default();
    let app = streaming_app(&log, fine);
    let (.., mut body) = call(&app, "/");
    next(&mut body);
    drop(body);
    assert!(no_contexts());
    assert_eq!(log.take()[..3], THE_REQUEST);

    let (.., mut body) = call(&app, "/");
    log.take();
    next(&mut body);
    body.close();
    assert_eq!(
        log.take(),
        [
            "chunk 0",
            "chunks dropped in the context",
            "teardown_request None",
            "teardown_appcontext None",
            "close callback, context: false",
        ]
    );
    assert!(body.next().is_none());
}

#[test]
fn a_stream_that_nobody_reads_pushes_nothing() {
    let log = Log::default();
    let app = streaming_app(&log, fine);
    let (.., body) = call(&app, "/");
    assert_eq!(log.take(), THE_REQUEST);
    drop(body);
    assert_eq!(
        log.take(),
        [
            "chunks dropped outside the context",
            "close callback, context: false",
        ]
    );
}

#[test]
fn a_head_request_reads_nothing_of_its_stream() {
    let log = Log::default();
    let app = streaming_app(&log, fine);
    let response = app.test_client().head("/").send().unwrap();
    assert_eq!(
        (response.status_code(), response.text().as_str()),
        (200, "")
    );
    let lines = log.take();
    assert!(!lines.contains(&"chunk 0".to_owned()), "{lines:?}");
    assert_eq!(lines.last().unwrap(), "close callback, context: false");
}

#[test]
fn a_chunk_that_fails_ends_the_stream_and_the_teardown_functions_get_its_error() {
    let log = Log::default();
    let app = streaming_app(&log, || Err(DbError("no more rows").into()));
    let (.., mut body) = call(&app, "/");
    log.take();

    next(&mut body);
    let error = body.next().unwrap().unwrap_err();
    assert_eq!(format!("{error:?}"), "DbError: no more rows");
    assert!(no_contexts());
    assert!(body.next().is_none());
    drop(body);

    assert_eq!(
        log.take(),
        [
            "chunk 0",
            "chunk 1",
            "chunks dropped in the context",
            "teardown_request Some(DbError: no more rows)",
            "teardown_appcontext Some(DbError: no more rows)",
            "close callback, context: false",
        ]
    );
}

#[test]
fn a_chunk_that_panics_is_an_error_of_the_stream() {
    let log = Log::default();
    let app = streaming_app(&log, || panic!("the floor is gone"));
    let error = call(&app, "/").2.into_bytes().unwrap_err();
    assert!(error.is_panic());
    assert!(no_contexts());
    let lines = log.take();
    let torn_down = "teardown_request Some(Panic: the floor is gone)";
    assert!(lines.contains(&torn_down.to_owned()), "{lines:?}");
}

#[test]
fn a_stream_without_contexts_that_panics_is_an_error_too_and_its_end() {
    let mut app = app();
    app.route("/", || {
        Response::stream((0..3).map(|number| match number {
            1 => panic!("the floor is gone"),
            number => number.to_string(),
        }))
    });
    let mut body = call(&app, "/").2;
    assert_eq!(next(&mut body), "0");
    assert!(body.next().unwrap().unwrap_err().is_panic());
    assert!(body.next().is_none());
}

#[test]
fn a_stream_that_fails_is_past_the_error_handlers() {
    let log = Log::default();
    let mut app = streaming_app(&log, || Err(DbError("no more rows").into()));
    app.errorhandler_for(|_error: &Error| "handled");
    let (status, _, body) = call(&app, "/");
    assert_eq!(status, 200);
    assert!(body.into_bytes().is_err());
}

#[test]
fn other_requests_are_served_on_the_same_thread_between_two_chunks() {
    let log = Log::default();
    let mut app = streaming_app(&log, fine);
    app.route("/<name>", |name: String| {
        session().insert("name", &name)?;
        Ok::<_, Error>(format!("hello, {name}"))
    });
    let (.., mut first) = call(&app, "/");
    let (.., mut second) = call(&app, "/");

    assert_eq!(next(&mut first), "/:0 ");
    assert_eq!(get(&app, "/jack").1, "hello, jack");
    assert_eq!(next(&mut second), "/:0 ");
    assert_eq!(next(&mut first), "/:1 ");
    assert!(no_contexts());
    assert_eq!(get(&app, "/jill").1, "hello, jill");
    // In the order in which a stack would not have it.
    drop(first);
    assert_eq!(next(&mut second), "/:1 ");
    drop(second);
    assert!(no_contexts());
}

#[test]
fn a_stream_may_be_read_on_another_thread() {
    let log = Log::default();
    let app = streaming_app(&log, fine);
    let (.., mut body) = call(&app, "/");
    assert_eq!(next(&mut body), "/:0 ");
    let rest = std::thread::spawn(move || (body.into_bytes(), no_contexts()));
    let (rest, popped) = rest.join().unwrap();
    assert_eq!(rest.unwrap(), "/:1 /:2 ");
    assert!(popped);
}

#[test]
fn a_stream_that_is_read_before_its_request_ends_runs_in_the_contexts_that_are_there() {
    let log = Log::default();
    let mut app = streaming_app(&log, fine);
    let seen = log.clone();
    app.after_request(move |response: &mut Response| {
        seen.add(format!("read {} bytes", response.get_data()?.len()));
        Ok::<_, Error>(())
    });

    let (text, trace) = record(|| get(&app, "/").1);

    assert_eq!(text, "/:0 /:1 /:2 ");
    // The app context is pushed once more for the stream, and torn down once, as in Flask.
    let signals = trace.signals();
    let count = |signal: &str| signals.iter().filter(|name| *name == signal).count();
    assert_eq!(count("appcontext_pushed"), 2);
    assert_eq!(count("request_tearing_down"), 1);
    assert_eq!(count("appcontext_tearing_down"), 1);
    assert!(no_contexts());
}

#[test]
fn a_stream_sees_the_session_and_the_g_of_its_request() {
    let mut app = app();
    app.route("/", || {
        session().insert("username", "jack")?;
        g().set("greeting", "hello");
        let mut parts = ["greeting", "username"].into_iter();
        let words = std::iter::from_fn(move || {
            parts.next().map(|part| match part {
                "greeting" => g().get::<&str>("greeting").unwrap_or("-").to_owned(),
                _ => session().get::<String>("username").unwrap_or_default(),
            })
        });
        Ok::<_, Error>(Response::stream(stream_with_context(words)))
    });
    assert_eq!(get(&app, "/").1, "hellojack");
}

#[test]
fn what_a_stream_writes_into_the_session_comes_too_late_for_the_cookie() {
    let mut app = app();
    app.route("/", || {
        let chunks = ["late"].into_iter().map(|chunk| {
            session().insert("late", true)?;
            Ok::<_, Error>(chunk)
        });
        Response::stream(stream_with_context(chunks))
    });
    let mut client = app.test_client();
    let response = client.get("/").send().unwrap();
    assert_eq!(response.text(), "late");
    assert_eq!(response.header("Set-Cookie"), None);
}

#[test]
fn a_stream_without_its_context_has_none() {
    let mut app = app();
    app.route("/", || {
        let mut left = 1;
        Response::stream(std::iter::from_fn(move || {
            left -= 1;
            (left >= 0).then(|| format!("{}", has_request_context()))
        }))
    });
    assert_eq!(get(&app, "/").1, "false");
}

#[test]
fn stream_with_context_takes_a_request_context() {
    let result = carafe::error::catch(|| {
        drop(stream_with_context(["chunk"]));
        Ok(())
    });
    assert_eq!(
        result.unwrap_err().to_string(),
        "'stream_with_context' can only be used when a request context is active, such as in a \
         view function."
    );
}

#[test]
fn close_callbacks_run_once_and_in_order_and_one_that_panics_stops_no_other() {
    let log = Log::default();
    let mut app = app();
    let seen = log.clone();
    app.route("/", move || {
        let mut response = Response::new("hello");
        for name in ["first", "second"] {
            let seen = seen.clone();
            response.call_on_close(move || seen.add(name));
            response.call_on_close(|| panic!("the floor is gone"));
        }
        response
    });
    let (.., mut body) = call(&app, "/");
    assert!(log.take().is_empty(), "they wait for the server");
    assert_eq!(next(&mut body), "hello");
    body.close();
    drop(body);
    assert_eq!(log.take(), ["first", "second"]);
}

#[test]
fn a_teardown_that_fails_at_the_end_of_a_stream_is_an_error_of_the_stream() {
    fn refuse(_app: &App, _error: &Option<Error>) -> Result<(), Error> {
        Err(DbError("still in use").into())
    }
    let log = Log::default();
    let app = streaming_app(&log, fine);
    let (.., mut body) = call(&app, "/");
    let _connected = signals::REQUEST_TEARING_DOWN.connected_to(&app, refuse);
    for _ in 0..3 {
        next(&mut body);
    }
    let error = body.next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "still in use");
    assert!(body.next().is_none());
    assert!(no_contexts());
}

#[test]
fn a_chunk_that_leaves_a_context_behind_leaves_none_to_who_comes_next() {
    let mut app = app();
    app.route("/", || {
        let chunk = || {
            g().set("user", "jack".to_owned());
            let inner = carafe::current_app().test_request_context("/").unwrap();
            inner.push().unwrap();
            "chunk"
        };
        Response::stream(stream_with_context(std::iter::repeat_with(chunk).take(2)))
    });
    let body = call(&app, "/").2;
    for chunk in body {
        assert_eq!(chunk.unwrap(), "chunk");
        assert!(!has_app_context() && !has_request_context());
    }
}

/// Chunks that panic when they are dropped.
struct Explosive;

impl Drop for Explosive {
    fn drop(&mut self) {
        panic!("while it is dropped");
    }
}

#[test]
fn a_stream_that_panics_while_it_is_dropped_leaves_no_context_to_who_comes_next() {
    let log = Log::default();
    let mut app = app();
    let seen = log.clone();
    app.teardown_request(move |error: Option<&Error>| seen.add(format!("{error:?}")));
    app.route("/", || {
        let explosive = Explosive;
        Response::stream(stream_with_context((0..1).map(move |number| {
            let _kept = &explosive;
            number.to_string()
        })))
    });

    // Its client leaves after the first chunk.
    let mut body = call(&app, "/").2;
    assert_eq!(next(&mut body), "0");
    drop(body);
    assert!(no_contexts());

    // It is read to the end.
    let mut body = call(&app, "/").2;
    assert_eq!(next(&mut body), "0");
    let error = body.next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "while it is dropped");
    assert!(body.next().is_none());
    assert!(no_contexts());

    // Each time the request has ended before its stream did.
    let panic = "Some(Panic: while it is dropped)";
    assert_eq!(log.take(), ["None", panic, "None", panic]);
}

#[test]
fn messages_that_one_chunk_showed_are_there_for_the_next_one() {
    let mut app = app();
    app.route("/", || {
        flash("saved")?;
        let shown = |_| Ok::<_, Error>(format!("{} ", get_flashed_messages()?.len()));
        Ok::<_, Error>(Response::stream(stream_with_context((0..2).map(shown))))
    });

    assert_eq!(get(&app, "/").1, "1 1 ");
}
