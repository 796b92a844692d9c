//! For the chapter on saving a session.

use std::collections::HashMap;
use std::sync::Arc;

use carafe::clock::FixedClock;
use carafe::testing::{TestClient, TestResponse};
use carafe::trace::{self, Kind};
use carafe::{App, Error, Scaffold, session};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[
    ("save_session/when", when),
    ("save_session/nested", nested),
    ("save_session/refresh", refresh),
    ("save_session/large", large),
    ("save_session/cache", cache),
];

/// An app with a secret key, and its clock.
fn new_app() -> (App, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::new(1_700_000_000));
    let app = App::new("demo");
    app.config().set_secret_key("adavafa");
    app.config().set_clock(clock.clone());
    (app, clock)
}

// ANCHOR: views
fn app() -> (App, Arc<FixedClock>) {
    let (mut app, clock) = new_app();
    app.route("/about", || "about us");
    app.route("/hello", || {
        let name: Option<String> = session().get("username");
        format!("Hello, {}!", name.unwrap_or("stranger".to_owned()))
    });
    app.route("/login", || {
        session().insert("username", "jack")?;
        Ok::<_, Error>("welcome")
    });
    app.route("/remember", || {
        session().set_permanent(true)?;
        Ok::<_, Error>("for a month")
    });
    app.route("/logout", || {
        session().clear()?;
        Ok::<_, Error>("bye")
    });
    (app, clock)
}
// ANCHOR_END: views

/// The end of a Set-Cookie header, from the value's last part on, and Vary.
fn headers(response: &TestResponse) -> String {
    let cookie = response.header("Set-Cookie").unwrap_or_default();
    let cookie = match cookie.split_once("; ") {
        None => "-".to_owned(),
        Some(("session=", _)) => "deleted".to_owned(),
        Some((_, rest)) if rest.contains("Expires") => "set, with Expires".to_owned(),
        Some(_) => "set".to_owned(),
    };
    let vary = response.header("Vary").unwrap_or("-".to_owned());
    format!("{cookie:<18} {vary}")
}

// ANCHOR: when
fn when() -> String {
    let mut client = app().0.test_client();
    let mut lines = vec![format!("{:<10} {:<18} {}", "page", "Set-Cookie", "Vary")];
    for path in [
        "/about",
        "/hello",
        "/login",
        "/about",
        "/hello",
        "/remember",
        "/about",
        "/logout",
        "/hello",
    ] {
        let response = client.get(path).send().unwrap();
        lines.push(format!("{path:<10} {}", headers(&response)));
    }
    lines.join("\n")
}
// ANCHOR_END: when

// ANCHOR: nested
fn nested() -> String {
    let (mut app, _) = new_app();
    app.route("/new", || {
        session().insert("cart", vec!["apple"])?;
        Ok::<_, Error>("a new cart")
    });
    app.route("/copy", || {
        let mut cart: Vec<String> = session().get("cart").unwrap_or_default();
        cart.push("pear".to_owned());
        format!("in my copy: {cart:?}")
    });
    app.route("/update", || {
        session().update(|data| {
            let cart = data.get_mut("cart").and_then(|cart| cart.as_list_mut());
            cart.map(|cart| cart.push("pear".into()))
        })?;
        Ok::<_, Error>("changed in place")
    });
    app.route("/cart", || {
        format!("{:?}", session().get::<Vec<String>>("cart"))
    });
    let mut client = app.test_client();
    let pages = ["/new", "/copy", "/cart", "/update", "/cart"];
    let lines = pages.map(|path| {
        let text = client.get(path).send().unwrap().text();
        format!("{path:<8} {text}")
    });
    lines.join("\n")
}
// ANCHOR_END: nested

/// The Expires of a response's cookie.
fn expires(response: &TestResponse) -> String {
    let header = response.header("Set-Cookie").unwrap_or_default();
    let expires = header.split("; ").find(|part| part.starts_with("Expires"));
    expires.unwrap_or("no cookie").to_owned()
}

// ANCHOR: refresh
fn refresh() -> String {
    let mut lines = Vec::new();
    for each_request in [true, false] {
        let (app, clock) = app();
        let config = app.config();
        config
            .set("SESSION_REFRESH_EACH_REQUEST", each_request)
            .unwrap();
        lines.push(format!("SESSION_REFRESH_EACH_REQUEST = {each_request}"));
        let mut client = app.test_client();
        for path in ["/remember", "/about"] {
            let response = client.get(path).send().unwrap();
            lines.push(format!("  {path:<10} {}", expires(&response)));
            clock.advance(24 * 60 * 60);
        }
    }
    lines.join("\n")
}
// ANCHOR_END: refresh

// ANCHOR: large
fn large() -> String {
    let (mut app, _) = new_app();
    app.route("/", || {
        // Text in which zlib finds little to compress.
        let random = std::iter::successors(Some(1_u64), |n| Some(n.wrapping_mul(0x5851_f42d_4c95)));
        let notes: String = random.take(400).map(|n| format!("{n:016x}")).collect();
        session().insert("notes", notes)?;
        Ok::<_, Error>("saved")
    });
    let (response, trace) = trace::record(|| app.test_client().get("/").send());
    let response = response.unwrap();
    let warning = trace.iter().find(|step| step.kind == Kind::Log).unwrap();
    let field = |name| warning.field(name).unwrap_or_default();
    format!(
        "status {}, Set-Cookie of {} bytes\n{}: {}",
        response.status_code(),
        response.header("Set-Cookie").unwrap().len(),
        field("level"),
        warning.name,
    )
}
// ANCHOR_END: large

// ANCHOR: cache
/// A cache between browsers and app: it answers again what it has answered before.
struct Cache {
    /// Whether it keeps an answer that says `Vary: Cookie` for each cookie by itself.
    minds_vary: bool,
    answers: HashMap<String, String>,
}

impl Cache {
    fn get(&mut self, client: &mut TestClient, path: &str) -> String {
        let cookie = client.get_cookie("session").unwrap_or_default();
        let key = match self.minds_vary {
            true => format!("{path} {cookie}"),
            false => path.to_owned(),
        };
        let ask = || client.get(path).send().unwrap().text();
        self.answers.entry(key).or_insert_with(ask).clone()
    }
}

fn cache() -> String {
    let lines = [false, true].map(|minds_vary| {
        let (app, _) = app();
        let mut cache = Cache {
            minds_vary,
            answers: HashMap::new(),
        };
        let (mut jack, mut other) = (app.test_client(), app.test_client());
        jack.get("/login").send().unwrap();
        cache.get(&mut jack, "/hello");
        let seen = cache.get(&mut other, "/hello");
        format!("minds Vary: {minds_vary:<5}  another visitor sees: {seen}")
    });
    lines.join("\n")
}
// ANCHOR_END: cache
