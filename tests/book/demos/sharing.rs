//! For the chapter on sharing the cookie: cookies that real Flasks made, opened here.
//!
//! The Flasks' cookies are in `book/src/generated/eras`, where `tests/eras/run` recorded them.

use std::path::Path;
use std::sync::Arc;

use carafe::clock::FixedClock;
use carafe::session::SecureCookieSessionInterface;
use carafe::{App, Scaffold, Value, session};
use serde_json::Value as Json;

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[
    ("sharing/opened", opened),
    ("sharing/same_bytes", same_bytes),
    ("sharing/refused", refused),
];

/// The session cookie that this Flask set on its first visit.
fn cookie_of_flask(version: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join(format!("book/src/generated/eras/{version}.json"));
    let scenes: Json = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let headers = scenes[0]["headers"].as_array().unwrap();
    let set_cookie = headers.iter().find(|header| header[0] == "Set-Cookie");
    let set_cookie = set_cookie.unwrap()[1].as_str().unwrap();
    let pair = set_cookie.split(';').next().unwrap();
    pair.strip_prefix("session=").unwrap().to_owned()
}

/// What an app says to the visitor who brings this cookie.
fn greeting(app: &App, cookie: &str) -> String {
    let mut client = app.test_client();
    client.set_cookie("session", cookie);
    client.get("/").send().unwrap().text()
}

// ANCHOR: shared_app
fn shared_app() -> App {
    let mut app = App::new("beside flask");
    app.config().set_secret_key("adavafa");
    app.session_interface(SecureCookieSessionInterface::flask());
    app.get("/", || match session().get::<String>("username") {
        Some(name) => format!("Hello, {name}!"),
        None => "You are not logged in.".to_owned(),
    });
    app.get("/login", || {
        session().insert("username", "jack").map(|()| "Welcome!")
    });
    // The second at which the Flasks made their cookies.
    app.config()
        .set_clock(Arc::new(FixedClock::new(1_700_000_000)));
    app
}
// ANCHOR_END: shared_app

// ANCHOR: opened
fn opened() -> String {
    let app = shared_app();
    let tell = |version| {
        let cookie = cookie_of_flask(version);
        format!(
            "Flask {version} set  {cookie}\n  we say         {}",
            greeting(&app, &cookie)
        )
    };
    ["1.0.4", "1.1.4", "2.2.5", "3.1.3"].map(tell).join("\n")
}
// ANCHOR_END: opened

// ANCHOR: same_bytes
fn same_bytes() -> String {
    let mut client = shared_app().test_client();
    client.get("/login").send().unwrap();
    let ours = client.get_cookie("session").unwrap();
    let theirs = cookie_of_flask("3.1.3");
    format!(
        "Flask   {theirs}\nCarafe  {ours}\nequal   {}",
        ours == theirs
    )
}
// ANCHOR_END: same_bytes

// ANCHOR: refused
fn refused() -> String {
    let cookie = cookie_of_flask("3.1.3");
    let tell = |what: &str, change: fn(&mut App)| {
        let mut app = shared_app();
        change(&mut app);
        format!("{what:<28} {}", greeting(&app, &cookie))
    };
    let lines = [
        tell("as it is", |_| {}),
        tell("another key", |app| app.config().set_secret_key("avocado")),
        tell("the old key as a fallback", |app| {
            app.config().set_secret_key("avocado");
            let old = Value::from(vec!["adavafa"]);
            app.config().set("SECRET_KEY_FALLBACKS", old).unwrap();
        }),
        tell("SHA-256", |app| {
            app.session_interface(SecureCookieSessionInterface::new());
        }),
        tell("another salt", |app| {
            let interface = SecureCookieSessionInterface::flask().salt("another");
            app.session_interface(interface);
        }),
        tell("another SESSION_COOKIE_NAME", |app| {
            app.config().set("SESSION_COOKIE_NAME", "id").unwrap();
        }),
        tell("a clock 32 days on", |app| {
            let clock = FixedClock::new(1_700_000_000 + 32 * 24 * 60 * 60);
            app.config().set_clock(Arc::new(clock));
        }),
        tell("a clock a second behind", |app| {
            app.config()
                .set_clock(Arc::new(FixedClock::new(1_699_999_999)));
        }),
    ];
    lines.join("\n")
}
// ANCHOR_END: refused
