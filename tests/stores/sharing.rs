//! Sessions that a Flask app and a Carafe app share: `flask_app.py` beside this file has the Flask app.
//!
//! It is run by the Python that `CARAFE_FLASK_SESSION_PYTHON` names, or else by
//! `target/venvs/flask-session/bin/python`, which `bash tests/run` makes.

use serde_json::{Value as Json, json};

use carafe::session::ServerSideSessionInterface;
use carafe::testing::TestClient;
use carafe::{App, Error, Scaffold, Value, session};

use crate::python::Python;

/// A Flask app with Flask-Session, in a process of its own.
pub(crate) struct Flask(Python);

impl Flask {
    /// Starts one with this config; `None`, and a line that is seen, where there is none to start.
    pub(crate) fn start(config: &Json) -> Option<Self> {
        let what = format!("sessions shared by {}", config["SESSION_TYPE"]);
        let variable = "CARAFE_FLASK_SESSION_PYTHON";
        let mut python = Python::start_as(variable, "flask-session", "stores/flask_app.py", &what)?;
        python.ask(&config.to_string());
        Some(Flask(python))
    }

    /// One visit. The browser's cookie is changed as the answer says.
    #[track_caller]
    pub(crate) fn visit(&mut self, browser: &mut Browser, path: &str) -> String {
        let answer = self.answer(browser, path);
        assert_eq!(answer.status, 200, "Flask's {path}");
        answer.text
    }

    /// The same, with all that the browser gets to see of it.
    pub(crate) fn answer(&mut self, browser: &mut Browser, path: &str) -> Answer {
        let question = json!({"path": path, "cookie": browser.cookie});
        let answer: Json = serde_json::from_str(&self.0.ask(&question.to_string())).unwrap();
        let text = |key: &str| answer[key].as_str().map(str::to_owned);
        let answer = Answer {
            status: answer["status"].as_u64().unwrap() as u16,
            text: text("text").unwrap(),
            set_cookie: text("set_cookie"),
            vary: text("vary"),
        };
        browser.take(answer.set_cookie.as_deref());
        answer
    }
}

/// What a browser gets to see of a visit.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) set_cookie: Option<String>,
    pub(crate) vary: Option<String>,
}

/// What two servers share: the cookie.
#[derive(Default)]
pub(crate) struct Browser {
    pub(crate) cookie: String,
}

impl Browser {
    fn take(&mut self, set_cookie: Option<&str>) {
        let value = set_cookie.and_then(|header| header.strip_prefix("session="));
        if let Some((value, _)) = value.and_then(|value| value.split_once(';')) {
            value.clone_into(&mut self.cookie);
        }
    }
}

/// The Carafe app, with the pages of the same names.
pub(crate) struct Carafe {
    pub(crate) app: App,
    client: TestClient,
}

impl Carafe {
    pub(crate) fn new(interface: ServerSideSessionInterface) -> Self {
        let mut app = App::new("carafe");
        app.config().set_secret_key("adavafa");
        app.session_interface(interface);
        app.get("/", || "hello");
        app.get("/permanent/<int:flag>", |flag: i64| {
            session().set_permanent(flag != 0)?;
            Ok::<_, Error>("done")
        });
        app.get("/pop/<key>", |key: String| {
            let popped = session().pop(&key)?;
            let text = popped.as_ref().and_then(Value::as_str);
            Ok::<_, Error>(text.unwrap_or_default().to_owned())
        });
        app.get("/get/<key>", |key: String| {
            session().get::<String>(&key).unwrap_or_default()
        });
        app.get("/set/<key>/<value>", |key: String, value: String| {
            session().insert(key, value)?;
            Ok::<_, Error>("set")
        });
        app.get("/login/<name>", |name: String| {
            session().regenerate();
            session().insert("user", name)?;
            Ok::<_, Error>("welcome")
        });
        app.get("/logout", || {
            session().clear()?;
            Ok::<_, Error>("bye")
        });
        app.get("/fill", || {
            for (key, value) in every_json_value() {
                session().insert(key, value)?;
            }
            Ok::<_, Error>("filled")
        });
        let client = app.test_client().without_cookies();
        Carafe { app, client }
    }

    #[track_caller]
    pub(crate) fn visit(&mut self, browser: &mut Browser, path: &str) -> String {
        let answer = self.answer(browser, path);
        assert_eq!(answer.status, 200, "Carafe's {path}");
        answer.text
    }

    /// One visit, with all that the browser gets to see of it.
    pub(crate) fn answer(&mut self, browser: &mut Browser, path: &str) -> Answer {
        let cookie = format!("session={}", browser.cookie);
        let request = self.client.get(path).header("Cookie", &cookie);
        let answer = request.send().unwrap();
        let header = |name: &str| answer.header(name).map(|value| value.to_string());
        let answer = Answer {
            status: answer.status_code(),
            text: answer.text(),
            set_cookie: header("Set-Cookie"),
            vary: header("Vary"),
        };
        browser.take(answer.set_cookie.as_deref());
        answer
    }
}

fn every_json_value() -> [(&'static str, Value); 7] {
    [
        ("null", Value::Null),
        ("flags", vec![true, false].into()),
        (
            "numbers",
            vec![i64::MIN, -129, -1, 0, 127, 65_536, i64::MAX].into(),
        ),
        ("floats", vec![0.1, 1e300, 2.0].into()),
        ("text", "Zoë 🫖 \"\\/\u{1}".into()),
        ("large", "x".repeat(70_000).into()),
        (
            "nested",
            Value::from_iter([("a", vec![Value::from_iter([("b", Value::Null)])])]),
        ),
    ]
}

/// Has both apps share a store, in both formats, with and without signer and prefix. `config` is
/// Flask's, of the store; `interface` makes Carafe's, of the same.
pub(crate) fn run(config: &Json, interface: impl Fn() -> ServerSideSessionInterface) {
    for format in ["msgpack", "json"] {
        for (use_signer, prefix) in [(false, "session:"), (true, "shop:")] {
            let mut config = config.clone();
            config["SESSION_SERIALIZATION_FORMAT"] = format.into();
            config["SESSION_USE_SIGNER"] = use_signer.into();
            config["SESSION_KEY_PREFIX"] = prefix.into();
            let Some(mut flask) = Flask::start(&config) else {
                return;
            };
            let format = match format {
                "json" => carafe::session::Format::Json,
                _ => carafe::session::Format::MessagePack,
            };
            let interface = interface()
                .serialization_format(format)
                .use_signer(use_signer)
                .key_prefix(prefix);
            let kind = match config["SESSION_TYPE"].as_str() {
                Some("filesystem" | "cachelib") => "pickle".to_owned(),
                _ => format.to_string(),
            };
            share(&mut flask, &mut Carafe::new(interface), &kind);
        }
    }
}

fn share(flask: &mut Flask, carafe: &mut Carafe, kind: &str) {
    // Log in on Flask, read and change in Carafe, read the change on Flask.
    let browser = &mut Browser::default();
    flask.visit(browser, "/login/jack");
    assert_eq!(carafe.visit(browser, "/get/user"), "jack");
    carafe.visit(browser, "/set/color/red");
    assert_eq!(flask.visit(browser, "/get/color"), "red");
    flask.visit(browser, "/set/color/Gr%C3%BCn");
    assert_eq!(carafe.visit(browser, "/get/color"), "Grün");

    // A new id by either makes the old one worthless to both.
    for who in ["carafe", "flask"] {
        let old = &mut Browser::default();
        old.cookie.clone_from(&browser.cookie);
        match who {
            "flask" => flask.visit(browser, "/login/jill"),
            _ => carafe.visit(browser, "/login/jill"),
        };
        assert_ne!(old.cookie, browser.cookie);
        for user in [
            carafe.visit(
                &mut Browser {
                    cookie: old.cookie.clone(),
                },
                "/get/user",
            ),
            flask.visit(
                &mut Browser {
                    cookie: old.cookie.clone(),
                },
                "/get/user",
            ),
        ] {
            assert_eq!(user, "", "{who} kept the old id");
        }
        assert_eq!(carafe.visit(browser, "/get/color"), "Grün");
        assert_eq!(flask.visit(browser, "/get/user"), "jill");
    }

    // Delete on either.
    let old = &mut Browser::default();
    old.cookie.clone_from(&browser.cookie);
    flask.visit(browser, "/logout");
    assert_eq!(browser.cookie, "");
    assert_eq!(carafe.visit(old, "/get/user"), "");
    carafe.visit(browser, "/login/jack");
    old.cookie.clone_from(&browser.cookie);
    assert_eq!(flask.visit(browser, "/get/user"), "jack");
    carafe.visit(browser, "/logout");
    assert_eq!(browser.cookie, "");
    assert_eq!(flask.visit(old, "/get/user"), "");

    // What only Python has survives a save by Carafe unchanged.
    let browser = &mut Browser::default();
    flask.visit(browser, &format!("/fill?format={kind}"));
    let before = flask.visit(browser, "/look");
    carafe.visit(browser, "/set/zz/1");
    let after = flask.visit(browser, "/look");
    let mut after: Json = serde_json::from_str(&after).unwrap();
    let added = after.as_object_mut().unwrap().remove("zz");
    assert_eq!(added, Some("'1'".into()));
    let before: Json = serde_json::from_str(&before).unwrap();
    for (key, before) in before.as_object().unwrap() {
        assert_eq!(after[key], *before, "{kind}: {key}");
    }
    assert_eq!(
        after.as_object().unwrap().len(),
        before.as_object().unwrap().len()
    );

    // Every JSON value that Carafe writes is the same to Flask.
    let browser = &mut Browser::default();
    carafe.visit(browser, "/fill");
    let found: Json = serde_json::from_str(&flask.visit(browser, "/json")).unwrap();
    for (key, value) in every_json_value() {
        let wanted: Json = serde_json::from_str(&carafe::json::dumps(&value).unwrap()).unwrap();
        assert_eq!(found[key], wanted, "{kind}: {key}");
    }
}
