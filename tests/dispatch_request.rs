//! Stage 9, `Flask.dispatch_request`: the view, or what the match failed with.
//!
//! The code: `src/lifecycle.rs` and, for a view's arguments, `src/view.rs`. Next: `errors.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::{Blueprint, Response, Route, Scaffold, Value, ViewArgs, request};
use common::{app, explode, get, hello, subtree, tree, try_visit, visit};
use uuid::Uuid;

#[test]
fn the_view_is_called_with_the_urls_variables_in_the_order_of_the_rule() {
    let mut app = app();
    app.route("/<a>/<int:b>/<float:c>", |a: String, b: u8, c: f64| {
        format!("{a} {b} {c}")
    });
    app.route("/file/<path:p>", |p: String| p);
    app.route("/id/<uuid:id>", |id: Uuid| id.to_string());
    assert_eq!(get(&app, "/x/7/1.5").1, "x 7 1.5");
    assert_eq!(get(&app, "/file/a/b.txt").1, "a/b.txt");
    let id = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    assert_eq!(get(&app, &format!("/id/{id}")).1, id);
}

#[test]
fn a_view_may_take_any_value_or_all_of_them() {
    let mut app = app();
    app.route("/one/<int:n>", |n: Value| format!("{n:?}"));
    app.route(
        Route::new("/all/<a>/<int:b>").default("c", true),
        |args: ViewArgs| {
            let names: Vec<String> = args.keys().cloned().collect();
            names.join(" ")
        },
    );
    assert_eq!(get(&app, "/one/7").1, "Int(7)");
    let mut names: Vec<String> = get(&app, "/all/x/7").1.split(' ').map(Into::into).collect();
    names.sort();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn a_view_may_do_without_an_argument_that_only_some_of_its_rules_have() {
    fn page(shelf: String, number: Option<i64>) -> String {
        shelf + &format!(" {number:?}")
    }
    let mut app = app();
    app.route("/<shelf>/", page);
    app.route("/<shelf>/<int:number>", page);
    app.add_url_rule(
        Route::new("/all")
            .default("shelf", "all")
            .default("number", Value::Null),
        "all",
        page,
    );
    assert_eq!(get(&app, "/fruit/").1, "fruit None");
    assert_eq!(get(&app, "/fruit/7").1, "fruit Some(7)");
    assert_eq!(get(&app, "/all").1, "all None");
}

#[test]
fn arguments_that_do_not_fit_the_view_are_an_unhandled_error() {
    let mut app = app();
    app.config().set("TESTING", true).unwrap();
    app.route("/few/<a>", || "no room for a");
    app.route("/many", |a: String| a);
    app.route("/wrong/<a>", |a: i64| a.to_string());
    for (path, message) in [
        ("/few/x", "the view got an unexpected argument 'a'"),
        (
            "/many",
            "the view takes more arguments than its URL rule has",
        ),
        ("/wrong/x", "the view takes a as i64, but it is Str(\"x\")"),
    ] {
        let error = try_visit(&app, path).0.unwrap_err();
        assert_eq!(error.type_name(), "TypeError", "{path}");
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_number_too_large_for_the_views_type_is_a_404() {
    let mut app = app();
    app.route("/<int:n>", |n: u8| n.to_string());
    assert_eq!(get(&app, "/255"), (200, "255".to_owned()));
    assert_eq!(visit(&app, "/256").0.status_code(), 404);
    assert_eq!(get(&app, "/99999999999999999999999999").0, 404);
}

#[test]
fn options_is_answered_without_the_view() {
    let mut app = app();
    app.route(Route::new("/").methods(["GET", "POST"]), explode);
    app.before_request(common::before);

    let mut client = app.test_client();
    let (response, trace) = common::record(|| client.options("/").send());
    let response = response.unwrap();

    assert_eq!(
        (response.status_code(), response.text().as_str()),
        (200, "")
    );
    let allow = response.header("Allow").unwrap();
    let mut methods: Vec<&str> = allow.split(", ").collect();
    methods.sort_unstable();
    assert_eq!(methods, ["GET", "HEAD", "OPTIONS", "POST"]);
    assert_eq!(
        subtree(&trace, "Flask.dispatch_request"),
        ["Flask.dispatch_request"]
    );
    assert_eq!(trace.hooks(), ["before_request before"]);
}

#[test]
fn a_view_may_answer_options_itself() {
    fn options() -> &'static str {
        "my own"
    }
    let mut app = app();
    app.route(Route::new("/").methods(["GET", "OPTIONS"]), options);
    app.route(Route::new("/none").provide_automatic_options(false), hello);
    // As in Flask this adds no OPTIONS to the methods: it answers where the rule has it.
    app.route(Route::new("/given").provide_automatic_options(true), || "x");
    let both = Route::new("/both").methods(["GET", "OPTIONS"]);
    app.route(both.provide_automatic_options(true), || "x");
    let mut client = app.test_client();
    assert_eq!(client.options("/").send().unwrap().text(), "my own");
    assert_eq!(client.options("/none").send().unwrap().status_code(), 405);
    assert_eq!(client.options("/given").send().unwrap().status_code(), 405);
    assert_eq!(client.options("/both").send().unwrap().text(), "");
}

#[test]
fn provide_automatic_options_can_be_switched_off_for_the_whole_app() {
    let mut app = app();
    app.config()
        .set("PROVIDE_AUTOMATIC_OPTIONS", false)
        .unwrap();
    app.route("/", hello);
    let response = app.test_client().options("/").send().unwrap();
    assert_eq!(response.status_code(), 405);
    assert_eq!(response.header("Allow").unwrap(), "GET, HEAD");
}

#[test]
fn head_calls_the_view_and_sends_the_headers_only() {
    let mut app = app();
    app.get("/", || format!("{} hello", request().method()));
    app.post("/post", hello);
    let mut client = app.test_client();

    let response = client.head("/").send().unwrap();

    assert_eq!(
        (response.status_code(), response.text().as_str()),
        (200, "")
    );
    assert_eq!(response.header("Content-Length").as_deref(), Some("10"));
    assert_eq!(client.head("/post").send().unwrap().status_code(), 405);
}

#[test]
fn each_method_may_have_a_view_of_its_own() {
    let mut app = app();
    app.get("/cart", || "shown");
    app.post(Route::new("/cart").endpoint("add"), || "added");
    app.put(Route::new("/cart").endpoint("replace"), || "replaced");
    app.patch(Route::new("/cart").endpoint("change"), || "changed");
    app.delete(Route::new("/cart").endpoint("empty"), || "emptied");
    let mut client = app.test_client();
    let texts = ["GET", "POST", "PUT", "PATCH", "DELETE", "get"].map(|method| {
        let response = client.open(method, "/cart").send().unwrap();
        response.text()
    });
    assert_eq!(
        texts[..5],
        ["shown", "added", "replaced", "changed", "emptied"]
    );
}

#[test]
fn a_405_runs_the_before_functions_first() {
    let mut app = app();
    app.before_request(common::before);
    app.route("/", hello);
    let mut client = app.test_client();
    let (response, trace) = common::record(|| client.post("/").send());
    assert_eq!(response.unwrap().status_code(), 405);
    assert_eq!(
        subtree(&trace, "Flask.full_dispatch_request")[3..8],
        [
            "  Flask.preprocess_request",
            "    before_request before",
            "  Flask.dispatch_request raises MethodNotAllowed",
            "  Flask.handle_user_exception",
            "    Flask.handle_http_exception",
        ]
    );
}

#[test]
fn a_closures_endpoint_is_named_after_its_rule_and_a_functions_after_itself() {
    let mut app = app();
    app.route("/", || request().endpoint().unwrap_or("none").to_owned());
    app.route("/user/<int:id>", |_id: i64| {
        request().endpoint().unwrap_or("none").to_owned()
    });
    app.route(Route::new("/named").endpoint("given"), || {
        request().endpoint().unwrap_or("none").to_owned()
    });
    app.route("/hello", hello);
    assert_eq!(get(&app, "/").1, "index");
    assert_eq!(get(&app, "/user/7").1, "user_id");
    assert_eq!(get(&app, "/named").1, "given");
    let ctx = app.test_request_context("/hello").unwrap();
    ctx.with(|| assert_eq!(request().endpoint(), Some("hello")))
        .unwrap();
}

#[test]
fn a_rule_whose_endpoint_has_no_view_is_an_unhandled_error() {
    let mut app = app();
    app.add_endpoint_rule("/later", "later");
    app.add_endpoint_rule("/never", "never");
    app.endpoint("later", hello);
    assert_eq!(get(&app, "/later"), (200, "hello".to_owned()));
    assert_eq!(get(&app, "/never").0, 500);
}

#[test]
fn a_view_that_panics_is_an_unhandled_error_and_the_next_request_is_served() {
    let mut app = app();
    app.route("/explode", explode);
    app.route("/", hello);

    let (response, trace) = visit(&app, "/explode");

    assert_eq!(response.status_code(), 500);
    assert_eq!(
        tree(&trace)[16..20],
        [
            "    Flask.dispatch_request panics",
            "      view explode panics",
            "    Flask.handle_user_exception raises Panic",
            "  Flask.handle_exception",
        ]
    );
    assert_eq!(get(&app, "/").1, "hello");
}

#[test]
fn a_static_rule_comes_before_one_with_a_variable() {
    let mut app = app();
    app.route("/<name>", |name: String| format!("user {name}"));
    app.route("/about", || "about");
    assert_eq!(get(&app, "/about").1, "about");
    assert_eq!(get(&app, "/abort").1, "user abort");
}

#[test]
fn url_defaults_of_a_blueprint_reach_its_views() {
    let mut bp = Blueprint::new("site").with_url_default("lang", "en");
    bp.route("/about", |lang: String| lang);
    let mut app = app();
    app.register_blueprint(bp);
    assert_eq!(get(&app, "/about").1, "en");
}

#[test]
fn a_finished_response_is_passed_on_as_it_is() {
    let mut app = app();
    app.route("/", || {
        let mut response = Response::new("made by hand");
        response.set_status(202)?;
        Ok::<_, carafe::Error>(response)
    });
    assert_eq!(get(&app, "/"), (202, "made by hand".to_owned()));
}
