//! `url_for`: the way back from an endpoint to a URL.
//!
//! The code: `src/helpers.rs`, `UrlFor::build`; the rules of building are in `routing.rs`. Every URL and
//! message here is Flask 3.1.3's. Next: `flashing.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::helpers::UrlFor;
use carafe::routing::BuildError;
use carafe::wrappers::EnvironBuilder;
use carafe::{App, Blueprint, Dict, Error, Route, Scaffold, Value, ViewArgs, g, request, url_for};
use common::{DbError, Log, app, get};

fn view(_args: ViewArgs) -> &'static str {
    ""
}

/// An app with rules of several kinds.
fn shop() -> App {
    let mut app = app();
    app.add_url_rule("/", "index", view);
    app.add_url_rule("/user/<int:id>", "user", view);
    app.add_url_rule("/path/<path:p>", "path", view);
    app.add_url_rule("/s/<x>", "s", view);
    app.add_url_rule(Route::new("/page/").default("n", 1), "page", view);
    app.add_endpoint_rule("/page/<int:n>", "page");
    app.add_url_rule("/cart", "cart", view);
    app.add_endpoint_rule(Route::new("/cart/add").methods(["POST"]), "cart");
    app
}

/// Builds a URL in a request to `base_url`.
fn at(base_url: &str, url: UrlFor) -> Result<String, Error> {
    let environ = EnvironBuilder::new("/user/1").base_url(base_url);
    let ctx = shop().request_context(environ.build().unwrap());
    ctx.with(|| url.build()).unwrap()
}

fn built(url: UrlFor) -> String {
    at("http://localhost/", url).unwrap()
}

fn refused(url: UrlFor) -> String {
    let error = at("http://localhost/", url).unwrap_err();
    format!("{}: {error}", error.type_name())
}

#[test]
fn the_variables_of_the_rule_go_into_the_path_and_all_else_into_the_query() {
    assert_eq!(built(url_for("index")), "/");
    assert_eq!(built(url_for("user").arg("id", 7)), "/user/7");
    assert_eq!(
        built(url_for("path").arg("p", "a/b c?")),
        "/path/a/b%20c%3F"
    );
    assert_eq!(built(url_for("s").arg("x", "a/b ü?")), "/s/a/b%20%C3%BC%3F");
    let user = url_for("user").arg("id", 7).arg("q", "a b&c");
    let user = user.arg("r", vec![1, 2]).arg("none", Value::Null);
    let user = user.arg("b", true).arg("f", 1.5);
    assert_eq!(built(user), "/user/7?q=a+b%26c&r=1&r=2&b=True&f=1.5");
    assert_eq!(built(url_for("index").arg("x", "")), "/?x=");
}

#[test]
fn values_that_are_the_rules_defaults_choose_the_rule_that_has_them() {
    assert_eq!(built(url_for("page")), "/page/");
    assert_eq!(built(url_for("page").arg("n", 1)), "/page/");
    assert_eq!(built(url_for("page").arg("n", 2)), "/page/2");
}

#[test]
fn method_takes_the_rule_for_that_method() {
    assert_eq!(built(url_for("cart")), "/cart");
    assert_eq!(built(url_for("cart").method("POST")), "/cart/add");
}

#[test]
fn anchor_goes_behind_a_hash() {
    assert_eq!(
        built(url_for("index").anchor("a b/#ü?")),
        "/#a%20b/#%C3%BC?"
    );
}

#[test]
fn external_and_scheme_make_a_whole_url() {
    assert_eq!(built(url_for("index").external(true)), "http://localhost/");
    assert_eq!(
        built(url_for("index").scheme("https")),
        "https://localhost/"
    );
    let relative = url_for("index").external(true).scheme("");
    assert_eq!(built(relative), "//localhost/");
    assert_eq!(
        refused(url_for("index").scheme("https").external(false)),
        "ValueError: When specifying '_scheme', '_external' must be True."
    );
}

#[test]
fn the_request_says_which_host_and_which_root() {
    let at = |url| at("https://shop.example:8443/app/", url).unwrap();
    assert_eq!(at(url_for("index")), "/app/");
    assert_eq!(
        at(url_for("index").external(true)),
        "https://shop.example:8443/app/"
    );
    assert_eq!(
        at(url_for("user").arg("id", 3).scheme("http")),
        "http://shop.example:8443/app/user/3"
    );
}

#[test]
fn outside_a_request_the_config_says_so_and_urls_are_external() {
    let app = shop();
    assert_eq!(
        app.url_for("index").build().unwrap_err().type_name(),
        "RuntimeError"
    );
    app.config()
        .from_mapping([
            ("SERVER_NAME", "shop.example"),
            ("APPLICATION_ROOT", "/app"),
            ("PREFERRED_URL_SCHEME", "https"),
        ])
        .unwrap();
    let url = || app.url_for("user").arg("id", 7);
    assert_eq!(url().build().unwrap(), "https://shop.example/app/user/7");
    assert_eq!(url().external(false).build().unwrap(), "/app/user/7");
    let in_context = app.app_context().with(|| url_for("index").build());
    assert_eq!(in_context.unwrap().unwrap(), "https://shop.example/app/");
}

#[test]
fn outside_of_any_context_there_is_no_app_to_ask() {
    let error = url_for("index").build().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("Working outside of application context.")
    );
}

#[test]
fn what_cannot_be_built_says_what_may_have_been_meant() {
    let could_not = |rest: &str| format!("BuildError: Could not build url for endpoint {rest}");
    assert_eq!(
        refused(url_for("user")),
        could_not("'user'. Did you forget to specify values ['id']?")
    );
    assert_eq!(
        refused(url_for("usr").arg("id", 1)),
        could_not("'usr' with values ['id']. Did you mean 'user' instead?")
    );
    assert_eq!(
        refused(url_for("cart").method("PUT")),
        could_not("'cart' ('PUT'). Did you mean to use methods ['GET', 'HEAD', 'OPTIONS']?")
    );
    // Python raises a ValueError here; it is not shown to the handlers either.
    assert_eq!(
        refused(url_for("user").arg("id", "x")),
        "BuildError: invalid literal for int() with base 10: 'x'"
    );
}

#[test]
fn a_build_error_handler_may_give_the_url_and_gets_the_options_among_the_values() {
    let log = Log::default();
    let mut app = shop();
    let seen = log.clone();
    app.url_build_error_handler(move |_: &BuildError, endpoint: &str, values: &Dict| {
        seen.add(format!("{endpoint} {values:?}"));
        Ok(None)
    });
    app.url_build_error_handler(|_: &BuildError, endpoint: &str, values: &Dict| {
        let external = values["_external"] == Value::Bool(true);
        Ok((endpoint == "ext").then(|| format!("/built/{external}")))
    });
    app.url_build_error_handler(|_: &BuildError, _: &str, _: &Dict| {
        Err(DbError("never asked for ext").into())
    });
    app.test_request_context("/")
        .unwrap()
        .with(|| {
            let url = url_for("ext").arg("a", 1).external(true).anchor("q");
            assert_eq!(url.method("POST").build().unwrap(), "/built/true");
            let error = url_for("another").build().unwrap_err();
            assert_eq!(error.type_name(), "DbError");
        })
        .unwrap();
    assert_eq!(
        log.take()[0],
        r#"ext {"a": Int(1), "_anchor": Str("q"), "_method": Str("POST"), "_scheme": Null, "_external": Bool(true)}"#
    );
}

#[test]
fn without_a_handler_that_knows_the_first_error_is_the_answer() {
    let mut app = shop();
    app.url_build_error_handler(|_: &BuildError, _: &str, _: &Dict| Ok(None));
    let ctx = app.test_request_context("/").unwrap();
    let error = ctx
        .with(|| url_for("nowhere").build())
        .unwrap()
        .unwrap_err();
    assert!(error.is::<BuildError>());
}

#[test]
fn url_defaults_add_what_was_not_given_the_apps_first() {
    let log = Log::default();
    let mut bp = Blueprint::new("bp").with_url_prefix("/<lang>");
    let seen = log.clone();
    bp.url_defaults(move |endpoint: &str, values: &mut Dict| {
        seen.add(format!("blueprint's: {endpoint}"));
        values
            .entry("lang".to_owned())
            .or_insert_with(|| g().get::<&str>("lang").into());
    });
    bp.add_url_rule("/about", "about", |_: ViewArgs| {
        g().set("lang", "fr");
        let by_default = url_for(".about").build()?;
        let given = url_for(".about").arg("lang", "de").build()?;
        Ok::<_, Error>(format!("{by_default} {given}"))
    });
    let mut app = app();
    let seen = log.clone();
    app.url_defaults(move |endpoint: &str, _values: &mut Dict| {
        seen.add(format!("app's: {endpoint}"));
    });
    app.register_blueprint(bp);
    assert_eq!(get(&app, "/en/about").1, "/fr/about /de/about");
    assert_eq!(
        log.take()[..2],
        ["app's: bp.about", "blueprint's: bp.about"]
    );
}

#[test]
fn a_url_that_was_built_leads_back_to_its_endpoint() {
    let app = shop();
    for url in [
        url_for("user").arg("id", 7),
        url_for("page").arg("n", 3),
        url_for("page"),
        url_for("path").arg("p", "a b/ü%2F"),
    ] {
        let ctx = app.test_request_context("/").unwrap();
        let endpoint = format!("{url:?}");
        let built = ctx.with(|| url.build()).unwrap().unwrap();
        let back = app.test_request_context(&built).unwrap();
        back.with(|| {
            let matched = request().endpoint().unwrap().to_owned();
            assert!(endpoint.contains(&format!("endpoint: \"{matched}\"")));
        })
        .unwrap();
    }
}
