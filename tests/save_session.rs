//! Stage 13, `save_session`: whether the response sets the session cookie, and what it says.
//!
//! The code: `src/session/secure_cookie.rs`, `save_session`, and `src/session/interface.rs`. Every
//! header here is what Flask 3.1.3 sends with the same key at the same second (and SHA-256). Next:
//! `teardown.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use carafe::config::Settings;
use carafe::testing::TestClient;
use carafe::trace::Kind;
use carafe::{
    App, Dict, Error, Request, Response, Scaffold, Session, SessionInterface, Value, session,
    signals,
};
use common::{DbError, app, app_and_clock, record, subtree, visit, visit_by};

fn with_views(mut app: App) -> App {
    app.route("/plain", || "x");
    app.route("/read", || {
        session().get::<String>("username").unwrap_or_default()
    });
    app.route("/set", || {
        session().insert("username", "jack")?;
        Ok::<_, Error>("x")
    });
    app.route("/permanent", || {
        session().insert("username", "jack")?;
        session().set_permanent(true)?;
        Ok::<_, Error>("x")
    });
    app.route("/touch", || {
        session().set_modified(true);
        "x"
    });
    app.route("/clear", || {
        session().clear()?;
        Ok::<_, Error>("x")
    });
    app.route("/fail", || {
        session().insert("username", "jill")?;
        Err::<&str, Error>(DbError("down").into())
    });
    app
}

/// What one visit after another is answered with: the Set-Cookie and the Vary header.
fn headers(client: &mut TestClient, paths: &[&str]) -> Vec<(String, String)> {
    let answers = paths.iter().map(|path| {
        let response = client.get(path).send().unwrap();
        let header = |name: &str| response.header(name).unwrap_or_default();
        (header("Set-Cookie"), header("Vary"))
    });
    answers.collect()
}

fn pair(set_cookie: &str, vary: &str) -> (String, String) {
    (set_cookie.to_owned(), vary.to_owned())
}

const JACK: &str = "session=eyJ1c2VybmFtZSI6ImphY2sifQ.ZVPxAA.MGfUC7bsYC04epKCiMXBfk6fyuxPM85QzN0rDFdbbF0; \
     HttpOnly; Path=/";
const PERMANENT: &str = "session=eyJfcGVybWFuZW50Ijp0cnVlLCJ1c2VybmFtZSI6ImphY2sifQ.ZVPxAA.\
     kBIBstsbTIFhv62DY5pM0Fhs_moMsBiGd5TCeW2pRog; Expires=Fri, 15 Dec 2023 22:13:20 GMT; \
     HttpOnly; Path=/";
const DELETED: &str =
    "session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/";

#[test]
fn a_session_that_was_changed_is_set_and_one_that_was_read_varies_the_response() {
    let mut client = with_views(app()).test_client();
    assert_eq!(
        headers(
            &mut client,
            &["/plain", "/read", "/set", "/read", "/plain", "/touch"]
        ),
        [
            pair("", ""),
            pair("", "Cookie"),
            pair(JACK, "Cookie"),
            pair("", "Cookie"),
            pair("", ""),
            pair(JACK, "Cookie"),
        ]
    );
}

#[test]
fn a_permanent_session_gets_an_expiry_and_is_set_again_by_every_request() {
    let mut client = with_views(app()).test_client();
    assert_eq!(
        headers(&mut client, &["/permanent", "/read", "/plain"]),
        [
            pair(PERMANENT, "Cookie"),
            pair(PERMANENT, "Cookie"),
            pair(PERMANENT, "Cookie"),
        ]
    );
}

#[test]
fn a_permanent_session_that_would_outlast_the_year_9999_is_an_unhandled_error() {
    let (app, clock) = app_and_clock();
    clock.set(253_402_300_799 - 60);
    app.config().set("PERMANENT_SESSION_LIFETIME", 60).unwrap();
    let app = with_views(app);
    let mut client = app.test_client();
    let (response, _) = visit_by(&mut client, "/permanent");
    let cookie = response.header("Set-Cookie").unwrap();
    assert!(cookie.contains("; Expires=Fri, 31 Dec 9999 23:59:59 GMT"));

    clock.advance(1);
    let (response, trace) = visit_by(&mut client, "/permanent");
    assert_eq!(response.status_code(), 500);
    assert_eq!(response.header("Set-Cookie"), None);
    let save = subtree(&trace, "Flask.process_response").pop();
    assert_eq!(save.unwrap(), "  save_session raises OverflowError");
}

#[test]
fn whether_a_session_is_permanent_is_up_to_the_truth_of_what_stands_there() {
    let permanent = |value: Value| {
        let data = Dict::from([("_permanent".to_owned(), value)]);
        Session::from_data(data).permanent()
    };
    let falsy = [
        Value::Null,
        false.into(),
        0.into(),
        (-0.0).into(),
        "".into(),
        Value::Markup(String::new()),
        Value::Bytes(Vec::new()),
        Value::List(Vec::new()),
        Value::Tuple(Vec::new()),
        Dict::new().into(),
    ];
    let truthy = [
        true.into(),
        2.into(),
        f64::NAN.into(),
        "0".into(),
        Value::List(vec![Value::Null]),
        Value::DateTime(0),
    ];
    assert_eq!(falsy.map(permanent), [false; 10]);
    assert_eq!(truthy.map(permanent), [true; 6]);
}

#[test]
fn refresh_each_request_off_sets_a_permanent_session_only_where_it_changed() {
    let app = with_views(app());
    app.config()
        .set("SESSION_REFRESH_EACH_REQUEST", false)
        .unwrap();
    let mut client = app.test_client();
    assert_eq!(
        headers(&mut client, &["/permanent", "/read", "/plain", "/touch"]),
        [
            pair(PERMANENT, "Cookie"),
            pair("", "Cookie"),
            pair("", ""),
            pair(PERMANENT, "Cookie"),
        ]
    );
}

#[test]
fn an_emptied_session_deletes_the_cookie_even_where_there_was_none() {
    let mut client = with_views(app()).test_client();
    assert_eq!(
        headers(&mut client, &["/set", "/clear", "/read", "/clear"]),
        [
            pair(JACK, "Cookie"),
            pair(DELETED, "Cookie"),
            pair("", "Cookie"),
            pair(DELETED, "Cookie"),
        ]
    );
    assert_eq!(client.get_cookie("session"), None);
}

#[test]
fn a_refresh_carries_the_new_time() {
    let (app, clock) = app_and_clock();
    let app = with_views(app);
    let mut client = app.test_client();
    visit_by(&mut client, "/permanent");
    clock.advance(60);

    let (response, trace) = visit_by(&mut client, "/plain");

    let cookie = &trace.find("save_session").unwrap().cookies[0];
    assert_eq!(cookie.date().as_deref(), Some("2023-11-14 22:14:20 UTC"));
    assert!(
        response
            .header("Set-Cookie")
            .unwrap()
            .contains("; Expires=Fri, 15 Dec 2023 22:14:20 GMT;")
    );
}

#[test]
fn the_config_gives_the_cookie_its_attributes() {
    let app = with_views(app());
    app.config()
        .from_mapping([
            ("SESSION_COOKIE_NAME", "sid"),
            ("SESSION_COOKIE_DOMAIN", "shop.example"),
            ("SESSION_COOKIE_PATH", "/app"),
            ("SESSION_COOKIE_SAMESITE", "Lax"),
        ])
        .unwrap();
    app.config()
        .from_mapping([
            ("SESSION_COOKIE_SECURE", true),
            ("SESSION_COOKIE_HTTPONLY", false),
            ("SESSION_COOKIE_PARTITIONED", true),
        ])
        .unwrap();
    let mut client = app.test_client();
    assert_eq!(
        headers(&mut client, &["/set", "/clear"]),
        [
            pair(
                "sid=eyJ1c2VybmFtZSI6ImphY2sifQ.ZVPxAA.\
                 MGfUC7bsYC04epKCiMXBfk6fyuxPM85QzN0rDFdbbF0; Domain=shop.example; Secure; \
                 Path=/app; SameSite=Lax; Partitioned",
                "Cookie"
            ),
            pair(
                "sid=; Domain=shop.example; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; \
                 Secure; Path=/app; SameSite=Lax; Partitioned",
                "Cookie"
            ),
        ]
    );
}

#[test]
fn without_a_path_of_its_own_the_cookie_goes_to_the_application_root() {
    let app = with_views(app());
    app.config().set("APPLICATION_ROOT", "/root").unwrap();
    let mut client = app.test_client();
    let set = &headers(&mut client, &["/set"])[0].0;
    assert!(set.ends_with("; HttpOnly; Path=/root"), "{set}");
}

#[test]
fn what_was_changed_before_an_unhandled_error_is_saved_with_the_500() {
    let mut client = with_views(app()).test_client();
    let (response, trace) = visit_by(&mut client, "/fail");
    assert_eq!(response.status_code(), 500);
    assert_eq!(
        subtree(&trace, "Flask.process_response"),
        ["Flask.process_response", "  save_session"]
    );
    assert_eq!(client.get("/read").send().unwrap().text(), "jill");
}

#[test]
fn a_session_that_cannot_be_saved_is_an_unhandled_error_and_is_tried_once_more() {
    struct Down;
    impl SessionInterface for Down {
        fn open_session(
            &self,
            _: &Arc<Settings>,
            _request: &Request,
        ) -> Result<Option<Session>, Error> {
            Ok(Some(Session::new()))
        }
        fn save_session(
            &self,
            _: &Arc<Settings>,
            _: &Session,
            _: &mut Response,
        ) -> Result<(), Error> {
            Err(DbError("the store is down").into())
        }
    }
    let mut app = app();
    app.session_interface(Down);
    let app = with_views(app);
    let (response, trace) = visit(&app, "/plain");
    assert_eq!(response.status_code(), 500);
    let saves = trace.iter().filter(|step| step.name == "save_session");
    assert_eq!(saves.count(), 2);
    assert_eq!(
        subtree(&trace, "Flask.handle_exception"),
        [
            "Flask.handle_exception",
            "  signal got_request_exception",
            "  Flask.finalize_request",
            "    Flask.make_response",
            "    Flask.process_response raises DbError",
            "      save_session raises DbError",
        ]
    );
}

#[test]
fn save_session_of_an_interface_is_called_for_every_session_but_a_null_one() {
    struct Counting;
    impl SessionInterface for Counting {
        fn open_session(
            &self,
            _: &Arc<Settings>,
            request: &Request,
        ) -> Result<Option<Session>, Error> {
            Ok((request.path() != "/plain").then(Session::new))
        }
        fn save_session(
            &self,
            _: &Arc<Settings>,
            _: &Session,
            to: &mut Response,
        ) -> Result<(), Error> {
            to.set_header("X-Saved", "yes")
        }
    }
    let mut app = app();
    app.session_interface(Counting);
    let app = with_views(app);
    let saved = |path: &str| visit(&app, path).0.header("X-Saved").is_some();
    assert!(
        saved("/read"),
        "whether it is modified is the interface's to ask"
    );
    assert!(!saved("/plain"));
}

#[test]
fn a_cookie_that_a_browser_may_refuse_is_sent_with_a_warning() {
    let mut app = app();
    app.route("/", || {
        let random = std::iter::successors(Some(1_u64), |n| Some(n.wrapping_mul(0x5851_f42d_4c95)));
        let text: String = random.take(400).map(|n| format!("{n:016x}")).collect();
        session().insert("large", text)?;
        Ok::<_, Error>("x")
    });
    let (response, trace) = visit(&app, "/");
    assert!(response.header("Set-Cookie").unwrap().len() > 4093);
    let warning = trace.iter().find(|step| step.kind == Kind::Log).unwrap();
    assert_eq!(warning.field("level"), Some("WARN"));

    app.config().set("MAX_COOKIE_SIZE", 0).unwrap();
    let (_, trace) = visit(&app, "/");
    assert!(trace.iter().all(|step| step.kind != Kind::Log));
}

#[test]
fn request_finished_comes_after_the_save() {
    let app = with_views(app());
    let _connected =
        signals::REQUEST_FINISHED.connected_to(&app, |_app: &App, response: &Response| {
            assert!(response.headers().contains_key("Set-Cookie"));
        });
    let (response, trace) = record(|| app.test_client().get("/set").send());
    assert_eq!(response.unwrap().status_code(), 200);
    assert_eq!(
        subtree(&trace, "Flask.finalize_request"),
        [
            "Flask.finalize_request",
            "  Flask.make_response",
            "  Flask.process_response",
            "    save_session",
            "  signal request_finished",
        ]
    );
}

#[test]
fn a_nested_change_is_not_noticed_unless_it_is_made_by_update() {
    let mut app = app();
    app.route("/add", || {
        session().setdefault("cart", Vec::<String>::new())?;
        session().set_modified(false);
        // A copy of what is in it changes nothing; `update` changes it in place.
        let mut copy: Vec<String> = session().get("cart").unwrap_or_default();
        copy.push("lost".to_owned());
        let before = session().modified();
        session().update(|data| {
            let cart = data.get_mut("cart").and_then(|cart| cart.as_list_mut());
            cart.map(|cart| cart.push("pear".into()))
        })?;
        Ok::<_, Error>(format!("{before} {}", session().modified()))
    });
    let mut client = app.test_client();
    assert_eq!(client.get("/add").send().unwrap().text(), "false true");
    client.get("/add").send().unwrap();
    let cart = client.session_transaction(|session| Ok(session.get::<Vec<String>>("cart")));
    assert_eq!(cart.unwrap().unwrap(), ["pear", "pear"]);
}

#[test]
fn taking_out_what_is_not_there_changes_nothing() {
    let session = Session::new();
    assert_eq!(session.pop("username").unwrap(), None);
    assert_eq!((session.len(), session.modified()), (0, false));
    session.insert("username", "jack").unwrap();
    session.set_modified(false);
    assert_eq!((session.len(), session.modified()), (1, false));
    assert!(session.pop("username").unwrap().is_some());
    assert_eq!((session.len(), session.modified()), (0, true));
}
