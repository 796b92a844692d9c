//! One session on two sides: a visitor goes to and fro between a live Flask app and one of Carafe.
//!
//! `sharing/flask_app.py` is the other app, in a Python process of its own. Both have the key
//! `adavafa`, and both take the time from the system. What single cookies must look like is in
//! `signing.rs` and `open_session.rs`.
#![allow(clippy::unwrap_used)]

mod python;

use carafe::session::SecureCookieSessionInterface;
use carafe::testing::TestClient;
use carafe::{App, Scaffold, Value, session};
use python::Python;
use serde_json::{Value as Json, json};

// ANCHOR: our_app
/// The app on our side: it greets, counts, and signs as a stock Flask does.
fn our_app() -> App {
    let mut app = App::new("beside flask");
    app.config().set_secret_key("adavafa");
    app.session_interface(SecureCookieSessionInterface::flask());
    app.get("/", || {
        let name: Option<String> = session().get("username");
        let visits: u32 = session().get("visits").unwrap_or(0);
        format!(
            "Carafe sees {}, visits {visits}",
            name.unwrap_or_else(|| "None".to_owned())
        )
    });
    app.get("/login/<name>", |name: String| {
        session()
            .insert("username", name)
            .map(|()| "welcome to Carafe")
    });
    app.get("/visit", || {
        let visits: u32 = session().get("visits").unwrap_or(0);
        session().insert("visits", visits + 1).map(|()| "counted")
    });
    app
}
// ANCHOR_END: our_app

/// A browser whose cookie goes to both sides, as if they were one host.
struct Visitor {
    flask: Python,
    app: App,
    client: TestClient,
}

impl Visitor {
    fn new(app: App) -> Option<Self> {
        Some(Visitor {
            flask: Python::start("sharing/flask_app.py", "a session on both sides")?,
            client: app.test_client(),
            app,
        })
    }

    fn ours(&mut self, path: &str) -> String {
        let text = self.client.get(path).send().unwrap().text();
        println!("ours    GET {path:<18} {text}");
        text
    }

    fn theirs(&mut self, path: &str) -> String {
        let cookie = self.client.get_cookie("session");
        let answer = self.ask(&json!({"path": path, "cookie": cookie}));
        if let Some(set_cookie) = answer["set_cookie"].as_str() {
            let value = set_cookie.split(';').next().unwrap();
            let value = value.strip_prefix("session=").unwrap().to_owned();
            if set_cookie.contains("Max-Age=0") {
                self.client.delete_cookie("session");
            } else {
                self.client.set_cookie("session", &value);
            }
        }
        let text = answer["text"].as_str().unwrap().to_owned();
        println!("theirs  GET {path:<18} {text}");
        text
    }

    /// A new deployment of the Flask app.
    fn configure_theirs(&mut self, config: &Json, sha256: bool) {
        self.ask(&json!({"path": "/config", "config": config, "sha256": sha256}));
    }

    /// A new deployment of ours: the key that signs, and those that only open.
    fn configure_ours(&self, key: &str, fallbacks: &[&str]) {
        let fallbacks = Value::from(fallbacks.to_vec());
        self.app
            .config()
            .set("SECRET_KEY_FALLBACKS", fallbacks)
            .unwrap();
        self.app.config().set_secret_key(key);
    }

    fn ask(&mut self, question: &Json) -> Json {
        serde_json::from_str(&self.flask.ask(&question.to_string())).unwrap()
    }
}

// ANCHOR: a_login_on_either_side_is_one_on_the_other
#[test]
fn a_login_on_either_side_is_one_on_the_other() {
    let Some(mut visitor) = Visitor::new(our_app()) else {
        return;
    };
    visitor.theirs("/login?name=jack");
    assert_eq!(visitor.ours("/"), "Carafe sees jack, visits 0");

    visitor.ours("/visit");
    visitor.theirs("/visit");
    assert_eq!(visitor.ours("/"), "Carafe sees jack, visits 2");
    assert_eq!(visitor.theirs("/"), "Flask sees jack, visits 2");

    visitor.theirs("/logout");
    assert_eq!(visitor.ours("/"), "Carafe sees None, visits 0");

    visitor.ours("/login/jill");
    assert_eq!(visitor.theirs("/"), "Flask sees jill, visits 0");
}
// ANCHOR_END: a_login_on_either_side_is_one_on_the_other

#[test]
fn what_only_python_has_a_type_for_goes_through_us_unchanged() {
    let Some(mut visitor) = Visitor::new(our_app()) else {
        return;
    };
    visitor.theirs("/fill");
    // We write the whole session anew to change one key of it.
    visitor.ours("/visit");
    assert_eq!(visitor.theirs("/check"), "all the same");
}

// ANCHOR: keys_are_rotated_in_three_steps_and_nobody_is_logged_out
#[test]
fn keys_are_rotated_in_three_steps_and_nobody_is_logged_out() {
    let Some(mut visitor) = Visitor::new(our_app()) else {
        return;
    };
    visitor.ours("/login/jack");

    // One: each side learns to open what the new key signs, and signs with the old one.
    visitor.configure_ours("adavafa", &["avocado"]);
    visitor.configure_theirs(
        &json!({"SECRET_KEY": "adavafa", "SECRET_KEY_FALLBACKS": ["avocado"]}),
        false,
    );
    // Two: each side signs with the new key, one after the other.
    visitor.configure_theirs(
        &json!({"SECRET_KEY": "avocado", "SECRET_KEY_FALLBACKS": ["adavafa"]}),
        false,
    );
    visitor.theirs("/visit");
    assert_eq!(visitor.ours("/"), "Carafe sees jack, visits 1");
    visitor.ours("/visit");
    assert_eq!(visitor.theirs("/"), "Flask sees jack, visits 2");
    visitor.configure_ours("avocado", &["adavafa"]);
    visitor.ours("/visit");
    // Three: when the last old cookie has expired, the old key goes.
    visitor.configure_ours("avocado", &[]);
    visitor.configure_theirs(&json!({"SECRET_KEY_FALLBACKS": []}), false);
    assert_eq!(visitor.theirs("/"), "Flask sees jack, visits 3");
    assert_eq!(visitor.ours("/"), "Carafe sees jack, visits 3");
}
// ANCHOR_END: keys_are_rotated_in_three_steps_and_nobody_is_logged_out

#[test]
fn a_key_that_one_side_does_not_know_yet_logs_out_there_and_a_write_then_loses_the_session() {
    let Some(mut visitor) = Visitor::new(our_app()) else {
        return;
    };
    visitor.ours("/login/jack");
    visitor.configure_theirs(
        &json!({"SECRET_KEY": "avocado", "SECRET_KEY_FALLBACKS": ["adavafa"]}),
        false,
    );
    visitor.theirs("/visit");
    assert_eq!(visitor.ours("/"), "Carafe sees None, visits 0");
    // Nothing is lost as long as we only look.
    assert_eq!(visitor.theirs("/"), "Flask sees jack, visits 1");
    visitor.ours("/visit");
    assert_eq!(visitor.theirs("/"), "Flask sees None, visits 1");
}

#[test]
fn both_sides_may_sign_with_sha_256_and_one_alone_may_not() {
    let mut app = our_app();
    app.session_interface(SecureCookieSessionInterface::new());
    let Some(mut visitor) = Visitor::new(app) else {
        return;
    };
    visitor.ours("/login/jack");
    assert_eq!(visitor.theirs("/"), "Flask sees None, visits 0");
    visitor.configure_theirs(&json!({}), true);
    assert_eq!(visitor.theirs("/"), "Flask sees jack, visits 0");
}
