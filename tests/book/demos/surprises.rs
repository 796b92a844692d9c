//! For the chapter on what surprised us.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use carafe::clock::FixedClock;
use carafe::json::TaggedJsonSerializer;
use carafe::signing::{
    DigestMethod, KeyDerivation, SignerOptions, URLSafe, URLSafeTimedSerializer,
};
use carafe::testing::TestResponse;
use carafe::trace::{self, Kind, Trace};
use carafe::{
    App, Blueprint, Error, HttpException, Response, Scaffold, Value, ViewArgs, abort,
    get_flashed_messages, session, stream_with_context,
};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[
    ("surprises/after", after),
    ("surprises/handlers", handlers),
    ("surprises/unmatched", unmatched),
    ("surprises/session", sessions),
    ("surprises/cookies", cookies),
    ("surprises/again", again),
];

/// The app's functions and the signals, in order. A `✗` failed.
fn calls(trace: &Trace) -> String {
    let told = |step: &&trace::Step| matches!(step.kind, Kind::Hook | Kind::Signal);
    let line = |step: &trace::Step| {
        let signal = match step.kind {
            Kind::Signal => "signal ",
            _ => "",
        };
        let failed = if step.error.is_some() { " ✗" } else { "" };
        format!("  {signal}{}{failed}", step.label())
    };
    let lines: Vec<String> = trace.iter().filter(told).map(line).collect();
    lines.join("\n")
}

fn visit(app: &App, path: &str) -> (TestResponse, Trace) {
    let (response, trace) = trace::record(|| app.test_client().get(path).send());
    (response.unwrap(), trace)
}

// ANCHOR: after
fn set_tag(response: &mut Response) -> Result<(), Error> {
    response.set_header("X-Tag", "tagged")
}

fn count_words(_response: &mut Response) -> Result<(), Error> {
    Err(Error::value_error("there are no words"))
}

fn add_date(_response: &mut Response) {}

fn after() -> String {
    let mut app = App::new("demo");
    app.route("/", || "hello");
    app.after_request(add_date);
    app.after_request(count_words);
    app.after_request(set_tag);

    let (response, trace) = visit(&app, "/");
    let (status, tag) = (response.status_code(), response.header("X-Tag"));
    format!("{}\n\nsent: {status}, X-Tag {tag:?}", calls(&trace))
}
// ANCHOR_END: after

// ANCHOR: handlers
fn handlers() -> String {
    let mut shop = Blueprint::new("shop").with_url_prefix("/shop");
    shop.get("/sold", || Err::<&str, _>(abort(410)));
    shop.errorhandler_for(|_: &HttpException| "the blueprint's, for HttpException");

    let mut app = App::new("demo");
    app.get("/fail", || Err::<&str, _>(Error::value_error("seven")));
    app.get("/abort", || Err::<&str, _>(abort(500)));
    app.get("/slash/", || "never seen");
    app.errorhandler(410, |_| "the app's, for 410");
    app.errorhandler_for(|_: &HttpException| "the app's, for HttpException");
    app.errorhandler(500, |error| match &error.original_exception {
        Some(original) => format!("the app's, for 500: {}", original.type_name()),
        None => "the app's, for 500: no original_exception".to_owned(),
    });
    app.register_blueprint(shop);

    let tell = |path| {
        let (response, _) = visit(&app, path);
        let text = response.text();
        let said = if text.starts_with("the ") {
            &text
        } else {
            "no handler"
        };
        format!("{path:<12} {said}")
    };
    ["/shop/sold", "/fail", "/abort", "/slash"]
        .map(tell)
        .join("\n")
}
// ANCHOR_END: handlers

// ANCHOR: unmatched
fn of_app() {}
fn of_shop() {}

fn look_at_url(_endpoint: Option<&str>, _args: Option<&mut ViewArgs>) {}

fn unmatched() -> String {
    let mut shop = Blueprint::new("shop").with_url_prefix("/shop");
    shop.get("/sold", || Err::<&str, _>(abort(404)));
    shop.before_request(of_shop);
    shop.errorhandler(404, |_| ("the shop's page", 404));

    let mut app = App::new("demo");
    app.url_value_preprocessor(look_at_url);
    app.before_request(of_app);
    app.errorhandler(404, |_| ("the app's page", 404));
    app.register_blueprint(shop);

    let tell = |path| {
        let (response, trace) = visit(&app, path);
        format!("{path}: {}\n{}", response.text(), trace.hooks().join("\n"))
    };
    ["/shop/sold", "/shop/nowhere"].map(tell).join("\n\n")
}
// ANCHOR_END: unmatched

/// The app of the two demonstrations below: each page does one thing with the session.
// ANCHOR: session_app
fn session_app() -> App {
    let mut app = App::new("demo");
    app.config().set_secret_key("adavafa");
    app.config()
        .set_clock(Arc::new(FixedClock::new(1_700_000_000)));
    let refresh = app.config().set("SESSION_REFRESH_EACH_REQUEST", false);
    refresh.unwrap();

    app.get("/login", || {
        session().insert("basket", vec!["tea"])?;
        session().set_permanent(true).map(|()| "ok")
    });
    app.get("/nothing", || "ok");
    app.get("/contains", || session().contains_key("basket").to_string());
    app.get("/flashes", || {
        get_flashed_messages().map(|all| all.len().to_string())
    });
    app.get("/permanent", || {
        session().set_permanent(true).map(|()| "ok")
    });
    app.get("/pop", || session().pop("no such key").map(|_| "ok"));
    app.get("/clear", || session().clear().map(|()| "ok"));
    app.get("/nested", || {
        let mut basket: Vec<String> = session().get("basket").unwrap_or_default();
        basket.push("milk".to_owned());
        "ok"
    });
    app
}
// ANCHOR_END: session_app

fn header(response: &TestResponse, name: &str) -> String {
    response.header(name).unwrap_or_else(|| "-".to_owned())
}

/// What a page does with the cookie, in a word, and its `Vary`.
fn told(response: &TestResponse) -> String {
    let cookie = header(response, "Set-Cookie");
    let cookie = match cookie.as_str() {
        "-" => "-",
        deletion if deletion.contains("Max-Age=0") => "deleted",
        _ => "set",
    };
    format!("{cookie:<8} {}", header(response, "Vary"))
}

fn sessions() -> String {
    let app = session_app();
    let mut lines = vec![format!("{:<12} {:<8} Vary", "", "cookie")];
    for path in [
        "/nothing",
        "/contains",
        "/flashes",
        "/permanent",
        "/pop",
        "/nested",
    ] {
        let mut client = app.test_client();
        client.get("/login").send().unwrap();
        lines.push(format!(
            "{path:<12} {}",
            told(&client.get(path).send().unwrap())
        ));
    }
    let stranger = app.test_client().get("/clear").send().unwrap();
    lines.push(format!("{:<12} {}", "/clear", told(&stranger)));
    lines.join("\n")
}

// ANCHOR: cookies
fn cookies() -> String {
    let app = session_app();
    let mut client = app.test_client();
    let mut tell = |what: &str, cookie: &str| {
        client.set_cookie("session", cookie);
        let response = client.get("/contains").send().unwrap();
        let kept = client.get_cookie("session") == Some(cookie);
        format!("{what:<16} {}, cookie kept: {kept}", response.status_code())
    };
    let lines = [
        tell("forged", "eyJ1c2VybmFtZSI6ImphbmUifQ.ZVPxAA.bm90IHNpZ25lZA"),
        tell("a signed list", &signed_list()),
    ];
    lines.join("\n")
}

/// What another program might sign with the same key and salt.
fn signed_list() -> String {
    let options = SignerOptions {
        key_derivation: KeyDerivation::Hmac,
        digest_method: DigestMethod::Sha256,
        ..SignerOptions::default()
    };
    let payload = URLSafe::new(TaggedJsonSerializer);
    let serializer =
        URLSafeTimedSerializer::new(vec!["adavafa"], "cookie-session", payload, &options, &[]);
    serializer
        .unwrap()
        .dumps_at(&Value::from(vec![1, 2, 3]), 1_700_000_000)
        .unwrap()
}
// ANCHOR_END: cookies

// ANCHOR: again
fn create_tables() {}

fn close_cursor(_error: Option<&Error>) {}

fn again() -> String {
    let tries = AtomicUsize::new(0);
    let mut app = App::new("demo");
    app.before_first_request(create_tables);
    app.before_first_request(move || match tries.fetch_add(1, Ordering::Relaxed) {
        0 => Err(Error::value_error("the mail server sleeps")),
        _ => Ok(()),
    });
    app.get("/", || {
        Response::stream(stream_with_context(["a", "b"].map(String::from)))
    });
    app.teardown_request(close_cursor);

    let mut client = app.test_client();
    let mut tell = |number: usize| {
        let (_, trace) = trace::record(|| client.get("/").send());
        let hooks: Vec<String> = trace
            .hooks()
            .iter()
            .map(|hook| format!("  {hook}"))
            .collect();
        format!("visit {number}\n{}", hooks.join("\n"))
    };
    [tell(1), tell(2)].join("\n")
}
// ANCHOR_END: again
