//! When there is a page, and for whom: DEBUG, what the client accepts, and errors that come too late for one.

use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

use carafe::middleware::{DebuggedApplication, ProxyFix};
use carafe::wrappers::EnvironBuilder;
use carafe::wsgi::{Body, WsgiApp};
use carafe::{App, Error, Response, Scaffold};
use http::StatusCode;

use super::common::{self, DbError, fail, hello};
use super::{HTML, app, call, from_browser, is_recorded, page};

#[test]
fn without_debug_an_error_leaves_as_it_came_and_nothing_is_recorded() {
    let app = common::app();
    app.config().set("PROPAGATE_EXCEPTIONS", true).unwrap();
    let seen = Arc::new(Mutex::new(None));
    let mut inner = app.clone();
    let view_seen = Arc::clone(&seen);
    inner.route("/", move || {
        *view_seen.lock().unwrap() = Some(is_recorded());
        fail()
    });
    let error = call(&DebuggedApplication::new(app), from_browser("/")).unwrap_err();
    assert_eq!(error.type_name(), "DbError");
    assert_eq!(*seen.lock().unwrap(), Some(false));
}

#[test]
fn without_debug_the_apps_own_500_is_all_that_is_seen() {
    let mut app = common::app();
    app.route("/", fail);
    let answer = call(&DebuggedApplication::new(app), from_browser("/")).unwrap();
    assert_eq!(answer.status, 500);
    assert!(!answer.text.contains("the database is down"));
    assert!(!answer.text.contains("Flask.wsgi_app"));
}

#[test]
fn debug_counts_as_it_is_when_the_request_comes() {
    let app = app();
    let mut inner = app.clone();
    inner.route("/", || is_recorded().to_string());
    let site = DebuggedApplication::new(app.clone());
    for debug in [true, false, true] {
        app.config().set("DEBUG", debug).unwrap();
        let answer = call(&site, from_browser("/")).unwrap();
        assert_eq!(answer.text, debug.to_string());
    }
}

#[test]
fn what_the_app_answers_itself_passes_through() {
    let mut app = app();
    app.route("/", hello);
    app.route("/stream", || {
        Response::stream(["a", "b"].map(|text| Ok::<bytes::Bytes, Error>(text.into())))
    });
    let site = DebuggedApplication::new(app);
    let answer = call(&site, from_browser("/")).unwrap();
    assert_eq!((answer.status, answer.text.as_str()), (200, "hello"));
    assert_eq!(call(&site, from_browser("/none")).unwrap().status, 404);
    let environ = from_browser("/stream").build().unwrap();
    let body = site.call(environ, &mut |_, _| ()).unwrap();
    assert_eq!(body.known_len(), None);
    assert_eq!(body.into_bytes().unwrap(), "ab");
}

#[test]
fn an_error_of_a_teardown_function_gets_its_page_although_the_answer_was_started() {
    let mut app = app();
    app.route("/", hello);
    app.teardown_request(|_: Option<&Error>| Err::<(), Error>(DbError("cannot close").into()));
    let html = page(&app, "/");
    assert!(html.contains("<h1>DbError</h1>") && html.contains("teardown_request &lt;lambda&gt;"));
}

#[test]
fn an_error_in_a_stream_is_too_late_for_a_page_and_left_to_the_server() {
    let mut app = app();
    app.route("/", || {
        Response::stream([
            Ok(bytes::Bytes::from("begun")),
            Err(Error::from(DbError("cut off"))),
        ])
    });
    let environ = from_browser("/").build().unwrap();
    let mut status = None;
    let mut body = DebuggedApplication::new(app)
        .call(environ, &mut |code: StatusCode, _| {
            status = Some(code.as_u16());
        })
        .unwrap();
    assert_eq!(status, Some(200));
    assert_eq!(body.next().unwrap().unwrap(), "begun");
    assert_eq!(body.next().unwrap().unwrap_err().type_name(), "DbError");
    assert!(body.next().is_none());
}

#[test]
fn who_does_not_ask_for_html_gets_plain_text() {
    let mut app = app();
    app.route("/", fail);
    let site = DebuggedApplication::new(app);
    let type_for = |accept: Option<&str>| {
        let mut request = EnvironBuilder::new("/");
        if let Some(accept) = accept {
            request = request.header("Accept", accept);
        }
        let answer = call(&site, request).unwrap();
        assert_eq!(answer.status, 500);
        let content_type = answer.header("content-type");
        content_type.split(';').next().unwrap().to_owned()
    };
    for accept in [
        HTML,
        "text/html",
        "TEXT/HTML;level=1",
        "*/*, application/xhtml+xml;q=0.1",
        "text/plain, text/html",
    ] {
        assert_eq!(type_for(Some(accept)), "text/html", "{accept}");
    }
    for accept in [
        "*/*",
        "",
        "application/json",
        "text/html;q=0",
        "text/html;q=x",
        "text/html;q=NaN",
        "text/html;q=0.5, text/plain",
        "text/*",
    ] {
        assert_eq!(type_for(Some(accept)), "text/plain", "{accept}");
    }
    assert_eq!(type_for(None), "text/plain");
}

#[test]
fn a_head_request_gets_the_head_of_the_page() {
    let mut app = app();
    app.route("/", fail);
    let site = DebuggedApplication::new(app);
    let answer = call(&site, from_browser("/").method("HEAD")).unwrap();
    assert_eq!((answer.status, answer.text.as_str()), (500, ""));
}

/// An error that can be told a few times only.
#[derive(Clone, Debug)]
struct Unspeakable {
    left: Arc<AtomicUsize>,
}

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        let less = |left: usize| left.checked_sub(1);
        let told = self.left.fetch_update(Relaxed, Relaxed, less);
        told.map(|_| ()).map_err(|_| fmt::Error)
    }
}

impl std::error::Error for Unspeakable {}

#[test]
fn an_error_that_cannot_be_told_is_a_panic_and_one_that_the_page_cannot_tell_the_servers() {
    let app_that_fails = |times: usize| {
        let left = Arc::new(AtomicUsize::new(times));
        let (mut app, error) = (app(), Unspeakable { left });
        let left = Arc::clone(&error.left);
        app.route("/", move || Err::<String, Error>(error.clone().into()));
        (app, left)
    };
    let visit = |app: App| call(&DebuggedApplication::new(app), from_browser("/"));

    assert!(
        visit(app_that_fails(0).0)
            .unwrap()
            .text
            .contains("<h1>Panic</h1>")
    );

    let (app, left) = app_that_fails(1000);
    let (result, _) = carafe::trace::record(|| app.test_client().get("/").send());
    assert!(result.unwrap_err().is::<Unspeakable>());
    let told_by_the_recording = 1000 - left.load(Relaxed);
    let result = visit(app_that_fails(told_by_the_recording).0);
    assert!(result.unwrap_err().is::<Unspeakable>());
}

#[test]
fn both_middlewares_pass_on_how_long_the_app_may_wait() {
    let mut app = app();
    app.route("/", hello);
    app.test_client().get("/").send().unwrap();
    let environ = from_browser("/").build().unwrap();
    let of_app = Arc::as_ptr(
        app.pace(&environ)
            .expect("it is known after the first request"),
    );
    let site = ProxyFix::new(DebuggedApplication::new(app.clone()));
    assert_eq!(site.pace(&environ).map(Arc::as_ptr), Some(of_app));
    let silent = |_: carafe::wsgi::Environ, _: &mut dyn carafe::wsgi::StartResponse| {
        Ok::<Body, Error>(Body::empty())
    };
    assert!(ProxyFix::new(silent).pace(&environ).is_none());
}
