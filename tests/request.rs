//! The request: what the client sent, and which view it is for.
//!
//! The code: `src/request.rs`, `src/wrappers/request.rs`, `src/wrappers/request_body.rs`; for a view's
//! arguments `src/view.rs`. Next: `url_for.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::testing::TestResponse;
use carafe::wrappers::MultiDict;
use carafe::{
    App, Blueprint, Error, Json, Route, Scaffold, Value, ViewArgs, has_request_context, request,
};
use common::{app, get};
use uuid::Uuid;

/// Each key with all its values.
fn lists(dict: &MultiDict) -> String {
    let lists: Vec<(&str, &[String])> = dict.lists().collect();
    format!("{lists:?}")
}

/// An app whose view shows what the request brought.
fn echo_app() -> App {
    fn echo() -> Result<String, Error> {
        let request = request();
        let parts = [
            format!("args {}", lists(request.args())),
            format!("form {}", lists(request.form()?)),
            format!("values {}", lists(&request.values()?)),
            format!("data {:?}", request.data()?),
        ];
        Ok(parts.join("\n"))
    }
    let mut app = app();
    app.route(Route::new("/echo").methods(["GET", "POST", "PUT"]), echo);
    app.post("/json", || request().json());
    app.post("/silent", || request().get_json(false, true));
    app.post("/force", || request().get_json(true, false));
    app.post("/data", || {
        let request = request();
        let (once, again) = (request.get_data()?, request.get_data()?);
        Ok::<_, Error>(format!("{once:?} {again:?} {}", lists(request.form()?)))
    });
    app
}

#[track_caller]
fn lines(response: Result<TestResponse, Error>) -> Vec<String> {
    response
        .unwrap()
        .text()
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn args_are_of_the_url_form_of_the_body_and_values_of_both() {
    let mut client = echo_app().test_client();
    let request = client
        .post("/echo?a=1&a=2&b=&c")
        .form([("a", "3"), ("d", "ü &=")]);
    assert_eq!(
        lines(request.send()),
        [
            r#"args [("a", ["1", "2"]), ("b", [""]), ("c", [""])]"#,
            r#"form [("a", ["3"]), ("d", ["ü &="])]"#,
            r#"values [("a", ["1", "2", "3"]), ("b", [""]), ("c", [""]), ("d", ["ü &="])]"#,
            // The form was read from it.
            r#"data b"""#,
        ]
    );
}

#[test]
fn the_values_of_a_get_are_its_args_whatever_it_has_for_a_body() {
    let mut client = echo_app().test_client();
    assert_eq!(
        lines(client.get("/echo?a=1").form([("a", "3")]).send()),
        [
            r#"args [("a", ["1"])]"#,
            r#"form [("a", ["3"])]"#,
            r#"values [("a", ["1"])]"#,
            r#"data b"""#,
        ]
    );
}

#[test]
fn a_body_that_is_no_form_is_data() {
    let mut client = echo_app().test_client();
    assert_eq!(
        lines(client.put("/echo?a=1").body("a=raw", "text/plain").send()),
        [
            r#"args [("a", ["1"])]"#,
            "form []",
            r#"values [("a", ["1"])]"#,
            r#"data b"a=raw""#,
        ]
    );
}

#[test]
fn get_data_reads_a_form_too_and_keeps_it_for_the_form_to_be_parsed() {
    let mut client = echo_app().test_client();
    let request = client.post("/data").form([("a", "1")]);
    assert_eq!(lines(request.send()), [r#"b"a=1" b"a=1" [("a", ["1"])]"#]);
}

#[test]
fn json_is_read_where_the_type_says_so() {
    let mut client = echo_app().test_client();
    let mut post = |path: &str, body: &'static str, content_type: &str| {
        let response = client.post(path).body(body, content_type).send().unwrap();
        (
            response.status_code(),
            response.text().trim_end().to_owned(),
        )
    };
    let json = "application/json";
    assert_eq!(
        post("/json", r#"{"a": [1, null]}"#, json),
        (200, r#"{"a":[1,null]}"#.to_owned())
    );
    assert_eq!(post("/json", "[1]", "application/vnd.api+json").0, 200);
    assert_eq!(
        post("/json", "[1]", "application/json; charset=utf-8").0,
        200
    );

    let (status, page) = post("/json", "{}", "text/plain");
    assert_eq!(status, 415);
    assert!(page.contains(
        "Did not attempt to load JSON data because the request Content-Type was not \
         &#39;application/json&#39;."
    ));
    let (status, page) = post("/json", "{", json);
    assert_eq!(status, 400);
    assert!(page.contains("sent a request that this server could not understand"));

    assert_eq!(post("/silent", "{", json), (200, "null".to_owned()));
    assert_eq!(
        post("/silent", "{}", "text/plain"),
        (200, "null".to_owned())
    );
    assert_eq!(post("/force", "[2]", "text/plain"), (200, "[2]".to_owned()));
    assert_eq!(post("/force", "[2", "text/plain").0, 400);
}

#[test]
fn json_that_does_not_fit_the_type_is_a_400_that_says_why() {
    let mut app = app();
    app.post("/", || {
        let (id, name): (u8, String) = request().json_as()?;
        Ok::<_, Error>(format!("{id} {name}"))
    });
    let mut client = app.test_client();
    let mut post = |body: &'static str, mimetype: &str| {
        let response = client.post("/").body(body, mimetype).send().unwrap();
        (response.status_code(), response.text())
    };
    let json = "application/json";
    assert_eq!(post(r#"[7, "jack"]"#, json), (200, "7 jack".to_owned()));
    let (status, page) = post(r#"[7, 8]"#, json);
    assert_eq!(status, 400);
    assert!(page.contains("expected a string"), "{page}");
    // What the client wrote comes back as text, never as a part of the page.
    let (status, page) = post(r#"["<b>", ""]"#, json);
    assert_eq!(status, 400);
    assert!(!page.contains("<b>"), "{page}");
    assert_eq!(post("[7", json).0, 400);
    assert_eq!(post("[]", "text/plain").0, 415);
}

#[test]
fn what_is_wrong_with_json_is_said_in_debug_mode_only() {
    let app = echo_app();
    app.config().set("DEBUG", true).unwrap();
    let mut client = app.test_client();
    let response = client.post("/json").body("{", "application/json").send();
    let page = response.unwrap().text();
    assert!(page.contains("Failed to decode JSON object: "), "{page}");
}

#[test]
fn an_argument_that_has_to_be_there_is_a_400_where_it_is_not() {
    let mut app = app();
    app.route("/", || request().args().require("q").map(str::to_owned));
    assert_eq!(get(&app, "/?q=pear"), (200, "pear".to_owned()));
    let (status, page) = get(&app, "/");
    assert_eq!(status, 400);
    assert!(!page.contains("KeyError"));
    // In debug mode it is an error to look at, and so it leaves the app.
    app.config().set("DEBUG", true).unwrap();
    let error = app.test_client().get("/").send().unwrap_err();
    assert_eq!(error.type_name(), "BadRequestKeyError");
}

#[test]
fn a_body_over_max_content_length_is_a_413_when_it_is_read() {
    let mut app = echo_app();
    app.post("/unread", || "fine");
    app.config().set("MAX_CONTENT_LENGTH", 5).unwrap();
    let mut client = app.test_client();
    let mut post = |path: &str, body: &'static str, content_type: &str| {
        client
            .post(path)
            .body(body, content_type)
            .send()
            .unwrap()
            .status_code()
    };
    let form = "application/x-www-form-urlencoded";
    assert_eq!(
        [
            post("/echo", "a=123", form),
            post("/echo", "a=1234", form),
            post("/echo", "12345", "text/plain"),
            post("/echo", "123456", "text/plain"),
            post("/json", "[1,2]", "application/json"),
            post("/json", "[1, 2]", "application/json"),
            post("/unread", "123456", "text/plain"),
        ],
        [200, 413, 200, 413, 200, 413, 200]
    );
}

#[test]
fn a_view_may_set_a_limit_of_its_own_and_handle_its_413() {
    let mut app = app();
    app.config().set("MAX_CONTENT_LENGTH", 5).unwrap();
    app.post("/upload", || {
        request().set_max_content_length(Some(10));
        request().get_data()
    });
    app.errorhandler(413, |error| (format!("{}: too large", error.code), 413));
    let mut client = app.test_client();
    let mut upload = |body: &'static str| {
        client
            .post("/upload")
            .body(body, "text/plain")
            .send()
            .unwrap()
            .text()
    };
    assert_eq!(upload("1234567890"), "1234567890");
    assert_eq!(upload("12345678901"), "413: too large");
}

/// All that a URL is made of, a line each.
fn url_parts(_p: String) -> String {
    let request = request();
    let rule = request.url_rule().map(|rule| rule.rule.clone());
    [
        format!("path {}", request.path()),
        format!("full_path {}", request.full_path()),
        format!("url {}", request.url()),
        format!("base_url {}", request.base_url()),
        format!("url_root {}", request.url_root()),
        format!("host_url {}", request.host_url()),
        format!("host {}", request.host()),
        format!("script_root {}", request.script_root()),
        format!("scheme {} {}", request.scheme(), request.is_secure()),
        format!("method {}", request.method()),
        format!("endpoint {:?}", request.endpoint()),
        format!("url_rule {rule:?}"),
        format!("view_args {:?}", request.view_args()),
        format!(
            "blueprint {:?} {:?}",
            request.blueprint(),
            request.blueprints()
        ),
        format!("remote_addr {:?}", request.remote_addr()),
    ]
    .join("\n")
}

#[test]
fn a_url_comes_apart_as_in_flask() {
    let mut app = app();
    app.route("/url/<p>", url_parts);
    let mut client = app.test_client();
    let request = client.get("/url/a%20b%C3%BC?q=1&r=%20");
    assert_eq!(
        lines(request.base_url("https://shop.example:8443/root").send()),
        [
            "path /url/a bü",
            "full_path /url/a bü?q=1&r=%20",
            "url https://shop.example:8443/root/url/a%20bü?q=1&r=%20",
            "base_url https://shop.example:8443/root/url/a%20bü",
            "url_root https://shop.example:8443/root/",
            "host_url https://shop.example:8443/",
            "host shop.example:8443",
            "script_root /root",
            "scheme https true",
            "method GET",
            r#"endpoint Some("url_parts")"#,
            r#"url_rule Some("/url/<p>")"#,
            r#"view_args Some({"p": Str("a bü")})"#,
            "blueprint None []",
            "remote_addr Some(127.0.0.1)",
        ]
    );
}

#[test]
fn a_port_that_the_scheme_implies_is_left_out_and_a_missing_query_keeps_its_mark() {
    let mut app = app();
    app.route("/url/<p>", url_parts);
    let mut client = app.test_client();
    let request = client.get("/url/x").base_url("http://shop.example:80/");
    assert_eq!(
        lines(request.send())[..8],
        [
            "path /url/x",
            "full_path /url/x?",
            "url http://shop.example/url/x",
            "base_url http://shop.example/url/x",
            "url_root http://shop.example/",
            "host_url http://shop.example/",
            "host shop.example",
            "script_root ",
        ]
    );
}

#[test]
fn headers_and_cookies_are_found_by_name() {
    let mut app = app();
    app.route("/", || {
        let request = request();
        let header = |name: &str| request.header(name).map(std::borrow::Cow::into_owned);
        Json([
            header("x-id"),
            header("X_ID"),
            header("X-Missing"),
            request.cookies().get("a").map(str::to_owned),
            request.cookie("b").map(std::borrow::Cow::into_owned),
            request.cookie("c").map(std::borrow::Cow::into_owned),
        ])
    });
    let mut client = app.test_client();
    let request = client
        .get("/")
        .header("X-Id", "7")
        .header("Cookie", "a=1; b=\"x y\"");
    let found: Vec<Option<String>> = request.send().unwrap().json().unwrap();
    let expected = [Some("7"), Some("7"), None, Some("1"), Some("x y"), None];
    assert_eq!(found, expected.map(|text| text.map(str::to_owned)));
}

#[test]
fn the_blueprints_of_a_request_are_listed_from_the_innermost_out() {
    fn blueprints() -> String {
        let request = request();
        format!("{:?} {:?}", request.blueprint(), request.blueprints())
    }
    let mut inner = Blueprint::new("inner").with_url_prefix("/inner");
    inner.route("/", blueprints);
    let mut outer = Blueprint::new("outer").with_url_prefix("/outer");
    outer.route("/", blueprints);
    outer.register_blueprint(inner);
    let mut app = app();
    app.register_blueprint(outer);
    app.errorhandler(404, |_error| (blueprints(), 404));
    assert_eq!(get(&app, "/outer/").1, r#"Some("outer") ["outer"]"#);
    assert_eq!(
        get(&app, "/outer/inner/").1,
        r#"Some("outer.inner") ["outer.inner", "outer"]"#
    );
    assert_eq!(get(&app, "/outer/nope").1, "None []");
}

#[test]
fn a_view_takes_its_arguments_in_order_as_the_types_of_its_converters() {
    let mut app = app();
    app.route(
        "/<s>/<int:n>/<float:f>/<path:p>",
        |s: String, n: i64, f: f64, p: String| format!("{s:?} {n} {f} {p:?}"),
    );
    app.route("/uuid/<uuid:id>", |id: Uuid| format!("{id}"));
    app.route("/signed/<int(signed=True):n>", |n: i8| format!("{n}"));
    app.route("/value/<int:n>", |n: Value| format!("{n:?}"));
    app.route(
        Route::new("/default/<a>")
            .default("page", 1)
            .default("all", true),
        |a: String, page: u32, all: bool| format!("{a} {page} {all}"),
    );
    let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    assert_eq!(get(&app, "/a%20b/7/1.5/x/y").1, r#""a b" 7 1.5 "x/y""#);
    assert_eq!(get(&app, &format!("/uuid/{id}")).1, id);
    assert_eq!(get(&app, "/signed/-7").1, "-7");
    assert_eq!(get(&app, "/value/007").1, "Int(7)");
    assert_eq!(get(&app, "/default/x").1, "x 1 true");
}

#[test]
fn view_args_takes_all_arguments_by_name() {
    fn show(args: &ViewArgs) -> String {
        format!("{args:?}")
    }
    let mut app = app();
    app.route(
        Route::new("/all/<a>/<int:b>").default("c", "x"),
        |args: ViewArgs| show(&args),
    );
    app.route("/rest/<a>/<int:b>", |a: String, rest: ViewArgs| {
        format!("{a} {}", show(&rest))
    });
    assert_eq!(
        get(&app, "/all/1/2").1,
        r#"{"a": Str("1"), "b": Int(2), "c": Str("x")}"#
    );
    assert_eq!(get(&app, "/rest/1/2").1, r#"1 {"b": Int(2)}"#);
}

#[test]
fn a_view_takes_as_large_a_number_as_its_type_does() {
    let mut app = app();
    app.route("/i64/<int:n>", |n: i64| format!("{n}"));
    app.route("/u128/<int:n>", |n: u128| format!("{n}"));
    app.route("/any/<int:n>", |n: Value| format!("{n:?}"));
    let largest = i64::MAX;
    assert_eq!(
        get(&app, &format!("/i64/{largest}")),
        (200, largest.to_string())
    );
    assert_eq!(get(&app, "/i64/9223372036854775808").0, 404);
    assert_eq!(
        get(&app, "/u128/9223372036854775808").1,
        "9223372036854775808"
    );
    assert_eq!(
        get(&app, "/any/12345678901234567890123").1,
        r#"BigInt("12345678901234567890123")"#
    );
}

#[test]
fn a_view_that_does_not_fit_its_rule_is_a_500_that_says_why() {
    let mut app = app();
    app.route("/more/<a>", |a: String, b: String| format!("{a}{b}"));
    app.route("/fewer/<a>", || "none");
    app.route("/type/<a>", |a: i64| format!("{a}"));
    app.route("/number/<int:n>", |n: String| n);
    app.errorhandler_for(|error: &Error| (format!("{error:?}"), 500));
    let answer = |path: &str| {
        let (status, text) = get(&app, path);
        assert_eq!(status, 500);
        text
    };
    assert_eq!(
        [
            answer("/more/x"),
            answer("/fewer/x"),
            answer("/type/x"),
            answer("/number/7"),
        ],
        [
            "TypeError: the view takes more arguments than its URL rule has",
            "TypeError: the view got an unexpected argument 'a'",
            "TypeError: the view takes a as i64, but it is Str(\"x\")",
            "TypeError: the view takes n as alloc::string::String, but it is Int(7)",
        ]
    );
}

#[test]
fn view_args_are_none_where_no_rule_matched() {
    let mut app = app();
    app.errorhandler(404, |_error| {
        let request = request();
        let rule = request.url_rule().is_some();
        (
            format!("{:?} {:?} {rule}", request.view_args(), request.endpoint()),
            404,
        )
    });
    assert_eq!(get(&app, "/nope").1, "None None false");
}

#[test]
fn outside_a_request_there_is_none() {
    assert!(!has_request_context());
    let error = carafe::context::try_request().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("Working outside of request context.")
    );
    let panic = carafe::error::catch(|| Ok(request().path().to_owned())).unwrap_err();
    assert_eq!(panic.to_string(), error.to_string());
}
