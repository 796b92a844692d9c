//! Setup: what is refused, and that all of it is after the first request.
//!
//! The code: `change_setup` in `src/app.rs`, `src/scaffold.rs`. What a blueprint is refused for is in
//! `blueprints.rs`. Next: `config.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use carafe::clock::{Clock, SystemClock};
use carafe::config::Settings;
use carafe::error::catch;
use carafe::routing::{Converter, ValidationError};
use carafe::session::{SecureCookieSessionInterface, Session, SessionInterface};
use carafe::typing::{IntoReturnValue, ReturnValue};
use carafe::view::View;
use carafe::{
    App, Blueprint, Dict, Error, Request, Response, Route, Scaffold, Value, ViewArgs, make_response,
};
use common::{DbError, after, app, before, fail, get, hello, record, teardown};

/// What `f` panics with; `None` where it does not.
fn refusal(f: impl FnOnce()) -> Option<String> {
    let result = catch(|| {
        f();
        Ok(())
    });
    result.err().map(|error| error.to_string())
}

/// An app that has handled its first request.
fn running_app() -> App {
    let mut app = app();
    app.route("/", hello);
    assert_eq!(get(&app, "/").0, 200);
    app
}

#[test]
fn after_the_first_request_every_setup_method_is_refused_by_its_name_in_flask() {
    fn url_value(_endpoint: Option<&str>, _args: Option<&mut ViewArgs>) {}
    fn url_default(_endpoint: &str, _values: &mut Dict) {}
    struct Text;
    impl Converter for Text {
        fn to_python(&self, text: &str) -> Result<Value, ValidationError> {
            Ok(text.into())
        }
    }
    type Method = fn(&mut App);
    let methods: [(&str, Method); 22] = [
        ("route", |app| app.route("/late", hello)),
        ("get", |app| app.get("/late", hello)),
        ("post", |app| app.post("/late", hello)),
        ("put", |app| app.put("/late", hello)),
        ("delete", |app| app.delete("/late", hello)),
        ("patch", |app| app.patch("/late", hello)),
        ("add_url_rule", |app| {
            app.add_url_rule("/late", "late", hello);
        }),
        ("add_url_rule", |app| app.add_endpoint_rule("/late", "late")),
        ("endpoint", |app| app.endpoint("late", hello)),
        ("before_first_request", |app| {
            app.before_first_request(before);
        }),
        ("before_request", |app| app.before_request(before)),
        ("after_request", |app| app.after_request(after)),
        ("teardown_request", |app| app.teardown_request(teardown)),
        ("teardown_appcontext", |app| {
            app.teardown_appcontext(teardown);
        }),
        ("url_value_preprocessor", |app| {
            app.url_value_preprocessor(url_value);
        }),
        ("url_defaults", |app| app.url_defaults(url_default)),
        ("errorhandler", |app| app.errorhandler(404, |_error| "late")),
        ("errorhandler", |app| {
            app.errorhandler_for(|_error: &DbError| "late");
        }),
        ("register_blueprint", |app| {
            app.register_blueprint(Blueprint::new("late"));
        }),
        // These are plain attributes in Flask, which would let them pass.
        ("session_interface", |app| {
            app.session_interface(SecureCookieSessionInterface::new());
        }),
        ("url_build_error_handlers", |app| {
            app.url_build_error_handler(|_error, _endpoint, _values| Ok(None));
        }),
        ("url_map.converters", |app| {
            app.add_converter("text", |_args| Ok(Text));
        }),
    ];
    for (name, method) in methods {
        let mut app = running_app();
        let message = format!(
            "The setup method '{name}' can no longer be called on the application. It has already \
             handled its first request, any changes will not be applied consistently.\n\
             Make sure all imports, decorators, functions, etc. needed to set up the application \
             are done before running it."
        );
        assert_eq!(refusal(|| method(&mut app)), Some(message));
        assert_eq!(get(&app, "/"), (200, "hello".to_owned()));
        assert_eq!(get(&app, "/late").0, 404);
        // And before it, each of them works.
        let mut app = common::app();
        assert_eq!(refusal(|| method(&mut app)), None, "{name}");
    }
}

#[test]
fn a_request_that_finds_nothing_ends_setup_too() {
    let mut app = app();
    assert!(!app.got_first_request());
    assert_eq!(get(&app, "/nope").0, 404);
    assert!(app.got_first_request());
    assert!(refusal(|| app.route("/", hello)).is_some());
}

#[test]
fn a_context_without_a_request_does_not_end_setup() {
    let mut app = app();
    app.test_request_context("/").unwrap().with(|| ()).unwrap();
    app.app_context().with(|| ()).unwrap();
    app.test_client()
        .session_transaction(|session| session.insert("a", 1))
        .unwrap();
    app.route("/", hello);
    assert_eq!(get(&app, "/").0, 200);
}

#[test]
fn a_clone_of_the_app_is_the_same_app() {
    let mut app = running_app();
    let mut clone = app.clone();
    assert!(clone.got_first_request());
    assert!(refusal(|| clone.route("/late", hello)).is_some());
    assert!(refusal(|| app.route("/late", hello)).is_some());
}

#[test]
fn a_view_that_registers_something_is_told_so() {
    let mut app = app();
    let inside = app.clone();
    app.route("/", move || {
        inside.clone().route("/late", hello);
        "done"
    });
    app.errorhandler_for(|error: &Error| (format!("{error:?}"), 500));
    let (status, text) = get(&app, "/");
    assert_eq!(status, 500);
    assert!(text.starts_with("Panic: The setup method 'route' can no longer be called"));
}

#[test]
fn two_views_for_one_endpoint_are_refused() {
    let mut app = app();
    app.add_url_rule("/", "index", hello);
    assert_eq!(
        refusal(|| app.add_url_rule("/other", "index", fail)).unwrap(),
        "View function mapping is overwriting an existing endpoint function: index"
    );
    // What a closure has caught makes it another function.
    let greet = |name: &'static str| move || name;
    app.add_url_rule("/jack", "greet", greet("jack"));
    assert!(refusal(|| app.add_url_rule("/jill", "greet", greet("jill"))).is_some());
}

#[test]
fn the_view_of_an_endpoint_may_be_given_before_its_rules_and_be_replaced() {
    let mut app = app();
    app.endpoint("index", fail);
    app.endpoint("index", hello);
    app.add_endpoint_rule("/", "index");
    app.add_url_rule("/hello", "index", hello);
    assert!(refusal(|| app.add_url_rule("/late", "index", fail)).is_some());
    assert_eq!(get(&app, "/"), (200, "hello".to_owned()));
    assert_eq!(get(&app, "/hello"), (200, "hello".to_owned()));
}

#[test]
fn two_views_for_one_endpoint_that_nobody_named_are_told_how_to_name_one() {
    let mut app = app();
    app.get("/cart", || "what is in it");
    assert_eq!(
        refusal(|| app.post("/cart", || "added")).unwrap(),
        "View function mapping is overwriting an existing endpoint function: cart\n\
         A closure's endpoint is named after its rule, unless the route names it: \
         Route::new(rule).endpoint(name)."
    );
    mod other {
        pub(super) fn hello() -> &'static str {
            "another hello"
        }
    }
    app.get("/", hello);
    assert_eq!(
        refusal(|| app.get("/other", other::hello)).unwrap(),
        "View function mapping is overwriting an existing endpoint function: hello\n\
         An endpoint is named after its view (View::name), unless the route names it: \
         Route::new(rule).endpoint(name). One more rule for the same view: add_endpoint_rule(rule, endpoint)."
    );
    app.get(Route::new("/third").endpoint("other_hello"), other::hello);
    assert_eq!(get(&app, "/third"), (200, "another hello".to_owned()));
}

/// What is a decorator in Python: a view around another one, with values of its own.
struct Greeting<V> {
    greeting: &'static str,
    view: V,
}

impl<A, V: View<A>> View<A> for Greeting<V> {
    fn call(&self, args: ViewArgs) -> Result<ReturnValue, Error> {
        let mut response = make_response(self.view.call(args)?)?;
        response.set_header("X-Greeting", self.greeting)?;
        response.into_return_value()
    }

    fn name(&self) -> &'static str {
        self.view.name()
    }
}

fn greeting<V>(view: V) -> Greeting<V> {
    Greeting {
        greeting: "good morning",
        view,
    }
}

#[test]
fn a_view_around_another_one_has_its_name() {
    fn user(id: u32) -> String {
        format!("user {id}")
    }
    let mut app = app();
    app.get("/hello", greeting(hello));
    app.get("/user/<int:id>", greeting(greeting(user)));
    app.get("/prices", greeting(|| "a pear is 3"));
    app.get("/news", greeting(|| "no news"));
    let urls = app.test_request_context("/").unwrap().with(|| {
        let user = carafe::url_for("user").arg("id", 7);
        [user, carafe::url_for("hello"), carafe::url_for("news")].map(|url| url.build().unwrap())
    });
    assert_eq!(urls.unwrap(), ["/user/7", "/hello", "/news"]);
    let (response, trace) = record(|| app.test_client().get("/user/7").send().unwrap());
    assert_eq!(response.text(), "user 7");
    assert_eq!(response.header("X-Greeting").unwrap(), "good morning");
    assert_eq!(trace.hooks(), ["view user"]);
}

#[test]
fn a_view_that_holds_values_gets_a_second_rule_by_its_endpoint() {
    let mut app = app();
    app.get("/hello", greeting(hello));
    let refused = refusal(|| app.get("/hi", greeting(hello))).unwrap();
    assert!(
        refused.contains("One more rule for the same view: add_endpoint_rule(rule, endpoint).")
    );
    app.add_endpoint_rule("/salut", "hello");
    assert_eq!(get(&app, "/salut"), (200, "hello".to_owned()));
}

#[test]
fn an_endpoint_is_named_after_its_function_however_that_is_reached() {
    struct Shop;
    #[allow(dead_code)]
    struct Page<T>(T);
    trait Pages {
        fn list() -> &'static str;
    }
    impl Pages for Shop {
        fn list() -> &'static str {
            "list"
        }
    }
    impl<T: Send + Sync + 'static> Page<Vec<T>> {
        fn show() -> &'static str {
            "show"
        }
    }
    fn generic<F>() -> &'static str {
        std::any::type_name::<F>()
    }
    let mut app = app();
    app.route("/1", <Shop as Pages>::list);
    app.route("/2", Page::<Vec<u8>>::show);
    app.route("/3", generic::<fn() -> Vec<Shop>>);
    // A pointer does not say what it points to.
    app.route("/4", hello as fn() -> &'static str);
    let urls = app.test_request_context("/").unwrap().with(|| {
        ["list", "show", "generic", "4"].map(|endpoint| carafe::url_for(endpoint).build().unwrap())
    });
    assert_eq!(urls.unwrap(), ["/1", "/2", "/3", "/4"]);
}

#[test]
fn one_view_may_have_several_rules() {
    let mut app = app();
    app.route("/", hello);
    app.route("/hello", hello);
    app.add_url_rule("/hi", "hello", hello);
    app.endpoint("hello", hello);
    for path in ["/", "/hello", "/hi"] {
        assert_eq!(get(&app, path), (200, "hello".to_owned()));
    }
    assert_eq!(
        app.test_request_context("/")
            .unwrap()
            .with(|| { carafe::url_for("hello").build().unwrap() })
            .unwrap(),
        "/"
    );
}

#[test]
fn a_rule_that_is_none_is_refused_with_what_is_wrong() {
    let refused = |rule: &'static str| refusal(|| app().add_url_rule(rule, "view", hello)).unwrap();
    assert_eq!(
        [
            refused("late"),
            refused("/<x"),
            refused("/<nope:x>"),
            refused("/<x>/<x>"),
        ],
        [
            "URL rule 'late' must start with a slash.",
            "malformed url rule: '/<x'",
            "the converter 'nope' does not exist (in the URL rule '/<nope:x>')",
            "URL rule '/<x>/<x>' uses the variable 'x' twice",
        ]
    );
}

#[test]
fn a_refused_rule_leaves_the_app_as_it_was() {
    let mut app = app();
    app.route("/", hello);
    assert!(refusal(|| app.add_url_rule("/<x", "view", fail)).is_some());
    app.add_url_rule("/view", "view", hello);
    assert_eq!(get(&app, "/view"), (200, "hello".to_owned()));
}

#[test]
fn a_handler_is_for_the_code_of_an_http_error() {
    let message = |code| format!("'{code}' is not a recognized HTTP error code.");
    for code in [0, 200, 302, 402, 599, 999] {
        let refused = [
            refusal(|| app().errorhandler(code, |_error| "?")),
            refusal(|| Blueprint::new("shop").errorhandler(code, |_error| "?")),
            refusal(|| Blueprint::new("shop").app_errorhandler(code, |_error| "?")),
        ];
        assert_eq!(
            refused,
            [const { None::<String> }; 3].map(|_| Some(message(code)))
        );
    }
    for code in [400, 404, 418, 451, 500, 505] {
        assert_eq!(refusal(|| app().errorhandler(code, |_error| "?")), None);
    }
}

#[test]
fn a_panic_in_setup_names_the_line_that_registered() {
    use std::sync::Mutex;
    static PLACES: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let old = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if let Some(location) = info.location() {
            let place = format!("{}:{}", location.file(), location.line());
            PLACES.lock().unwrap().push(place);
        }
        old(info);
    }));
    let mut app = running_app();
    let here = format!("{}:{}", file!(), line!() + 1);
    assert!(refusal(|| app.route(Route::new("/late"), hello)).is_some());
    assert!(PLACES.lock().unwrap().contains(&here));
}

#[test]
fn a_view_that_is_refused_does_not_take_the_place_of_the_first_one() {
    let mut app = app();
    app.add_url_rule("/", "page", || "first");
    let refused = refusal(|| app.clone().add_url_rule("/b", "page", || "second"));
    assert!(refused.is_some());
    assert_eq!(common::get(&app, "/").1, "first");
}

/// What asks the app for its rules, when it is made and when its rule is put together.
struct Nosy(App);

impl Converter for Nosy {
    fn regex(&self) -> &str {
        assert_eq!(self.0.url_map().iter_rules().count(), 1);
        "[a-z]+"
    }
}

#[test]
fn a_converter_may_use_the_app_and_register_while_its_rule_is_added() {
    let (done, ended) = channel();
    // Not joined: should it wait for a lock of its own, the test fails all the same.
    thread::spawn(move || {
        let mut app = app();
        let handle = app.clone();
        app.add_converter("nosy", move |_args| {
            handle.clone().route("/other", || "other");
            Ok(Nosy(handle.clone()))
        });
        app.route("/<nosy:text>", |text: String| text);
        done.send((get(&app, "/text").1, get(&app, "/other").1))
    });
    let answers = ended.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(answers, ("text".to_owned(), "other".to_owned()));
}

/// A converter with the defaults.
struct Plain;

impl Converter for Plain {}

/// What asks the app for its rules and settings when it is dropped, and is counted then.
struct Leaving(App, Arc<AtomicUsize>);

impl Drop for Leaving {
    fn drop(&mut self) {
        drop((self.0.url_map(), self.0.config().settings()));
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

impl Clock for Leaving {
    fn now(&self) -> u64 {
        0
    }
}

impl Converter for Leaving {
    fn regex(&self) -> &str {
        "("
    }
}

impl SessionInterface for Leaving {
    fn open_session(
        &self,
        _settings: &Arc<Settings>,
        _request: &Request,
    ) -> Result<Option<Session>, Error> {
        Ok(None)
    }

    fn save_session(
        &self,
        _settings: &Arc<Settings>,
        _session: &Session,
        _response: &mut Response,
    ) -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn what_is_replaced_or_refused_may_use_the_app_while_it_is_dropped() {
    let (done, ended) = channel();
    // Not joined: should it wait for a lock of its own, the test fails all the same.
    thread::spawn(move || {
        let mut app = app();
        let dropped = Arc::new(AtomicUsize::new(0));
        let leaving = {
            let app = app.clone();
            let dropped = Arc::clone(&dropped);
            move || Leaving(app.clone(), Arc::clone(&dropped))
        };
        // A closure that holds one.
        let holder = || {
            let leaving = leaving();
            move || {
                let _ = &leaving;
                "held"
            }
        };
        let mut expected = 0;
        let mut counted = |what: &str, more: usize| {
            expected += more;
            let dropped = dropped.load(Ordering::Relaxed);
            done.send((what.to_owned(), dropped, expected)).unwrap();
        };

        let held = holder();
        app.errorhandler(404, move |_| held());
        app.errorhandler(404, |_| "another");
        counted("the handler of a code", 1);

        let held = holder();
        app.errorhandler_for(move |_: &DbError| held());
        let mut shop = Blueprint::new("shop");
        shop.app_errorhandler_for(|_: &DbError| "another");
        shop.endpoint("index", || "another");
        let held = holder();
        app.add_url_rule("/", "index", held);
        app.register_blueprint(shop);
        counted(
            "the handler of a type, and the view that a blueprint replaced",
            2,
        );

        app.endpoint("index", holder());
        app.endpoint("index", || "another");
        counted("the view of an endpoint", 1);

        let held = holder();
        assert!(refusal(|| app.clone().add_url_rule("/b", "index", held)).is_some());
        counted("the view that was refused", 1);

        let held = holder();
        app.add_converter("kind", move |_args| {
            held();
            Ok(Plain)
        });
        app.add_converter("kind", |_args| Ok(Plain));
        counted("the factory of a converter", 1);

        let make = leaving.clone();
        app.add_converter("broken", move |_args| Ok(make()));
        assert!(refusal(|| app.clone().route("/<broken:text>", |text: String| text)).is_some());
        counted("the converter of a rule that was refused", 1);

        app.session_interface(leaving());
        app.session_interface(SecureCookieSessionInterface::new());
        counted("the session interface", 1);

        app.config().set_clock(Arc::new(leaving()));
        app.config().set_clock(Arc::new(SystemClock));
        counted("the clock", 1);
    });
    for _ in 0..8 {
        let (what, dropped, expected) = ended.recv_timeout(Duration::from_secs(30)).unwrap();
        assert_eq!(dropped, expected, "{what}");
    }
}
