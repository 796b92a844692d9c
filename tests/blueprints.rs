//! Blueprints: parts of an app, under their own names and prefixes.
//!
//! The code: `src/blueprint.rs`; `inwards` and `outwards` in `src/lifecycle.rs` are the two orders.
//! Next: `url_for.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::error::catch;
use carafe::{
    App, Blueprint, Error, RegisterOptions, Response, Route, Scaffold, ViewArgs, abort, g, request,
    url_for,
};
use common::{DbError, Log, app, calls, get, hello, visit};

/// What `register` panics with.
#[track_caller]
fn refusal(register: impl FnOnce()) -> String {
    let result = catch(|| {
        register();
        Ok(())
    });
    result.unwrap_err().to_string()
}

/// A blueprint under its own name, with a function of each kind that writes its name into the log.
fn logging_blueprint(name: &'static str, log: &Log) -> Blueprint {
    let mut blueprint = Blueprint::new(name).with_url_prefix(format!("/{name}"));
    let line = |kind: &'static str| {
        let seen = log.clone();
        move || seen.add(format!("{kind} {name}"))
    };
    // The `*_app_*` forms are of the app.
    let add = line("app_url_value_preprocessor");
    blueprint.app_url_value_preprocessor(move |_: Option<&str>, _: Option<&mut ViewArgs>| add());
    blueprint.before_app_request(line("before_app_request"));
    let add = line("after_app_request");
    blueprint.after_app_request(move |_response: &mut Response| add());
    let add = line("teardown_app_request");
    blueprint.teardown_app_request(move |_error: Option<&Error>| add());
    log_own(&mut blueprint, name, log);
    blueprint
}

/// The functions that an app and a blueprint may have alike, and an index.
fn log_own(scaffold: &mut impl Scaffold, name: &'static str, log: &Log) {
    let line = |kind: &'static str| {
        let seen = log.clone();
        move || seen.add(format!("{kind} {name}"))
    };
    let add = line("url_value_preprocessor");
    scaffold.url_value_preprocessor(move |_: Option<&str>, _: Option<&mut ViewArgs>| add());
    scaffold.before_request(line("before_request"));
    let add = line("after_request");
    scaffold.after_request(move |_response: &mut Response| add());
    let add = line("teardown_request");
    scaffold.teardown_request(move |_error: Option<&Error>| add());
    scaffold.route("/", hello);
}

/// `c` in `b` in `a` in the app.
fn nested_app(log: &Log) -> App {
    let mut app = app();
    log_own(&mut app, "app", log);
    let c = logging_blueprint("c", log);
    let mut b = logging_blueprint("b", log);
    b.register_blueprint(c);
    let mut a = logging_blueprint("a", log);
    a.register_blueprint(b);
    app.register_blueprint(a);
    app
}

#[test]
fn functions_run_from_the_app_inwards_before_the_view_and_outwards_after_it() {
    let log = Log::default();
    let app = nested_app(&log);
    assert_eq!(get(&app, "/a/b/c/"), (200, "hello".to_owned()));
    let lines = log.take();
    println!("{}", lines.join("\n"));
    assert_eq!(
        lines,
        [
            "url_value_preprocessor app",
            "app_url_value_preprocessor a",
            "app_url_value_preprocessor b",
            "app_url_value_preprocessor c",
            "url_value_preprocessor a",
            "url_value_preprocessor b",
            "url_value_preprocessor c",
            "before_request app",
            "before_app_request a",
            "before_app_request b",
            "before_app_request c",
            "before_request a",
            "before_request b",
            "before_request c",
            "after_request c",
            "after_request b",
            "after_request a",
            "after_app_request c",
            "after_app_request b",
            "after_app_request a",
            "after_request app",
            "teardown_request c",
            "teardown_request b",
            "teardown_request a",
            "teardown_app_request c",
            "teardown_app_request b",
            "teardown_app_request a",
            "teardown_request app",
        ]
    );
}

#[test]
fn the_functions_of_an_inner_blueprint_are_not_for_its_outer_one() {
    let log = Log::default();
    let app = nested_app(&log);
    get(&app, "/a/");
    let lines = log.take();
    let own: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        .filter(|line| !line.contains("app_"))
        .collect();
    assert_eq!(
        own,
        [
            "url_value_preprocessor app",
            "url_value_preprocessor a",
            "before_request app",
            "before_request a",
            "after_request a",
            "after_request app",
            "teardown_request a",
            "teardown_request app",
        ]
    );
}

#[test]
fn a_404_below_a_prefix_runs_only_what_is_the_apps() {
    let log = Log::default();
    let app = nested_app(&log);
    assert_eq!(get(&app, "/a/b/nope").0, 404);
    assert_eq!(
        log.take(),
        [
            "url_value_preprocessor app",
            "app_url_value_preprocessor a",
            "app_url_value_preprocessor b",
            "app_url_value_preprocessor c",
            "before_request app",
            "before_app_request a",
            "before_app_request b",
            "before_app_request c",
            "after_app_request c",
            "after_app_request b",
            "after_app_request a",
            "after_request app",
            "teardown_app_request c",
            "teardown_app_request b",
            "teardown_app_request a",
            "teardown_request app",
        ]
    );
}

#[test]
fn a_404_below_a_prefix_is_for_the_apps_handler_and_one_from_a_view_for_the_blueprints() {
    let mut admin = Blueprint::new("admin").with_url_prefix("/admin");
    admin.route("/gone", || Err::<(&str, u16), _>(abort(404)));
    admin.errorhandler(404, |_error| ("admin: not here", 404));
    let mut app = app();
    app.errorhandler(404, |_error| ("app: not here", 404));
    app.register_blueprint(admin);
    assert_eq!(get(&app, "/admin/gone").1, "admin: not here");
    assert_eq!(get(&app, "/admin/nope").1, "app: not here");
}

#[test]
fn names_are_joined_by_dots_and_prefixes_by_slashes() {
    fn names() -> String {
        let request = request();
        let lines = [
            request.endpoint().unwrap_or("-").to_owned(),
            request.blueprint().unwrap_or("-").to_owned(),
            request.blueprints().join(" "),
        ];
        lines.join(", ")
    }
    // However the slashes stand, there is one between two parts.
    let mut c = Blueprint::new("c").with_url_prefix("c/");
    c.route("/names", names);
    let mut b = Blueprint::new("b");
    b.route("/b", names);
    b.register_blueprint(c);
    let mut a = Blueprint::new("a").with_url_prefix("/a/");
    a.route("", names);
    a.register_blueprint(b);
    let mut app = app();
    app.route("/names", names);
    app.register_blueprint(a);

    assert_eq!(get(&app, "/names").1, "names, -, ");
    assert_eq!(get(&app, "/a/").1, "a.names, a, a");
    assert_eq!(get(&app, "/a/b").1, "a.b.names, a.b, a.b a");
    assert_eq!(get(&app, "/a/c/names").1, "a.b.c.names, a.b.c, a.b.c a.b a");
}

#[test]
fn a_prefix_may_hold_a_variable_that_a_preprocessor_takes_out() {
    let mut page = Blueprint::new("page").with_url_prefix("/<lang>");
    page.url_value_preprocessor(|_: Option<&str>, args: Option<&mut ViewArgs>| {
        let lang = args.and_then(|args| args.shift_remove("lang"));
        if let Some(lang) = lang.as_ref().and_then(carafe::Value::as_str) {
            g().set("lang", lang.to_owned());
        }
    });
    page.url_defaults(|_endpoint: &str, values: &mut carafe::Dict| {
        let lang = g().get("lang").unwrap_or_else(|| "en".to_owned());
        values.setdefault("lang".to_owned(), lang.into());
    });
    page.route(Route::new("/").endpoint("index"), || {
        url_for(".about").build()
    });
    page.route(Route::new("/about").endpoint("about"), || {
        url_for("page.index").arg("lang", "fr").build()
    });
    let mut app = app();
    app.route("/", || url_for("page.index").build());
    app.register_blueprint(page);

    assert_eq!(get(&app, "/de/").1, "/de/about");
    assert_eq!(get(&app, "/de/about").1, "/fr/");
    assert_eq!(get(&app, "/").1, "/en/");
}

#[test]
fn url_defaults_are_asked_from_the_app_inwards_for_the_endpoint_that_is_built() {
    let log = Log::default();
    let note = |name: &'static str| {
        let seen = log.clone();
        move |endpoint: &str, _values: &mut carafe::Dict| seen.add(format!("{name}: {endpoint}"))
    };
    let mut inner = Blueprint::new("inner").with_url_prefix("/inner");
    inner.route("/", hello);
    inner.url_defaults(note("inner"));
    let mut outer = Blueprint::new("outer").with_url_prefix("/outer");
    outer.url_defaults(note("outer"));
    outer.app_url_defaults(note("outer, for the app"));
    outer.register_blueprint(inner);
    let mut app = app();
    app.url_defaults(note("app"));
    app.register_blueprint(outer);
    app.route("/", || url_for("outer.inner.hello").build());
    app.route("/own", || url_for("own").build());

    assert_eq!(get(&app, "/").1, "/outer/inner/");
    assert_eq!(
        log.take(),
        [
            "app: outer.inner.hello",
            "outer, for the app: outer.inner.hello",
            "outer: outer.inner.hello",
            "inner: outer.inner.hello",
        ]
    );
    assert_eq!(get(&app, "/own").1, "/own");
    assert_eq!(log.take(), ["app: own", "outer, for the app: own"]);
}

#[test]
fn url_for_with_a_leading_dot_stays_in_the_blueprint_of_the_request() {
    fn here() -> Result<String, Error> {
        url_for(".here").build()
    }
    let mut inner = Blueprint::new("inner").with_url_prefix("/inner");
    inner.route("/", here);
    let mut outer = Blueprint::new("outer").with_url_prefix("/outer");
    outer.route("/", here);
    outer.route("/down", || url_for(".inner.here").build());
    outer.register_blueprint(inner);
    let mut app = app();
    app.route("/here", here);
    app.register_blueprint(outer);

    assert_eq!(get(&app, "/here").1, "/here");
    assert_eq!(get(&app, "/outer/").1, "/outer/");
    assert_eq!(get(&app, "/outer/down").1, "/outer/inner/");
    assert_eq!(get(&app, "/outer/inner/").1, "/outer/inner/");
}

#[test]
fn one_blueprint_may_be_registered_twice_under_another_name() {
    let log = Log::default();
    let mut shop = Blueprint::new("shop").with_url_prefix("/shop");
    shop.route(Route::new("/").endpoint("index"), |args: ViewArgs| {
        let lang = args.get("lang").and_then(carafe::Value::as_str);
        let own = url_for(".index").build()?;
        Ok::<_, Error>(format!("{own} {}", lang.unwrap_or("-")))
    });
    let seen = log.clone();
    shop.record(move |state| {
        let prefix = state.url_prefix.as_deref().unwrap_or("-");
        seen.add(format!(
            "record {} {prefix} {}",
            state.name, state.first_registration
        ));
    });
    let seen = log.clone();
    shop.record_once(move |state| seen.add(format!("record_once {}", state.name)));
    let seen = log.clone();
    shop.before_app_request(move || seen.add("before_app_request"));

    let mut app = app();
    app.register_blueprint(shop.clone());
    let second = RegisterOptions::new().name("second").url_prefix("/2/");
    app.register_blueprint_with(shop, second.url_default("lang", "de"));
    assert_eq!(
        log.take(),
        [
            "record shop /shop true",
            "record_once shop",
            "record second /2/ false",
        ]
    );

    assert_eq!(get(&app, "/shop/").1, "/shop/ -");
    assert_eq!(get(&app, "/2/").1, "/2/ de");
    // What it registered for the app, it registered once.
    assert_eq!(log.take(), ["before_app_request", "before_app_request"]);
}

#[test]
fn a_name_that_is_taken_is_refused() {
    let shop = Blueprint::new("shop");
    let mut app = app();
    app.register_blueprint(shop.clone());
    assert_eq!(
        refusal(|| app.register_blueprint(shop)),
        "The name 'shop' is already registered for this blueprint. Use 'name=' to provide a unique \
         name."
    );
    assert_eq!(
        refusal(|| app.register_blueprint(Blueprint::new("shop"))),
        "The name 'shop' is already registered for a different blueprint. Use 'name=' to provide a \
         unique name."
    );

    let mut outer = Blueprint::new("outer");
    outer.register_blueprint(Blueprint::new("inner"));
    outer.register_blueprint(Blueprint::new("inner"));
    assert_eq!(
        refusal(|| app.register_blueprint(outer)),
        "The name 'inner' is already registered for a different blueprint 'outer.inner'. Use 'name=' \
         to provide a unique name."
    );
}

#[test]
fn names_with_dots_are_refused_and_so_are_empty_ones() {
    let refused = |name: &'static str| refusal(|| drop(Blueprint::new(name)));
    assert_eq!(
        refused("a.b"),
        "'name' may not contain a dot '.' character."
    );
    assert_eq!(refused(""), "'name' may not be empty.");
    let mut blueprint = Blueprint::new("shop");
    assert_eq!(
        refusal(|| blueprint.route(Route::new("/").endpoint("a.b"), hello)),
        "'endpoint' may not contain a dot '.' character."
    );
}

#[test]
fn two_views_for_one_endpoint_are_refused_when_the_blueprint_is_registered() {
    let mut shop = Blueprint::new("shop");
    shop.add_url_rule("/", "index", hello);
    shop.add_url_rule("/other", "index", common::fail);
    let mut app = app();
    assert_eq!(
        refusal(|| app.register_blueprint(shop)),
        "View function mapping is overwriting an existing endpoint function: shop.index"
    );
}

#[test]
fn a_rule_of_a_blueprint_that_is_none_is_named_when_the_blueprint_is_registered() {
    let mut shop = Blueprint::new("shop").with_url_prefix("/shop");
    shop.route("/", hello);
    shop.route("/<int(1, 2, 3, 4, 5):id>", hello);
    let mut app = app();
    assert_eq!(
        refusal(|| app.register_blueprint(shop)),
        "the converter takes 4 arguments but 5 were given (in the URL rule \
         '/shop/<int(1, 2, 3, 4, 5):id>')"
    );
}

#[test]
fn a_view_that_a_blueprint_gives_an_endpoint_is_the_apps_whatever_it_had_before() {
    let mut shop = Blueprint::new("shop").with_url_prefix("/shop");
    shop.add_endpoint_rule("/", "index");
    shop.endpoint("index", || "the app's index");
    shop.endpoint("shop.index", || "the shop's index");
    let mut app = app();
    app.add_url_rule("/", "index", hello);
    app.register_blueprint(shop);
    assert_eq!(get(&app, "/").1, "the app's index");
    assert_eq!(get(&app, "/shop/").1, "the shop's index");
}

#[test]
fn the_same_endpoint_name_in_two_blueprints_is_no_duplicate() {
    let mut app = app();
    for name in ["first", "second"] {
        let mut blueprint = Blueprint::new(name).with_url_prefix(format!("/{name}"));
        blueprint.route("/", hello);
        app.register_blueprint(blueprint);
    }
    app.route("/", hello);
    for path in ["/", "/first/", "/second/"] {
        assert_eq!(get(&app, path), (200, "hello".to_owned()));
    }
}

#[test]
fn app_error_handlers_of_a_blueprint_are_for_the_whole_app() {
    let mut errors = Blueprint::new("errors").with_url_prefix("/errors");
    errors.app_errorhandler(404, |error| (format!("{} everywhere", error.code), 404));
    errors.app_errorhandler_for(|error: &DbError| format!("{} everywhere", error.0));
    // Its own are for its own views.
    errors.errorhandler_for(|_error: &DbError| "its own");
    errors.route("/fail", common::fail);
    let mut app = app();
    app.route("/fail", common::fail);
    app.register_blueprint(errors);

    assert_eq!(get(&app, "/nope"), (404, "404 everywhere".to_owned()));
    assert_eq!(get(&app, "/fail").1, "the database is down everywhere");
    assert_eq!(get(&app, "/errors/fail").1, "its own");
}

#[test]
fn before_app_first_request_runs_once_for_the_first_request_to_any_page() {
    fn warm_up() {}
    let mut cache = Blueprint::new("cache").with_url_prefix("/cache");
    cache.before_app_first_request(warm_up);
    let mut app = app();
    app.route("/", hello);
    app.register_blueprint(cache);

    let (_, first) = visit(&app, "/");
    let (_, second) = visit(&app, "/");

    let first: Vec<String> = calls(&first)
        .into_iter()
        .filter(|call| !call.starts_with("signal"))
        .collect();
    assert_eq!(first, ["before_first_request warm_up", "view hello"]);
    assert!(!calls(&second).contains(&"before_first_request warm_up".to_owned()));
}

#[test]
fn an_answer_of_a_blueprints_before_function_keeps_the_inner_ones_and_the_view_from_running() {
    let log = Log::default();
    let mut inner = logging_blueprint("inner", &log);
    inner.before_request(|| ());
    let mut outer = Blueprint::new("outer");
    outer.before_request(|| Some(("closed", 503)));
    outer.register_blueprint(inner);
    let mut app = app();
    app.register_blueprint(outer);

    assert_eq!(get(&app, "/inner/"), (503, "closed".to_owned()));
    assert_eq!(
        log.take(),
        [
            "app_url_value_preprocessor inner",
            "url_value_preprocessor inner",
            "before_app_request inner",
            "after_request inner",
            "after_app_request inner",
            "teardown_request inner",
            "teardown_app_request inner",
        ]
    );
}

#[test]
fn an_empty_rule_of_a_blueprint_is_its_prefix_without_a_slash() {
    let mut shop = Blueprint::new("shop").with_url_prefix("/shop");
    shop.route(Route::new("").endpoint("index"), hello);
    let mut app = app();
    app.register_blueprint(shop);
    assert_eq!(get(&app, "/shop").0, 200);
    assert_eq!(get(&app, "/shop/").0, 404);
}

#[test]
fn a_route_has_its_own_defaults_beside_those_of_its_blueprint_and_they_win() {
    let mut shop = Blueprint::new("shop");
    let own = Route::new("/").default("kind", "own").default("n", 1);
    shop.route(own, |args: ViewArgs| {
        let kind = args["kind"].as_str().map(str::to_owned);
        format!("{kind:?} {:?} {:?}", args.get("lang"), args.get("n"))
    });
    let options = RegisterOptions::new().url_default("kind", "of all");
    let mut app = app();
    app.register_blueprint_with(shop, options.url_default("lang", "de"));
    assert_eq!(
        get(&app, "/").1,
        "Some(\"own\") Some(Str(\"de\")) Some(Int(1))"
    );
}
