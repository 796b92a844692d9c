//! Middleware: a `WsgiApp` around another one, which sees the request before any context is made.
//!
//! The code: `src/wsgi.rs`, `WsgiApp`; `examples/middleware.rs` has real ones. Next: `request.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use carafe::error::catch;
use carafe::middleware::DispatcherMiddleware;
use carafe::wrappers::EnvironBuilder;
use carafe::wsgi::{Body, Environ, StartResponse, WsgiApp};
use carafe::{App, Error, HttpException, Route, Scaffold, has_app_context, request, url_for};
use common::{Log, app, fail, hello, record, tree};
use http::{HeaderMap, HeaderValue, StatusCode};

/// What a server gets of a GET.
fn get(app: &dyn WsgiApp, path: &str) -> Result<(u16, HeaderMap, String), Error> {
    let environ = EnvironBuilder::new(path).build()?;
    let mut started = None;
    let mut start_response = |status: StatusCode, headers| started = Some((status, headers));
    let body = app.call(environ, &mut start_response)?.into_bytes()?;
    let (status, headers) = started.unwrap();
    let text = String::from_utf8_lossy(&body).into_owned();
    Ok((status.as_u16(), headers, text))
}

/// Serves an app below a prefix: what stands before the app's own paths goes to SCRIPT_NAME.
struct Below<A>(&'static str, A);

impl<A: WsgiApp> WsgiApp for Below<A> {
    fn call(
        &self,
        mut environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        let Below(prefix, app) = self;
        let Some(rest) = environ.path_info.strip_prefix(prefix) else {
            start_response.start_response(StatusCode::NOT_FOUND, HeaderMap::new());
            return Ok(Body::from("not ours"));
        };
        environ.path_info = rest.to_owned();
        environ.script_name.push_str(prefix);
        app.call(environ, start_response)
    }
}

/// Adds a header to every answer, and its name to a log before and after.
struct Stamp<A>(&'static str, Log, A);

impl<A: WsgiApp> WsgiApp for Stamp<A> {
    fn call(
        &self,
        environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        let Stamp(name, log, app) = self;
        log.add(format!("{name} in"));
        let result = app.call(environ, &mut |status, mut headers: HeaderMap| {
            headers.append("X-Stamp", HeaderValue::from_static(name));
            start_response.start_response(status, headers);
        });
        log.add(format!("{name} out"));
        result
    }
}

#[test]
fn middleware_is_around_the_whole_lifecycle_and_the_outer_one_is_the_first_in() {
    let log = Log::default();
    let seen = log.clone();
    let mut app = app();
    app.route("/", move || {
        seen.add("view");
        "hello"
    });
    let stack = Stamp("outer", log.clone(), Stamp("inner", log.clone(), app));

    let (answer, trace) = record(|| get(&stack, "/"));

    let (status, headers, text) = answer.unwrap();
    assert_eq!((status, text.as_str()), (200, "hello"));
    assert_eq!(
        log.take(),
        ["outer in", "inner in", "view", "inner out", "outer out"]
    );
    let stamps: Vec<_> = headers.get_all("X-Stamp").iter().collect();
    assert_eq!(stamps, ["inner", "outer"]);
    assert_eq!(tree(&trace)[0], "Flask.wsgi_app");
}

#[test]
fn middleware_may_change_the_request_and_urls_follow() {
    let mut app = app();
    app.add_url_rule("/cart", "cart", || {
        let (root, path) = (
            request().script_root().to_owned(),
            request().path().to_owned(),
        );
        Ok::<_, Error>(format!("{root} {path} {}", url_for("cart").build()?))
    });
    let below = Below("/shop", app);
    assert_eq!(
        get(&below, "/shop/cart").unwrap().2,
        "/shop /cart /shop/cart"
    );
}

#[test]
fn a_dispatcher_gives_each_request_to_the_app_that_is_mounted_for_it() {
    fn named(name: &'static str) -> App {
        let mut app = App::new(name);
        app.before_request(move || {
            let request = request();
            Some(format!(
                "{name} {:?} {:?}",
                request.script_root(),
                request.path()
            ))
        });
        app
    }
    let site = DispatcherMiddleware::new(named("shop"))
        .mount("/api", named("old"))
        .mount("/api/v2", named("new"))
        .mount("/closed", HttpException::new(410))
        .mount("/api", named("api"));
    let text = |path: &str| get(&site, path).unwrap().2;
    assert_eq!(
        [
            "/",
            "/cart",
            "/apis",
            "/api",
            "/api/",
            "/api/v1/x",
            "/api/v2/x",
            "/api/v2"
        ]
        .map(text),
        [
            r#"shop "" "/""#,
            r#"shop "" "/cart""#,
            r#"shop "" "/apis""#,
            r#"api "/api" "/""#,
            r#"api "/api" "/""#,
            r#"api "/api" "/v1/x""#,
            r#"new "/api/v2" "/x""#,
            r#"new "/api/v2" "/""#,
        ]
    );
    let (status, headers, text) = get(&site, "/closed/x").unwrap();
    assert_eq!((status, text), (410, HttpException::new(410).get_body()));
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    let below = DispatcherMiddleware::new(named("none")).mount("/all", site);
    assert_eq!(
        get(&below, "/all/api/x").unwrap().2,
        r#"api "/all/api" "/x""#
    );
}

#[test]
fn middleware_may_answer_itself_and_then_no_stage_runs() {
    let mut app = app();
    app.route("/", hello);
    let below = Below("/shop", app);
    let (answer, trace) = record(|| get(&below, "/"));
    assert_eq!(answer.unwrap().2, "not ours");
    assert!(trace.stages().is_empty());
}

#[test]
fn a_shared_app_is_an_app_too_and_says_what_it_says() {
    let mut app = app();
    app.route(Route::new("/quick").blocking(false), hello);
    app.route(Route::new("/slow").blocking(true), hello);
    let shared: Arc<dyn WsgiApp> = Arc::new(Below("/shop", app.clone()));
    let site = DispatcherMiddleware::new(Arc::clone(&shared));
    assert_eq!(get(&site, "/shop/slow").unwrap().2, "hello");
    let shared = Arc::new(app);
    let says = |path| {
        let environ = EnvironBuilder::new(path).build().unwrap();
        WsgiApp::pace(&shared, &environ).map(|pace| pace.may_block())
    };
    assert_eq!([says("/quick"), says("/slow")], [Some(false), Some(true)]);
}

#[test]
fn middleware_has_no_context_of_the_app_inside() {
    let mut app = app();
    app.route("/", hello);
    let outside = |environ: Environ, start_response: &mut dyn StartResponse| {
        assert!(!has_app_context());
        let body = app.call(environ, start_response);
        assert!(!has_app_context());
        body
    };
    assert_eq!(get(&outside, "/").unwrap().2, "hello");
}

#[test]
fn an_error_that_leaves_the_app_comes_to_the_middleware() {
    let mut app = app();
    app.config().set("PROPAGATE_EXCEPTIONS", true).unwrap();
    app.route("/", fail);
    let page = |environ: Environ, start_response: &mut dyn StartResponse| {
        app.call(environ, start_response).or_else(|error| {
            start_response.start_response(StatusCode::BAD_GATEWAY, HeaderMap::new());
            Ok(Body::from(format!("caught {}", error.type_name())))
        })
    };
    let (status, _, text) = get(&page, "/").unwrap();
    assert_eq!((status, text.as_str()), (502, "caught DbError"));
}

#[test]
fn middleware_may_wrap_the_body_and_sees_its_chunks_go_by() {
    let log = Log::default();
    let mut app = app();
    app.route("/", || {
        let chunks = ["a", "b"].map(|text| Ok::<bytes::Bytes, Error>(text.into()));
        carafe::Response::stream(chunks)
    });
    let seen = log.clone();
    let counting = move |environ: Environ, start_response: &mut dyn StartResponse| {
        let body = app.call(environ, start_response)?;
        let seen = seen.clone();
        Ok(Body::stream(body.inspect(move |chunk| {
            let length = chunk.as_ref().map_or(0, bytes::Bytes::len);
            seen.add(format!("{length} byte"));
        })))
    };
    assert_eq!(get(&counting, "/").unwrap().2, "ab");
    assert_eq!(log.take(), ["1 byte", "1 byte"]);
}

#[test]
fn what_middleware_hands_down_is_in_the_requests_extensions() {
    #[derive(Clone)]
    struct RequestId(u64);
    let mut app = app();
    app.route("/", || {
        let id = request().extensions().get::<RequestId>().map(|id| id.0);
        format!("{id:?}")
    });
    let numbered = |mut environ: Environ, start_response: &mut dyn StartResponse| {
        environ.extensions.insert(RequestId(7));
        app.call(environ, start_response)
    };
    assert_eq!(get(&numbered, "/").unwrap().2, "Some(7)");
}

#[test]
fn a_panic_in_middleware_leaves_no_context_behind() {
    let broken = |_: Environ, _: &mut dyn StartResponse| -> Result<Body, Error> {
        panic!("the floor is gone")
    };
    let error = catch(|| get(&broken, "/")).unwrap_err();
    assert!(error.is_panic() && !has_app_context());
}
