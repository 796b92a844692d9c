//! For the chapter on blueprints.

use carafe::{
    App, Blueprint, Error, Response, Route, Scaffold, ViewArgs, abort, request, trace, url_for,
};

use super::Output;
use super::lines::Lines;

pub(crate) const OUTPUTS: &[Output] = &[
    ("blueprints/names", names),
    ("blueprints/record", record),
    ("blueprints/order", order),
    ("blueprints/nothing", nothing),
];

// ANCHOR: names
fn show() -> String {
    let request = request();
    format!(
        "{}: endpoint {}, blueprints {}",
        request.path(),
        request.endpoint().unwrap_or_default(),
        request.blueprints().join(" in ")
    )
}

fn names() -> String {
    let mut item = Blueprint::new("item").with_url_prefix("/item");
    item.route("/", show);
    let mut shop = Blueprint::new("shop").with_url_prefix("/shop");
    shop.route("/", show);
    shop.register_blueprint(item);

    let mut app = App::new("demo");
    app.register_blueprint(shop);
    let mut client = app.test_client();
    let mut lines = Vec::new();
    for path in ["/shop/", "/shop/item/"] {
        lines.extend(client.get(path).send().map(|response| response.text()));
    }
    lines.join("\n")
}
// ANCHOR_END: names

// ANCHOR: record
fn record() -> String {
    let log = Lines::default();
    let mut shop = Blueprint::new("shop").with_url_prefix("/shop");
    let seen = log.clone();
    shop.record(move |state| {
        let prefix = state.url_prefix.as_deref().unwrap_or_default();
        seen.add(format!("registered as {} at {prefix}", state.name));
    });
    shop.route(Route::new("/").endpoint("index"), || {
        url_for(".index").build()
    });
    log.add("the blueprint is made");

    let mut app = App::new("demo");
    app.register_blueprint(shop.clone());
    let outlet = carafe::RegisterOptions::new()
        .name("outlet")
        .url_prefix("/outlet");
    app.register_blueprint_with(shop, outlet);

    let mut client = app.test_client();
    for path in ["/shop/", "/outlet/"] {
        match client.get(path).send() {
            Ok(response) => log.add(format!("GET {path}: {}", response.text())),
            Err(error) => log.add(error.to_string()),
        }
    }
    log.text()
}
// ANCHOR_END: record

// ANCHOR: order
/// Registers a function of each kind, on an app or on a blueprint. Each one adds its name to the log.
fn one_of_each(on: &mut impl Scaffold, whose: &str, log: &Lines) {
    let line = |kind: &str| {
        let (text, log) = (format!("{kind:22} {whose}"), log.clone());
        move || log.add(text.clone())
    };
    let add = line("url_value_preprocessor");
    on.url_value_preprocessor(move |_: Option<&str>, _: Option<&mut ViewArgs>| add());
    on.before_request(line("before_request"));
    on.route("/", {
        let add = line("view");
        move || {
            add();
            "hello"
        }
    });
    let add = line("after_request");
    on.after_request(move |_: &mut Response| add());
    let add = line("teardown_request");
    on.teardown_request(move |_: Option<&Error>| add());
}

fn nested(log: &Lines) -> App {
    let mut app = App::new("demo");
    one_of_each(&mut app, "app", log);
    let mut item = Blueprint::new("item").with_url_prefix("/item");
    one_of_each(&mut item, "shop.item", log);
    let mut shop = Blueprint::new("shop").with_url_prefix("/shop");
    one_of_each(&mut shop, "shop", log);
    // What a blueprint registers for the app is the app's.
    let (text, seen) = (
        format!("{:22} app, from shop", "before_app_request"),
        log.clone(),
    );
    shop.before_app_request(move || seen.add(text.clone()));
    shop.register_blueprint(item);
    app.register_blueprint(shop);
    app
}

fn order() -> String {
    let log = Lines::default();
    let _response = nested(&log).test_client().get("/shop/item/").send();
    log.text()
}
// ANCHOR_END: order

// ANCHOR: nothing
fn nothing() -> String {
    fn check_login() {}
    let mut admin = Blueprint::new("admin").with_url_prefix("/admin");
    admin.before_request(check_login);
    admin.errorhandler(404, |_| ("admin: not here", 404));
    admin.route("/user", || Err::<&str, _>(abort(404)));
    let mut app = App::new("demo");
    app.errorhandler(404, |_| ("app: not here", 404));
    app.register_blueprint(admin);

    let mut lines = Vec::new();
    for path in ["/admin/user", "/admin/usr"] {
        let (response, trace) = trace::record(|| app.test_client().get(path).send());
        let text = response.map_or_else(|error| error.to_string(), |response| response.text());
        lines.push(format!("GET {path}"));
        lines.extend(trace.hooks().iter().map(|hook| format!("   {hook}")));
        lines.push(format!("   => {text}"));
    }
    lines.join("\n")
}
// ANCHOR_END: nothing
