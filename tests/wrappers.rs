//! What Carafe's requests, responses and errors promise, beyond what `wrappers_oracle.rs` compares.

#![allow(
    clippy::expect_used,
    reason = "helpers of tests say what went wrong, too"
)]

use std::borrow::Cow;
use std::io::{self, Cursor, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use carafe::App;
use carafe::error::{Error, Panic, PyError, catch};
use carafe::value::Value;
use carafe::wrappers::cookies::cookie_value;
use carafe::wrappers::host::host_is_trusted;
use carafe::wrappers::{
    EnvironBuilder, HttpException, Request, Response, SetCookie, abort, redirect,
};
use carafe::wsgi::{Body, Environ};
use http::Method;

#[derive(Debug)]
struct DbError {
    code: i32,
}

impl std::fmt::Display for DbError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "database error {}", self.code)
    }
}

impl std::error::Error for DbError {}

#[test]
fn the_question_mark_keeps_the_type_of_an_error() {
    let error = Error::from(DbError { code: 7 });
    assert_eq!(error.type_name(), "DbError");
    assert_eq!(error.type_id(), std::any::TypeId::of::<DbError>());
    assert_eq!(
        error.downcast_ref::<DbError>().map(|error| error.code),
        Some(7)
    );
    assert!(error.as_http().is_none() && !error.is_panic());
    assert_eq!(format!("{error:?}"), "DbError: database error 7");
}

#[test]
fn the_question_mark_knows_http_errors_and_panics() {
    let error = Error::from(HttpException::not_found());
    assert!(error.is::<HttpException>());
    assert_eq!(
        error.as_http().map(HttpException::class_name),
        Some("NotFound")
    );
    let error = catch(|| -> Result<(), Error> { panic!("oh") }).unwrap_err();
    let panic = error.downcast_ref::<Panic>().expect("a panic").clone();
    assert!(Error::from(panic).is_panic());
}

#[test]
fn python_errors_go_by_their_python_names() {
    assert_eq!(Error::runtime("x").type_name(), "RuntimeError");
    assert_eq!(
        Error::lookup("x")
            .downcast_ref::<PyError>()
            .map(|error| error.kind),
        Some("LookupError")
    );
    let via_question_mark = Error::from(PyError {
        kind: "KeyError",
        message: "k".into(),
    });
    assert_eq!(via_question_mark.type_name(), "KeyError");
}

#[test]
fn a_clone_of_an_error_is_the_same_error() {
    let error = Error::from(DbError { code: 1 });
    assert!(error.ptr_eq(&error.clone()));
    assert!(!error.ptr_eq(&Error::from(DbError { code: 1 })));
}

#[test]
fn a_500_names_the_error_that_caused_it() {
    let original = Error::from(DbError { code: 3 });
    let error = Error::from(HttpException::internal_server_error(Some(original)));
    assert_eq!(error.type_name(), "InternalServerError");
    assert!(format!("{error:?}").ends_with("caused by: database error 3"));
}

#[test]
fn catch_passes_on_values_and_errors() {
    assert_eq!(catch(|| Ok(1)).expect("no error"), 1);
    let error = catch(|| -> Result<(), Error> { Err(DbError { code: 2 }.into()) }).unwrap_err();
    assert!(error.is::<DbError>());
}

#[test]
fn close_callbacks_run_once_in_order_whatever_happens_to_the_body() {
    for how in ["dropped", "closed", "read", "panicked"] {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let mut response = Response::stream(["a", "b"]);
        for name in ["first", "second", "third"] {
            let calls = Arc::clone(&calls);
            response.call_on_close(move || {
                calls.lock().expect("no panic while locked").push(name);
                assert!(how != "panicked" || name != "second", "a callback panics");
            });
        }
        let (_, _, mut body) = response.into_wsgi(&Method::GET);
        match how {
            "closed" => {
                body.close();
                body.close();
                assert!(body.next().is_none(), "a closed body has no chunk left");
            }
            "read" => assert_eq!(body.into_bytes().expect("no error"), "ab"),
            _ => drop(body),
        }
        assert_eq!(
            *calls.lock().expect("no panic while locked"),
            ["first", "second", "third"],
            "{how}"
        );
    }
}

#[test]
fn close_callbacks_run_where_the_body_is_left_out() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let mut response = Response::new("not for a HEAD");
    response.call_on_close(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let (_, headers, body) = response.into_wsgi(&Method::HEAD);
    assert_eq!(headers["content-length"], "14");
    assert_eq!(body.known_len(), Some(0));
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    drop(body);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[test]
fn a_stream_has_no_content_length_and_reports_its_error() {
    let chunks = [
        Ok(Bytes::from("a")),
        Err(Error::runtime("the disk is gone")),
    ];
    let (_, headers, mut body) = Response::stream(chunks).into_wsgi(&Method::GET);
    assert!(!headers.contains_key("content-length"));
    assert_eq!(
        body.next().expect("a chunk").expect("the first is whole"),
        "a"
    );
    assert_eq!(
        body.next().expect("an error").unwrap_err().to_string(),
        "the disk is gone"
    );
}

#[test]
fn an_empty_body_has_no_chunk() {
    assert!(Body::from("").next().is_none());
}

#[test]
fn a_line_break_never_gets_into_a_header() {
    let mut response = Response::new("");
    for value in ["a\r\nSet-Cookie: x=1", "a\nb", "\r"] {
        let error = response.set_header("X-A", value).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Header values must not contain newline characters."
        );
        assert!(response.add_header("X-A", value).is_err());
        assert!(response.set_header("Location", value).is_err());
        assert!(response.set_content_type(value).is_err());
        assert!(redirect(value, 302).is_err());
        assert!(
            response
                .set_cookie_at(SetCookie::new("a\r\nb", value), 0)
                .is_err()
        );
    }
    assert!(response.set_header("X A", "1").is_err());
}

#[test]
fn a_status_is_a_number_or_a_text_that_starts_with_one() {
    let mut response = Response::default();
    response.set_status("418 I'M A TEAPOT").expect("a status");
    assert_eq!(response.status_code(), 418);
    for bad in ["", "teapot", "9", "20000"] {
        assert_eq!(
            response.set_status(bad).unwrap_err().type_name(),
            "ValueError",
            "{bad:?}"
        );
    }
    assert!(response.set_status(99).is_err());
}

#[test]
fn an_aborted_response_can_be_got_again_but_its_stream_only_once() {
    let error = abort(Response::new("page"));
    let http = error.as_http().expect("an HTTP error");
    assert_eq!((http.code, http.class_name()), (0, "HTTPException"));
    for _ in 0..2 {
        assert_eq!(http.get_response().get_data().expect("bytes"), "page");
    }
    let error = abort(Response::stream(["once"]));
    let http = error.as_http().expect("an HTTP error");
    assert_eq!(http.get_response().get_data().expect("bytes"), "once");
    assert_eq!(http.get_response().get_data().expect("bytes"), "");
}

fn post(body: &str) -> Environ {
    Environ::builder("/")
        .method("POST")
        .body(body.to_owned())
        .build()
        .expect("an environ")
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> Option<u16> {
    result
        .expect_err("an HTTP error")
        .as_http()
        .map(|http| http.code)
}

#[test]
fn a_body_without_a_length_is_empty_unless_the_server_ends_it() {
    let mut environ = post("hello");
    environ.headers.remove("content-length");
    assert_eq!(
        Request::from_environ(environ).get_data().expect("a body"),
        ""
    );
    let mut environ = post("hello");
    environ.headers.remove("content-length");
    environ.input_terminated = true;
    assert_eq!(
        Request::from_environ(environ).get_data().expect("a body"),
        "hello"
    );
}

#[test]
fn a_body_is_read_no_further_than_its_length() {
    let mut environ = post("12345");
    environ.input = Box::new(Cursor::new("12345 and the next request"));
    assert_eq!(
        Request::from_environ(environ).get_data().expect("a body"),
        "12345"
    );
}

#[test]
fn a_body_that_ends_early_or_fails_is_a_disconnected_client() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("reset"))
        }
    }
    let inputs: [Box<dyn Read + Send>; 2] = [Box::new(Cursor::new("12")), Box::new(Broken)];
    for input in inputs {
        let mut environ = post("12345");
        environ.input = input;
        let error = Request::from_environ(environ).get_data().unwrap_err();
        assert_eq!(error.type_name(), "ClientDisconnected");
    }
}

#[test]
fn a_body_beyond_max_content_length_is_a_413() {
    for terminated in [false, true] {
        for (limit, fits) in [(4, false), (5, true), (0, false)] {
            let mut environ = post("12345");
            if terminated {
                environ.headers.remove("content-length");
                environ.input_terminated = true;
            }
            let request = Request::from_environ(environ);
            request.set_max_content_length(Some(limit));
            if fits {
                assert_eq!(request.get_data().expect("it fits"), "12345");
            } else {
                assert_eq!(code(request.get_data()), Some(413));
                assert_eq!(code(request.data()), Some(413), "and it stays one");
            }
        }
    }
}

#[test]
fn a_length_that_no_machine_has_memory_for_costs_none() {
    let mut environ = post("12");
    environ.headers.insert(
        "content-length",
        "99999999999999999999999".parse().expect("a value"),
    );
    let request = Request::from_environ(environ);
    assert_eq!(request.content_length(), Some(u64::MAX));
    assert_eq!(code(request.get_data()), Some(400));
}

#[test]
fn a_length_that_is_no_number_is_0() {
    for (text, length) in [
        ("7", 7),
        (" 7\t", 7),
        ("", 0),
        ("-3", 0),
        ("+7", 0),
        ("1_0", 0),
        ("7, 7", 0),
        ("pear", 0),
    ] {
        let mut environ = post("12");
        let value = text.parse().expect("a value");
        environ.headers.insert("content-length", value);
        let request = Request::from_environ(environ);
        assert_eq!(request.content_length(), Some(length), "{text:?}");
    }
    let mut environ = post("12");
    let chunked = "chunked".parse().expect("a value");
    environ.headers.insert("transfer-encoding", chunked);
    assert_eq!(Request::from_environ(environ).content_length(), None);
}

#[test]
fn a_slash_at_the_end_of_the_root_is_none_of_it() {
    for root in ["/app", "/app/", "/app//"] {
        let mut environ = post("");
        root.clone_into(&mut environ.script_name);
        let request = Request::from_environ(environ);
        assert_eq!(request.script_root(), "/app");
        assert!(request.url().starts_with("http://localhost/app/"), "{root}");
    }
}

#[test]
fn json_errors_tell_more_in_debug_mode() {
    let request = |content_type: &str| {
        let builder = Environ::builder("/")
            .method("POST")
            .content_type(content_type)
            .body("{");
        Request::from_environ(builder.build().expect("an environ"))
    };
    let describe = |request: &Request| {
        let error = request.json().unwrap_err();
        error
            .as_http()
            .map(|http| (http.code, http.description.clone()))
    };
    let (status, description) = describe(&request("text/plain")).expect("an HTTP error");
    assert_eq!(status, 415);
    assert!(description.is_some_and(|text| text.starts_with("Did not attempt to load JSON data")));
    let bad = request("application/json");
    assert_eq!(describe(&bad), Some((400, None)));
    bad.set_debug(true);
    let message = "Failed to decode JSON object: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)";
    assert_eq!(describe(&bad), Some((400, Some(message.to_owned()))));
    assert_eq!(bad.get_json(false, true).expect("silent"), Value::Null);
}

#[test]
fn only_trusted_hosts_are_let_in_where_there_is_a_list() {
    let request = |host: &str| {
        let builder = Environ::builder("/").header("Host", host);
        Request::from_environ(builder.build().expect("an environ"))
    };
    let trusted = ["example.com".to_owned(), ".sub.example".to_owned()];
    for host in [
        "example.com",
        "example.com:8080",
        "sub.example",
        "a.sub.example",
    ] {
        assert_eq!(request(host).trusted_host(&trusted).expect("trusted"), host);
    }
    for host in [
        "evil.com",
        "a.example.com",
        "xsub.example",
        "example.com.evil",
        "",
    ] {
        let error = request(host).trusted_host(&trusted).unwrap_err();
        assert_eq!(error.type_name(), "SecurityError", "{host:?}");
    }
}

#[test]
fn a_trusted_host_beyond_ascii_is_known_by_the_name_that_clients_send() {
    let trusted = ["b\u{fc}cher.example:80", ".\u{2603}.net", "a..b"].map(str::to_owned);
    for (host, is_trusted) in [
        ("xn--bcher-kva.example", true),
        ("xn--bcher-kva.example:8080", true),
        ("shop.xn--bcher-kva.example", false),
        ("xn--n3h.net", true),
        ("a.xn--n3h.net", true),
        ("a..b", false),
    ] {
        assert_eq!(host_is_trusted(host, &trusted), is_trusted, "{host}");
    }
}

#[test]
fn a_body_has_the_type_that_a_header_gives_it() {
    let content_type = |builder: EnvironBuilder| {
        let environ = builder.build().expect("an environ");
        let value = environ.headers.get("content-type");
        value.map(|value| value.to_str().expect("ASCII").to_owned())
    };
    let new = || Environ::builder("/").method("POST");
    let vendor = || new().header("Content-Type", "application/vnd.api+json");
    for (builder, expected) in [
        (new().json("1"), Some("application/json")),
        (vendor().json("1"), Some("application/vnd.api+json")),
        (new().json("1").content_type("text/x"), Some("text/x")),
        (vendor().content_type("text/x"), Some("text/x")),
        (new().form([("a", "1")]).json("1"), Some("application/json")),
        (new().form([]), None),
    ] {
        assert_eq!(content_type(builder).as_deref(), expected);
    }
}

#[test]
fn allow_stays_as_it_was_written_where_no_method_is_new() {
    let mut response = Response::new("");
    response.set_header("Allow", "GET,HEAD").expect("a header");
    response.allow_update(["head"]);
    assert_eq!(response.header("Allow").as_deref(), Some("GET,HEAD"));
    response.allow_update(["HEAD", "PUT"]);
    assert_eq!(response.header("Allow").as_deref(), Some("GET, HEAD, PUT"));
}

#[test]
fn one_cookie_is_found_without_a_copy() {
    let header = "a=1; session=abc.def-_; b=\"x y\"; c=\"\\054\"";
    assert!(matches!(
        cookie_value(header, "session"),
        Some(Cow::Borrowed("abc.def-_"))
    ));
    assert!(matches!(
        cookie_value(header, "b"),
        Some(Cow::Borrowed("x y"))
    ));
    assert_eq!(cookie_value(header, "c").as_deref(), Some(","));
    assert_eq!(cookie_value(header, "d"), None);
}

#[test]
fn a_cookie_that_is_too_large_is_sent_and_logged() {
    use tracing::field::{Field, Visit};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

    #[derive(Clone, Default)]
    struct Fields(Arc<Mutex<Vec<String>>>);
    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            self.0
                .lock()
                .expect("no panic")
                .push(format!("{}={value:?}", field.name()));
        }
    }
    impl<S: tracing::Subscriber> Layer<S> for Fields {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            event.record(&mut self.clone());
        }
    }

    let fields = Fields::default();
    let subscriber = tracing_subscriber::registry().with(fields.clone());
    let big = "x".repeat(4093 - "big=; Path=/".len());
    let mut response = Response::new("");
    tracing::subscriber::with_default(subscriber, || {
        response
            .set_cookie_at(SetCookie::new("big", &big), 0)
            .expect("it just fits");
        assert!(fields.0.lock().expect("no panic").is_empty());
        response
            .set_cookie_at(SetCookie::new("big", format!("{big}x")), 0)
            .expect("it is still sent");
    });
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    let logged = fields.0.lock().expect("no panic").join(" ");
    for fact in ["cookie=\"big\"", "size=4094", "limit=4093"] {
        assert!(logged.contains(fact), "{logged}");
    }

    // An app has a limit of its own, and a cookie may have another.
    let app = App::new("shop");
    app.config().set("MAX_COOKIE_SIZE", 10).expect("a size");
    let limits = |cookie: SetCookie<'_>| {
        let fields = Fields::default();
        let subscriber = tracing_subscriber::registry().with(fields.clone());
        let set = || Response::new("").set_cookie(cookie).expect("a cookie");
        let in_context = || app.app_context().with(set).expect("a context");
        tracing::subscriber::with_default(subscriber, in_context);
        let logged = fields.0.lock().expect("no panic");
        let limits = logged.iter().filter(|field| field.starts_with("limit="));
        limits.cloned().collect::<Vec<_>>()
    };
    let cookie = SetCookie::new("small", "1");
    assert_eq!(limits(cookie.clone().max_size(100)), [""; 0]);
    assert_eq!(limits(cookie), ["limit=10"]);
}

#[test]
fn a_cookie_that_would_outlast_the_year_9999_is_refused_as_python_refuses_its_date() {
    let error = |cookie: SetCookie<'_>| cookie.dump(1_700_000_000).expect_err("no date");
    for seconds in [1_000_000_000_000, i64::MAX, -1_000_000_000_000] {
        let new = || SetCookie::new("a", "1");
        assert_eq!(error(new().max_age(seconds)).type_name(), "ValueError");
        assert_eq!(error(new().expires(seconds)).type_name(), "ValueError");
        let unsynced = new().max_age(seconds).sync_expires(false);
        let header = unsynced.dump(1_700_000_000).expect("no date in it");
        assert_eq!(header, format!("a=1; Max-Age={seconds}; Path=/"));
    }
}

#[test]
fn several_cookie_headers_are_one() {
    let mut environ = Environ::builder("/")
        .header("Cookie", "a=1")
        .build()
        .expect("an environ");
    environ
        .headers
        .append("cookie", "b=2".parse().expect("a value"));
    let request = Request::from_environ(environ);
    assert_eq!(request.cookie("b").as_deref(), Some("2"));
    assert_eq!(request.cookies().len(), 2);
}

#[test]
fn requests_and_errors_can_be_shared_between_threads() {
    fn shareable<T: Send + Sync>() {}
    shareable::<Request>();
    shareable::<Error>();
    shareable::<HttpException>();
}
