//! Stage 6, `RequestContext.match_request`: which rule the URL belongs to, found before anything runs.
//!
//! The code: `src/url_adapter.rs` and `src/routing/`. `routing/` has the rules of matching
//! themselves; here is what a request makes of them. Next: `before_first_request.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::routing::{Converter, ValidationError};
use carafe::wsgi::Environ;
use carafe::{Blueprint, Error, Route, Scaffold, Value, request, url_for};
use common::{app, calls, get, hello, subtree, visit};

fn user(id: i64) -> String {
    format!("user {id}")
}

#[test]
fn a_match_sets_the_rule_the_endpoint_and_the_view_args() {
    let mut app = app();
    app.route("/user/<int:id>", user);

    let ctx = app.test_request_context("/user/7").unwrap();
    assert!(ctx.request().url_rule().is_none());
    ctx.with(|| {
        let request = request();
        assert_eq!(request.url_rule().unwrap().rule, "/user/<int:id>");
        assert_eq!(request.endpoint(), Some("user"));
        assert_eq!(request.view_args().unwrap()["id"], Value::Int(7));
        assert!(request.routing_exception().is_none());
    })
    .unwrap();
}

#[test]
fn no_match_is_not_an_error_until_dispatch() {
    let mut app = app();
    app.before_request(common::before);
    app.after_request(common::after);

    let (response, trace) = visit(&app, "/nowhere");

    assert_eq!(response.status_code(), 404);
    assert_eq!(
        subtree(&trace, "RequestContext.match_request"),
        ["RequestContext.match_request"]
    );
    let found = trace.find("RequestContext.match_request").unwrap();
    assert_eq!(found.field("routing_exception"), Some("NotFound"));
    assert_eq!(
        subtree(&trace, "Flask.full_dispatch_request"),
        [
            "Flask.full_dispatch_request",
            "  Flask.try_trigger_before_first_request_functions",
            "  signal request_started",
            "  Flask.preprocess_request",
            "    before_request before",
            "  Flask.dispatch_request raises NotFound",
            "  Flask.handle_user_exception",
            "    Flask.handle_http_exception",
            "  Flask.finalize_request",
            "    Flask.make_response",
            "    Flask.process_response",
            "      after_request after",
            "      save_session",
            "    signal request_finished",
        ]
    );
}

#[test]
fn a_404_below_a_blueprints_prefix_runs_the_apps_functions_and_not_the_blueprints() {
    fn of_blueprint() {}
    let mut admin = Blueprint::new("admin").with_url_prefix("/admin");
    admin.before_request(of_blueprint);
    admin.route("/", hello);
    let mut app = app();
    app.before_request(common::before);
    app.register_blueprint(admin);

    assert_eq!(
        visit(&app, "/admin/nowhere").1.hooks(),
        ["before_request before"]
    );
    assert_eq!(
        visit(&app, "/admin/").1.hooks(),
        [
            "before_request before",
            "before_request of_blueprint",
            "view hello"
        ]
    );
}

#[test]
fn a_method_that_no_rule_has_is_a_405_that_names_those_it_could_be() {
    let mut app = app();
    app.route(Route::new("/").methods(["GET", "POST"]), hello);
    app.route(
        Route::new("/").endpoint("put").methods(["PUT"]),
        common::hello,
    );

    let response = app.test_client().delete("/").send().unwrap();

    assert_eq!(response.status_code(), 405);
    let allow = response.header("Allow").unwrap();
    let mut methods: Vec<&str> = allow.split(", ").collect();
    methods.sort_unstable();
    assert_eq!(methods, ["GET", "HEAD", "OPTIONS", "POST", "PUT"]);
}

#[test]
fn a_missing_slash_is_a_308_to_the_rule_that_has_one() {
    let mut app = app();
    app.before_request(common::before);
    app.route("/cart/", hello);

    let (response, trace) = visit(&app, "/cart?page=2");

    assert_eq!(response.status_code(), 308);
    assert_eq!(
        response.header("Location").unwrap(),
        "http://localhost/cart/?page=2"
    );
    assert_eq!(calls(&trace)[2], "before_request before");
    assert_eq!(
        subtree(&trace, "Flask.dispatch_request"),
        ["Flask.dispatch_request raises RequestRedirect"]
    );
}

#[test]
fn a_redirect_stays_here_where_the_host_is_none() {
    let mut app = app();
    app.route("/<page>/", |page: String| page);

    for host in ["a_b.example", "user@shop.example", ""] {
        let mut client = app.test_client();
        let request = client.get("/evil.example?q=1");
        let response = request.header("Host", host).send().unwrap();
        assert_eq!(response.status_code(), 308, "{host}");
        // To a browser `http:///evil.example/`, as Flask has it, is `http://evil.example/`.
        let location = response.header("Location").unwrap();
        assert_eq!(location, "/evil.example/?q=1", "{host}");
        assert!(!response.text().contains("http:"), "{host}");
    }
}

#[test]
fn a_host_that_dns_could_not_know_is_a_400() {
    let mut app = app();
    app.route("/", hello);
    for host in [&*format!("{}.example", "x".repeat(64)), "a..example"] {
        let mut environ = Environ::builder("/").build().unwrap();
        environ.headers.insert("Host", host.parse().unwrap());
        let mut status = None;
        app.wsgi_app(environ, &mut |given, _headers| status = Some(given))
            .unwrap();
        assert_eq!(status.unwrap(), 400, "{host}");
    }
}

#[test]
fn a_slash_too_many_at_the_end_is_a_404() {
    let mut app = app();
    app.route("/cart", hello);
    assert_eq!(get(&app, "/cart/").0, 404);
}

#[test]
fn strict_slashes_off_takes_both() {
    let mut app = app();
    app.route(Route::new("/cart/").strict_slashes(false), hello);
    assert_eq!(get(&app, "/cart").0, 200);
    assert_eq!(get(&app, "/cart/").0, 200);
}

#[test]
fn doubled_slashes_are_merged_by_a_redirect_unless_the_rule_keeps_them() {
    let mut app = app();
    app.route("/a/b", hello);
    app.route(Route::new("/raw/b").merge_slashes(false), hello);
    app.route("/path/<path:p>", |p: String| p);
    let response = app.test_client().get("/a//b").send().unwrap();
    assert_eq!(response.status_code(), 308);
    assert_eq!(response.header("Location").unwrap(), "http://localhost/a/b");
    assert_eq!(get(&app, "/raw/b").0, 200);
    assert_eq!(get(&app, "/raw//b").0, 404);
    assert_eq!(get(&app, "/path/a//b"), (200, "a//b".to_owned()));
}

#[test]
fn a_default_that_the_url_repeats_is_redirected_to_the_rule_without_it() {
    let mut app = app();
    app.add_url_rule(Route::new("/page/").default("n", 1), "page", |n: i64| {
        format!("page {n}")
    });
    app.add_endpoint_rule("/page/<int:n>", "page");
    let response = app.test_client().get("/page/1").send().unwrap();
    assert_eq!(response.status_code(), 308);
    assert_eq!(
        response.header("Location").unwrap(),
        "http://localhost/page/"
    );
    assert_eq!(get(&app, "/page/"), (200, "page 1".to_owned()));
    assert_eq!(get(&app, "/page/2"), (200, "page 2".to_owned()));
}

#[test]
fn a_converter_of_the_apps_own_turns_text_into_a_value_and_refuses_what_is_none() {
    /// `1+2+3` in the URL, a list of numbers in the view.
    struct Sum;
    impl Converter for Sum {
        fn to_python(&self, text: &str) -> Result<Value, ValidationError> {
            let number = |part: &str| part.parse::<i64>().map(Value::Int);
            let numbers: Result<Vec<Value>, _> = text.split('+').map(number).collect();
            numbers
                .map(Value::List)
                .map_err(|error| ValidationError::Invalid(error.to_string()))
        }
    }
    let mut app = app();
    app.add_converter("sum", |_args| Ok(Sum));
    app.route("/sum/<sum:numbers>", |numbers: Value| {
        let numbers = numbers.as_list().unwrap_or_default().iter();
        let total: i64 = numbers.filter_map(Value::as_i64).sum();
        total.to_string()
    });
    assert_eq!(get(&app, "/sum/1+2+30"), (200, "33".to_owned()));
    assert_eq!(get(&app, "/sum/1+two").0, 404);
}

#[test]
fn a_converter_that_panics_is_an_unhandled_error_of_the_push() {
    struct Broken;
    impl Converter for Broken {
        fn to_python(&self, _text: &str) -> Result<Value, ValidationError> {
            panic!("the floor is gone");
        }
    }
    let mut app = app();
    app.add_converter("broken", |_args| Ok(Broken));
    app.before_request(common::before);
    app.route("/<broken:x>", |_x: String| "never");
    app.after_request(common::after);
    app.teardown_request(common::teardown);

    let (response, trace) = visit(&app, "/x");

    assert_eq!(response.status_code(), 500);
    assert!(!carafe::has_request_context() && !carafe::has_app_context());
    assert_eq!(
        calls(&trace),
        [
            "signal appcontext_pushed",
            "signal got_request_exception",
            "after_request after",
            "signal request_finished",
            "teardown_request teardown",
            "signal request_tearing_down",
            "signal appcontext_tearing_down",
            "signal appcontext_popped",
        ]
    );
}

#[test]
fn a_host_that_is_not_trusted_is_a_400_that_dispatch_raises() {
    let mut app = app();
    app.config()
        .set(
            "TRUSTED_HOSTS",
            Value::List(vec!["shop.example".into(), ".sub.example".into()]),
        )
        .unwrap();
    app.route("/", || request().url().to_owned());
    app.errorhandler(400, |_: &carafe::HttpException| {
        format!("no, {:?}", request().host())
    });
    let mut client = app.test_client();
    let mut ask = |host: &str| {
        let answer = client.get("/").header("Host", host).send().unwrap();
        (answer.status_code(), answer.text())
    };

    let url = |url: &str| (200, url.to_owned());
    assert_eq!(ask("shop.example"), url("http://shop.example/"));
    assert_eq!(ask("shop.example:8080"), url("http://shop.example:8080/"));
    assert_eq!(ask("a.sub.example"), url("http://a.sub.example/"));
    // The handler's page is a 200, as it sets no other status.
    let no = (200, "no, \"\"".to_owned());
    for host in ["evil.example", "eshop.example", "shop.example.evil", "a b"] {
        assert_eq!(ask(host), no, "{host}");
    }
    let (_, trace) = visit(&app, "/");
    assert!(
        subtree(&trace, "Flask.dispatch_request")
            .contains(&"Flask.dispatch_request raises SecurityError".to_owned())
    );
}

#[test]
fn a_rule_may_be_there_for_urls_alone_or_lead_to_another() {
    fn next(id: i64) -> Result<String, Error> {
        Ok(format!("{id} {}", url_for("next").arg("id", 8).build()?))
    }
    let mut app = app();
    app.route("/user/<int:id>", next);
    app.route(Route::new("/u/<int:id>").alias(true), next);
    app.add_endpoint_rule(Route::new("/old/<int:id>").redirect_to("user/<id>"), "old");
    app.add_endpoint_rule(Route::new("/cdn/<name>").build_only(true), "cdn");
    app.route("/", || url_for("cdn").arg("name", "x").build());
    let mut shop = Blueprint::new("shop").with_url_prefix("/shop");
    shop.add_endpoint_rule(Route::new("/old/<int:id>").redirect_to("user/<id>"), "old");
    app.register_blueprint(shop);

    let mut client = app.test_client();
    let paths = [
        "/user/7",
        "/u/7?x=1",
        "/old/7",
        "/shop/old/7",
        "/cdn/x",
        "/",
    ];
    let answers = paths.map(|path| {
        let response = client.get(path).send().unwrap();
        match response.status_code() {
            200 => response.text(),
            308 => response.header("Location").unwrap(),
            status => status.to_string(),
        }
    });
    assert_eq!(
        answers,
        [
            "7 /user/8",
            "http://localhost/user/7?x=1",
            "http://localhost/user/7",
            "http://localhost/user/7",
            "404",
            "/cdn/x",
        ]
    );
}

#[test]
fn a_request_for_a_websocket_matches_no_rule() {
    let mut app = app();
    app.route("/", hello);
    let status = |path: &str, upgrade: &str, connection: &str| {
        let mut client = app.test_client();
        let request = client.get(path).header("Upgrade", upgrade);
        let response = request.header("Connection", connection).send().unwrap();
        response.status_code()
    };
    assert_eq!(status("/", "websocket", "Upgrade"), 400);
    assert_eq!(status("/", "WebSocket", "keep-alive, upgrade"), 400);
    // What only looks like one is not, and where there is no rule there is none to mismatch.
    assert_eq!(status("/", "websocket", "keep-alive"), 200);
    assert_eq!(status("/", "h2c", "Upgrade"), 200);
    assert_eq!(status("/nowhere", "websocket", "Upgrade"), 404);

    let mut client = app.test_client();
    let response = client.get("/").base_url("ws://localhost").send().unwrap();
    assert_eq!(response.status_code(), 400);
}
