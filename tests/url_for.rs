//! `url_for`: from an endpoint and its values to a URL.
//!
//! The code: `UrlFor` in `src/helpers.rs`, `src/url_adapter.rs`, and `src/routing/urls.rs` for the
//! building itself. The `.endpoint` form and the functions of `url_defaults` are in `blueprints.rs`. Next:
//! `flashing.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::helpers::UrlFor;
use carafe::routing::BuildError;
use carafe::wrappers::EnvironBuilder;
use carafe::{App, Dict, Error, Route, Scaffold, Value, json, url_for};
use common::{DbError, Log, app, hello};

/// An app with a rule of each kind.
fn shop() -> App {
    let mut app = app();
    app.add_url_rule("/", "index", hello);
    app.add_url_rule("/user/<int:id>", "user", |_id: i64| "user");
    app.add_endpoint_rule(Route::new("/user/<int:id>/edit").methods(["POST"]), "user");
    app.add_url_rule(
        Route::new("/list/").default("page", 1),
        "list",
        |_page: i64| "list",
    );
    app.add_endpoint_rule("/list/<int:page>", "list");
    app.add_url_rule("/any/<any(a, b):x>", "any", |_x: String| "any");
    app.add_url_rule("/path/<path:p>", "path", |_p: String| "path");
    app.add_url_rule("/text/<s>", "text", |_s: String| "text");
    app.add_url_rule("/float/<float:f>", "float", |_f: f64| "float");
    app
}

/// Builds in a request for `/`; an error is its type and its text.
fn built(url: UrlFor) -> String {
    text(in_request(&shop(), || url.build()))
}

fn in_request<R>(app: &App, f: impl FnOnce() -> R) -> R {
    app.test_request_context("/").unwrap().with(f).unwrap()
}

fn text(result: Result<String, Error>) -> String {
    result.unwrap_or_else(|error| format!("{error:?}"))
}

fn user() -> UrlFor {
    url_for("user").arg("id", 7)
}

#[test]
fn values_go_into_the_path_and_the_rest_into_the_query() {
    let ids = Value::List(vec!["a".into(), "b c".into()]);
    assert_eq!(
        [
            built(url_for("index")),
            built(user()),
            built(user().arg("tab", "x")),
            // A list is repeated, null and an empty list are left out, empty text is not.
            built(user().arg("tab", ids).arg("q", "ä&=")),
            built(
                user()
                    .arg("n", Value::Null)
                    .arg("e", Vec::<Value>::new())
                    .arg("s", "")
            ),
            built(user().arg("flag", true).arg("half", 0.5)),
            built(url_for("user").args([("id".to_owned(), 8.into())].into_iter().collect())),
        ],
        [
            "/",
            "/user/7",
            "/user/7?tab=x",
            "/user/7?tab=a&tab=b+c&q=%C3%A4%26%3D",
            "/user/7?s=",
            "/user/7?flag=True&half=0.5",
            "/user/8",
        ]
    );
}

#[test]
fn each_converter_writes_its_value_as_it_would_read_it() {
    assert_eq!(
        [
            built(url_for("any").arg("x", "a")),
            built(url_for("path").arg("p", "a/b c")),
            built(url_for("text").arg("s", "a/b c?ü")),
            built(url_for("float").arg("f", 1.5)),
            built(url_for("float").arg("f", 2)),
            built(url_for("user").arg("id", "7")),
        ],
        [
            "/any/a",
            "/path/a/b%20c",
            "/text/a/b%20c%3F%C3%BC",
            "/float/1.5",
            "/float/2.0",
            "/user/7",
        ]
    );
}

#[test]
fn a_default_chooses_the_rule_that_implies_it() {
    assert_eq!(
        [
            built(url_for("list")),
            built(url_for("list").arg("page", 1)),
            built(url_for("list").arg("page", 2)),
            built(url_for("list").arg("page", "1")),
        ],
        ["/list/", "/list/", "/list/2", "/list/1"]
    );
}

#[test]
fn the_options_are_anchor_method_scheme_and_external() {
    assert_eq!(
        [
            built(user().anchor("a b/é#?%41\"<")),
            built(user().anchor("")),
            built(user().method("POST")),
            built(user().external(true)),
            built(user().external(false)),
            // A scheme makes it external.
            built(user().scheme("https")),
            built(user().scheme("https").external(true)),
            built(user().scheme("").external(true)),
            built(
                user()
                    .arg("q", "x")
                    .anchor("top")
                    .scheme("https")
                    .method("POST")
            ),
        ],
        [
            "/user/7#a%20b/%C3%A9#?%41%22%3C",
            "/user/7#",
            "/user/7/edit",
            "http://localhost/user/7",
            "/user/7",
            "https://localhost/user/7",
            "https://localhost/user/7",
            "//localhost/user/7",
            "https://localhost/user/7/edit?q=x#top",
        ]
    );
}

#[test]
fn what_cannot_be_built_says_what_to_try_instead() {
    assert_eq!(
        [
            built(url_for("nope")),
            built(url_for("usr").arg("id", 1)),
            built(url_for("user")),
            built(user().method("DELETE")),
            // A method is in upper case.
            built(user().method("post")),
            built(url_for("user").arg("id", Value::Null)),
        ],
        [
            "BuildError: Could not build url for endpoint 'nope'. Did you mean 'index' instead?",
            "BuildError: Could not build url for endpoint 'usr' with values ['id']. Did you mean \
             'user' instead?",
            "BuildError: Could not build url for endpoint 'user'. Did you forget to specify values \
             ['id']?",
            "BuildError: Could not build url for endpoint 'user' ('DELETE') with values ['id']. Did \
             you mean to use methods ['GET', 'HEAD', 'OPTIONS']?",
            "BuildError: Could not build url for endpoint 'user' ('post') with values ['id']. Did \
             you mean to use methods ['GET', 'HEAD', 'OPTIONS']?",
            "BuildError: Could not build url for endpoint 'user'. Did you forget to specify values \
             ['id']?",
        ]
    );
}

#[test]
fn a_value_that_its_converter_refuses_is_an_error_of_the_value() {
    assert_eq!(
        built(url_for("any").arg("x", "c")),
        "ValueError: 'c' is not one of 'a', 'b'"
    );
    assert_eq!(
        built(url_for("user").arg("id", "x")),
        "ValueError: invalid literal for int() with base 10: 'x'"
    );
}

#[test]
fn a_scheme_on_an_internal_url_is_refused() {
    assert_eq!(
        built(user().scheme("https").external(false)),
        "ValueError: When specifying '_scheme', '_external' must be True."
    );
}

#[test]
fn a_build_error_that_no_one_handles_is_a_500() {
    let mut app = shop();
    app.add_url_rule("/broken", "broken", || url_for("nope").build());
    assert_eq!(common::get(&app, "/broken").0, 500);
}

#[test]
fn build_error_handlers_are_asked_in_order_until_one_gives_a_url() {
    let log = Log::default();
    let mut app = shop();
    let seen = log.clone();
    app.url_build_error_handler(move |error: &BuildError, endpoint, values| {
        let values = json::dumps(values)?;
        seen.add(format!("first: {endpoint} {values} {}", error.endpoint));
        Ok(None)
    });
    let seen = log.clone();
    app.url_build_error_handler(move |_error: &BuildError, endpoint, _values| {
        seen.add(format!("second: {endpoint}"));
        let path = endpoint.strip_prefix("cdn.");
        Ok(path.map(|path| format!("//cdn.example/{path}")))
    });
    let seen = log.clone();
    app.url_build_error_handler(move |_error: &BuildError, endpoint, _values| {
        seen.add(format!("third: {endpoint}"));
        Ok(None)
    });

    // What a handler gives is the URL, without the anchor.
    let url = in_request(&app, || {
        url_for("cdn.logo").arg("v", 1).anchor("top").build()
    });
    assert_eq!(url.unwrap(), "//cdn.example/logo");
    assert_eq!(
        log.take(),
        [
            // The options are among the values, as Flask has them there.
            concat!(
                r#"first: cdn.logo {"_anchor":"top","_external":false,"_method":null,"#,
                r#""_scheme":null,"v":1} cdn.logo"#
            ),
            "second: cdn.logo"
        ]
    );

    let error = in_request(&app, || url_for("nope").build()).unwrap_err();
    assert_eq!(error.type_name(), "BuildError");
    assert_eq!(
        log.take(),
        [
            concat!(
                r#"first: nope {"_anchor":null,"_external":false,"_method":null,"#,
                r#""_scheme":null} nope"#
            ),
            "second: nope",
            "third: nope"
        ]
    );
}

#[test]
fn a_value_that_its_converter_refuses_is_not_for_the_build_error_handlers() {
    let mut app = shop();
    app.url_build_error_handler(|_error, _endpoint, _values| Ok(Some("handled".to_owned())));
    let build = |url: UrlFor| text(in_request(&app, || url.build()));
    assert_eq!(build(url_for("user")), "handled");
    assert!(build(url_for("user").arg("id", "x")).ends_with("with base 10: 'x'"));
}

#[test]
fn another_error_of_a_build_error_handler_ends_the_search() {
    let mut app = shop();
    app.url_build_error_handler(|_error, _endpoint, _values| {
        Err(DbError("no table of URLs").into())
    });
    app.url_build_error_handler(|_error, _endpoint, _values| Ok(Some("handled".to_owned())));
    let error = in_request(&app, || url_for("nope").build()).unwrap_err();
    assert_eq!(format!("{error:?}"), "DbError: no table of URLs");
}

#[test]
fn a_build_error_of_a_build_error_handler_leaves_it_to_the_next_and_is_the_one_that_counts() {
    let mut app = shop();
    app.url_build_error_handler(|_error, endpoint, _values| match endpoint {
        "newer" => Ok(None),
        _ => url_for("newer").build().map(Some),
    });
    let log = Log::default();
    let seen = log.clone();
    app.url_build_error_handler(move |error, endpoint, _values| {
        seen.add(format!("{endpoint}, {}", error.endpoint));
        Ok((endpoint == "logo").then(|| "/logo".to_owned()))
    });
    let build = |endpoint: &str| text(in_request(&app, || url_for(endpoint).build()));
    assert_eq!(build("logo"), "/logo");
    assert_eq!(log.take(), ["newer, newer", "logo, newer"]);
    assert!(build("nope").contains("'newer'"));
}

#[test]
fn the_request_gives_the_host_the_root_and_the_scheme() {
    let app = shop();
    let environ = EnvironBuilder::new("/").base_url("https://shop.example:8443/root");
    let ctx = app.request_context(environ.build().unwrap());
    let urls = ctx.with(|| [user().build(), user().external(true).build()].map(text));
    assert_eq!(
        urls.unwrap(),
        ["/root/user/7", "https://shop.example:8443/root/user/7"]
    );
}

/// With SERVER_NAME and all that goes with it.
fn named_shop() -> App {
    let app = shop();
    let config = app.config();
    config.set("SERVER_NAME", "Shop.example:8080").unwrap();
    config.set("APPLICATION_ROOT", "/app").unwrap();
    config.set("PREFERRED_URL_SCHEME", "https").unwrap();
    app
}

#[test]
fn outside_a_request_urls_are_external_and_take_a_server_name() {
    let app = named_shop();
    let urls = app.app_context().with(|| {
        [
            url_for("index").build(),
            user().external(false).build(),
            user().scheme("http").build(),
            user().scheme("http").external(false).build(),
            // There is no blueprint that a dot could mean.
            url_for(".index").build(),
        ]
        .map(text)
    });
    assert_eq!(
        urls.unwrap(),
        [
            "https://shop.example:8080/app/",
            "/app/user/7",
            "http://shop.example:8080/app/user/7",
            "ValueError: When specifying '_scheme', '_external' must be True.",
            "BuildError: Could not build url for endpoint '.index'. Did you mean 'index' instead?",
        ]
    );
    // By the app itself, without any context.
    assert_eq!(
        app.url_for("index").build().unwrap(),
        "https://shop.example:8080/app/"
    );
}

#[test]
fn a_server_name_with_the_port_that_the_scheme_implies_is_built_without_it() {
    let app = shop();
    let built = |scheme: &str, server_name: &str| {
        app.config().set("SERVER_NAME", server_name).unwrap();
        let mut environ = EnvironBuilder::new("/").build().unwrap();
        environ.url_scheme = scheme.parse().unwrap();
        let url = || url_for("index").external(true).build().unwrap();
        app.request_context(environ).with(url).unwrap()
    };
    assert_eq!(built("http", "shop.example:80"), "http://shop.example/");
    assert_eq!(built("https", "shop.example:443"), "https://shop.example/");
    assert_eq!(built("wss", "shop.example:443"), "https://shop.example/");
    assert_eq!(built("ws", "shop.example:443"), "http://shop.example:443/");
}

#[test]
fn in_a_request_server_name_is_the_host_whatever_the_client_sent() {
    let app = named_shop();
    let urls = |ctx: &std::rc::Rc<carafe::RequestContext>| {
        ctx.with(|| {
            [
                url_for("index").build(),
                url_for("index").external(true).build(),
            ]
            .map(text)
        })
        .unwrap()
    };
    let ctx = app.test_request_context("/").unwrap();
    assert_eq!(urls(&ctx), ["/app/", "https://shop.example:8080/app/"]);

    let environ = EnvironBuilder::new("/").base_url("http://other.example/root");
    let ctx = app.request_context(environ.build().unwrap());
    assert_eq!(urls(&ctx), ["/root/", "http://shop.example:8080/root/"]);
}

#[test]
fn outside_a_request_without_a_server_name_nothing_can_be_built() {
    let unable = "RuntimeError: Unable to build URLs outside an active request without \
                  'SERVER_NAME' configured. Also configure 'APPLICATION_ROOT' and \
                  'PREFERRED_URL_SCHEME' as needed.";
    let app = shop();
    let inside = app.app_context().with(|| text(url_for("index").build()));
    assert_eq!(inside.unwrap(), unable);
    assert_eq!(text(app.url_for("index").build()), unable);
    assert!(text(url_for("index").build()).starts_with("RuntimeError: Working outside of"));
}

#[test]
fn the_context_of_the_request_decides_even_inside_another_app_context() {
    let app = named_shop();
    let url = in_request(&app, || app.app_context().with(|| url_for("index").build()));
    assert_eq!(url.unwrap().unwrap(), "/app/");
}

/// A shop and another app, whose url_defaults say whose they are.
fn two_apps() -> (App, App) {
    let apps = [("shop", named_shop()), ("other", App::new("other"))];
    let [shop, other] = apps.map(|(name, mut app)| {
        app.url_defaults(move |_endpoint: &str, values: &mut Dict| {
            values.insert("of".to_owned(), name.into());
        });
        app
    });
    (shop, other)
}

#[test]
fn another_app_builds_by_the_rules_of_the_context_with_url_defaults_of_its_own() {
    let (shop, other) = two_apps();
    let by_other = || text(other.url_for("user").arg("id", 7).build());
    assert_eq!(in_request(&shop, by_other), "/app/user/7?of=other");
    let by_current = || text(url_for("user").arg("id", 7).build());
    let inside = in_request(&shop, || other.app_context().with(by_current));
    assert_eq!(inside.unwrap(), "/app/user/7?of=other");
    let outside = shop.app_context().with(by_other).unwrap();
    assert_eq!(outside, "https://shop.example:8080/app/user/7?of=other");
}
