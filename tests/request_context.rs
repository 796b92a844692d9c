//! Stage 2, `Flask.request_context`: what a request brings is put into one object, not yet pushed.
//!
//! The code: `src/context/request_context.rs`, `new`. Next: `app_context.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::context::{try_request, try_session};
use carafe::testing::environ_builder;
use carafe::wrappers::EnvironBuilder;
use carafe::{Scaffold, current_app, g, has_app_context, has_request_context, request, session};
use common::{app, hello, record, tree, visit};

#[test]
fn making_one_makes_the_request_and_its_url_adapter_and_pushes_nothing() {
    let app = app();

    let (ctx, trace) = record(|| app.test_request_context("/user?page=2").unwrap());

    assert_eq!(
        tree(&trace),
        [
            "Flask.request_context",
            "  RequestContext.__init__",
            "    Flask.create_url_adapter",
        ]
    );
    assert_eq!(ctx.request().path(), "/user");
    assert_eq!(ctx.request().args().get("page"), Some("2"));
    assert!(ctx.session().is_none());
    assert!(!has_request_context());
}

#[test]
fn a_test_request_context_is_pushed_and_popped_around_a_function() {
    let app = app();
    let ctx = app.test_request_context("/hello?name=jack").unwrap();

    let (seen, trace) = record(|| {
        ctx.with(|| {
            let name = request().args().get("name").map(str::to_owned);
            (has_app_context(), has_request_context(), name)
        })
    });

    assert_eq!(seen.unwrap(), (true, true, Some("jack".to_owned())));
    assert!(!has_request_context() && !has_app_context());
    assert_eq!(
        tree(&trace),
        [
            "RequestContext.push",
            "  Flask.app_context",
            "    AppContext.__init__",
            "      Flask.create_url_adapter",
            "  AppContext.push",
            "    signal appcontext_pushed",
            "  open_session",
            "  RequestContext.match_request",
            "RequestContext.auto_pop",
            "  RequestContext.pop",
            "    Flask.do_teardown_request",
            "      signal request_tearing_down",
            "    AppContext.pop",
            "      Flask.do_teardown_appcontext",
            "        signal appcontext_tearing_down",
            "      signal appcontext_popped",
        ]
    );
}

#[test]
fn a_test_request_context_runs_no_before_function_and_no_view() {
    let mut app = app();
    app.before_request(common::before);
    app.route("/", hello);
    app.teardown_request(common::teardown);

    let (_, trace) = record(|| app.test_request_context("/").unwrap().with(|| ()));

    assert_eq!(trace.hooks(), ["teardown_request teardown"]);
}

#[test]
fn any_request_that_can_be_built_can_be_a_context() {
    let app = app();
    let environ = EnvironBuilder::new("/cart")
        .method("PUT")
        .base_url("https://shop.example/app")
        .form([("item", "pear")])
        .build()
        .unwrap();
    let seen = app.request_context(environ).with(|| {
        let request = request();
        let item = request.form().unwrap().get("item").map(str::to_owned);
        (request.method().to_owned(), request.url().to_owned(), item)
    });
    assert_eq!(
        seen.unwrap(),
        (
            "PUT".to_owned(),
            "https://shop.example/app/cart".to_owned(),
            Some("pear".to_owned())
        )
    );
}

#[test]
fn the_config_says_where_a_test_request_goes() {
    let app = app();
    app.config()
        .from_mapping([
            ("SERVER_NAME", "shop.example:8080"),
            ("APPLICATION_ROOT", "/app"),
            ("PREFERRED_URL_SCHEME", "https"),
        ])
        .unwrap();
    let ctx = app.test_request_context("/cart").unwrap();
    assert_eq!(ctx.request().url(), "https://shop.example:8080/app/cart");
    let environ = environ_builder(&app, "/cart")
        .method("PUT")
        .build()
        .unwrap();
    let ctx = app.request_context(environ);
    assert_eq!(ctx.request().method(), "PUT");
    assert_eq!(ctx.request().url(), "https://shop.example:8080/app/cart");
}

#[test]
fn contexts_nest_and_the_innermost_is_current() {
    let app = app();
    let (outer, inner) = ("/outer", "/inner");
    let outer = app.test_request_context(outer).unwrap();
    let inner = app.test_request_context(inner).unwrap();
    let mut paths = Vec::new();
    outer
        .with(|| {
            paths.push(request().path().to_owned());
            inner
                .with(|| paths.push(request().path().to_owned()))
                .unwrap();
            paths.push(request().path().to_owned());
        })
        .unwrap();
    assert_eq!(paths, ["/outer", "/inner", "/outer"]);
}

#[test]
fn a_nested_context_of_the_same_app_shares_g_and_one_of_another_app_does_not() {
    let (shop, blog) = (app(), carafe::App::new("blog"));
    shop.test_request_context("/")
        .unwrap()
        .with(|| {
            g().set("user", "jack");
            let same = shop.test_request_context("/again").unwrap();
            let seen = same.with(|| g().get::<&str>("user")).unwrap();
            assert_eq!(seen, Some("jack"));

            let other = blog.test_request_context("/").unwrap();
            let seen = other.with(|| (current_app().name().to_owned(), g().contains("user")));
            assert_eq!(seen.unwrap(), ("blog".to_owned(), false));
            assert_eq!(current_app().name(), "shop");
        })
        .unwrap();
}

#[test]
fn a_host_that_can_be_none_counts_as_no_host() {
    let mut app = app();
    app.route("/", || request().url().to_owned());
    let mut client = app.test_client();
    for host in ["shop;example", "shop example", "a@b", "a:b", ""] {
        let response = client.get("/").header("Host", host).send().unwrap();
        assert_eq!(response.text(), "http:///", "{host}");
    }
}

#[test]
fn outside_a_context_the_proxies_say_so_in_flasks_words() {
    let message = "Working outside of request context.\n\n\
        This typically means that you attempted to use functionality that needed\n\
        an active HTTP request. Consult the documentation on testing for\n\
        information about how to avoid this problem.";
    for error in [try_request().unwrap_err(), try_session().unwrap_err()] {
        assert_eq!(error.type_name(), "RuntimeError");
        assert_eq!(error.to_string(), message);
    }
    let panic = carafe::error::catch(|| Ok(request())).unwrap_err();
    assert_eq!(panic.to_string(), message);
    let panic = carafe::error::catch(|| Ok(session())).unwrap_err();
    assert_eq!(panic.to_string(), message);
}

#[test]
fn an_app_context_is_no_request_context() {
    let app = app();
    let seen = app
        .app_context()
        .with(|| (has_app_context(), has_request_context()));
    assert_eq!(seen.unwrap(), (true, false));
}

#[test]
fn a_request_sees_the_config_as_it_was_when_it_began() {
    let mut app = app();
    app.route("/", || {
        current_app().config().set("TESTING", true).unwrap();
        Err::<(), _>(common::DbError("down")).map(|()| "")
    });
    // TESTING came too late for this request, which answers; the next one lets the error go.
    assert_eq!(visit(&app, "/").0.status_code(), 500);
    assert!(common::try_visit(&app, "/").0.is_err());
}
