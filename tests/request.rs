//! The request: its arguments, its body and the parts of its URL.
//!
//! The code: `src/wrappers/request.rs` and `request_body.rs`; `wrappers.rs` tests them one by one. Here
//! is what a view sees of them; every answer is Flask 3.1.3's.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::wrappers::datastructures::MultiDict;
use carafe::{App, Error, HttpException, Json, Scaffold, request};
use common::{app, get};

fn pairs(values: &MultiDict) -> Vec<(String, String)> {
    let pairs = values.iter_multi();
    pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// `/form`, `/json`, `/data`: each gives back what it got. `/unread` does not look.
fn with_views() -> App {
    let mut app = app();
    app.post("/form", || Ok::<_, Error>(Json(pairs(request().form()?))));
    app.post("/values", || {
        Ok::<_, Error>(Json(pairs(&request().values()?)))
    });
    app.post("/json", || request().json());
    app.post("/data", || request().get_data());
    app.post("/unread", || "not read");
    app.post("/required", || {
        let name = request().form()?.require("name")?.to_owned();
        Ok::<_, Error>(name)
    });
    app
}

fn post(app: &App, path: &str, body: &'static str, content_type: &str) -> (u16, String) {
    let mut client = app.test_client();
    let response = client.post(path).body(body, content_type).send().unwrap();
    (response.status_code(), response.text())
}

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn args_are_the_query_decoded_and_a_name_may_come_twice() {
    let mut app = app();
    app.route("/", || {
        let args = request().args().clone();
        assert_eq!(args.get("x"), Some("1"));
        assert_eq!(args.getlist("x"), ["1", "2"]);
        assert_eq!(args.get("y"), Some("ü z"));
        assert_eq!(args.get("e"), Some(""));
        assert_eq!(args.get("none"), None);
        assert_eq!(args.get_as::<i64>("x"), Some(1));
        assert_eq!(args.get_as::<i64>("y"), None);
        "well"
    });
    assert_eq!(get(&app, "/?x=1&x=2&y=%C3%BC+z&e").1, "well");
}

#[test]
fn a_form_is_decoded_and_values_are_both() {
    let app = with_views();
    assert_eq!(
        post(&app, "/form?q=1", "a=1&b=x+y&a=%C3%BC", FORM).1,
        "[[\"a\",\"1\"],[\"a\",\"\\u00fc\"],[\"b\",\"x y\"]]\n"
    );
    assert_eq!(
        post(&app, "/values?q=1", "a=2", FORM).1,
        "[[\"q\",\"1\"],[\"a\",\"2\"]]\n"
    );
    assert_eq!(post(&app, "/form", "a=1", "text/plain").1, "[]\n");
}

#[test]
fn json_wants_a_json_content_type_and_json() {
    let app = with_views();
    assert_eq!(
        post(&app, "/json", "{\"a\":1}", "application/json").1,
        "{\"a\":1}\n"
    );
    assert_eq!(post(&app, "/json", "[]", "application/vnd.api+json").0, 200);
    let (status, page) = post(&app, "/json", "{}", "text/plain");
    assert_eq!(status, 415);
    assert!(page.contains("Did not attempt to load JSON data because the request Content-Type"));
    assert_eq!(post(&app, "/json", "{\"a\":", "application/json").0, 400);
    assert_eq!(post(&app, "/json", "", "application/json").0, 400);
}

#[test]
fn get_json_may_be_told_to_force_it_or_to_be_silent() {
    let mut app = app();
    app.post("/force", || request().get_json(true, false));
    app.post("/silent", || {
        let value = request().get_json(false, true)?;
        Ok::<_, Error>(format!("{}", value.is_null()))
    });
    assert_eq!(post(&app, "/force", "[1]", "text/plain").1, "[1]\n");
    assert_eq!(post(&app, "/silent", "[1]", "text/plain").1, "true");
    assert_eq!(post(&app, "/silent", "[1", "application/json").1, "true");
}

#[test]
fn a_field_that_is_missing_is_a_400() {
    let app = with_views();
    assert_eq!(
        post(&app, "/required", "name=jack", FORM),
        (200, "jack".to_owned())
    );
    assert_eq!(post(&app, "/required", "x=1", FORM).0, 400);
}

#[test]
fn a_body_over_max_content_length_is_a_413_for_whoever_reads_it() {
    let app = with_views();
    app.config().set("MAX_CONTENT_LENGTH", 5).unwrap();
    for path in ["/form", "/data"] {
        assert_eq!(post(&app, path, "a=1&b", FORM).0, 200, "{path}");
        assert_eq!(post(&app, path, "a=1&b=2", FORM).0, 413, "{path}");
    }
    assert_eq!(post(&app, "/json", "[1, 2]", "application/json").0, 413);
    assert_eq!(
        post(&app, "/unread", "a=1&b=2", FORM),
        (200, "not read".to_owned())
    );
}

#[test]
fn a_413_has_a_handler_like_any_http_error() {
    let mut app = with_views();
    app.config().set("MAX_CONTENT_LENGTH", 5).unwrap();
    app.errorhandler(413, |error: &HttpException| (error.class_name(), 413));
    assert_eq!(
        post(&app, "/form", "a=1&b=2", FORM),
        (413, "RequestEntityTooLarge".to_owned())
    );
}

#[test]
fn the_body_can_be_read_again_and_in_another_form() {
    let mut app = app();
    app.post("/", || {
        let first = request().get_data()?;
        let again = request().get_data()?;
        let form = request().form()?.get("a").map(str::to_owned);
        Ok::<_, Error>(format!("{} {} {form:?}", first == again, first.len()))
    });
    assert_eq!(post(&app, "/", "a=1", FORM).1, "true 3 Some(\"1\")");
}

#[test]
fn the_parts_of_its_url() {
    let mut app = app();
    app.route("/u/<x>", |_x: String| {
        let r = request();
        let lines = [
            r.url().to_owned(),
            r.base_url(),
            r.url_root(),
            r.host_url(),
            r.host().to_owned(),
            r.path().to_owned(),
            r.full_path(),
            r.script_root().to_owned(),
            r.root_path().to_owned(),
            r.scheme().to_owned(),
            r.is_secure().to_string(),
            r.query_string().to_owned(),
        ];
        lines.join("\n")
    });
    let mut client = app.test_client();
    let request = client.get("/u/a%20b?x=1&y=%C3%BC+z");
    let response = request.base_url("https://shop.example:8443/app/").send();
    let text = response.unwrap().text();
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "https://shop.example:8443/app/u/a%20b?x=1&y=ü+z",
            "https://shop.example:8443/app/u/a%20b",
            "https://shop.example:8443/app/",
            "https://shop.example:8443/",
            "shop.example:8443",
            "/u/a b",
            "/u/a b?x=1&y=%C3%BC+z",
            "/app",
            "/app",
            "https",
            "true",
            "x=1&y=%C3%BC+z",
        ]
    );
}

#[test]
fn cookies_and_headers_are_read_by_name() {
    let mut app = app();
    app.route("/", || {
        let tea = request().header("x-tea").map(std::borrow::Cow::into_owned);
        let cookie = request().cookie("a").map(std::borrow::Cow::into_owned);
        format!("{tea:?} {cookie:?} {}", request().cookie("b").is_some())
    });
    let mut client = app.test_client();
    client.set_cookie("a", "1");
    let response = client.get("/").header("X-Tea", "green").send().unwrap();
    assert_eq!(response.text(), "Some(\"green\") Some(\"1\") false");
}

#[test]
fn it_knows_its_rule_its_endpoint_and_its_arguments() {
    let mut app = app();
    app.add_url_rule("/user/<int:id>", "user", |_: carafe::ViewArgs| {
        let request = request();
        let rule = request.url_rule().map(|rule| rule.rule.clone());
        let id = request.view_args().and_then(|args| args["id"].as_i64());
        format!("{:?} {rule:?} {id:?}", request.endpoint())
    });
    assert_eq!(
        get(&app, "/user/7").1,
        "Some(\"user\") Some(\"/user/<int:id>\") Some(7)"
    );
}
