//! Stage 5, `open_session`: the session that the cookie holds, a new one, or a null session.
//!
//! The code: `src/session/secure_cookie.rs`, `open_session`. Next: `match_request.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use carafe::clock::{Clock, FixedClock};
use carafe::config::Settings;
use carafe::context::{REQUEST_CTX_STACK, try_session};
use carafe::session::SecureCookieSessionInterface;
use carafe::signing::{DigestMethod, KeyDerivation, SignerOptions, TimestampSigner, base64_encode};
use carafe::trace::Trace;
use carafe::{
    App, Error, Request, Response, Scaffold, Session, SessionInterface, json, request, session,
};
use common::{DbError, app, app_and_clock, calls, hello, subtree, tree, visit, visit_by};

/// A login that puts a name into the session, and a page that tells it.
fn with_login(mut app: App) -> App {
    app.route("/login", || {
        session().insert("username", "jack")?;
        Ok::<_, Error>("welcome")
    });
    app.route("/", || {
        let name: Option<String> = session().get("username");
        name.unwrap_or_else(|| "nobody".to_owned())
    });
    app
}

/// The session's data, its `new` and its `accessed` as they were right after `open_session`.
fn opened(trace: &Trace) -> (Vec<String>, bool, bool) {
    let dispatch = trace.find("RequestContext.match_request").unwrap();
    let session = dispatch.before.session.as_ref().unwrap();
    let keys = session.data.keys().cloned().collect();
    (keys, session.new, session.accessed)
}

#[test]
fn a_visitor_without_a_cookie_gets_a_new_session() {
    let app = with_login(app());
    let (_, trace) = visit(&app, "/");
    assert_eq!(opened(&trace), (vec![], true, false));
}

#[test]
fn a_visitor_with_a_cookie_gets_the_session_that_is_in_it() {
    let app = with_login(app());
    let mut client = app.test_client();
    visit_by(&mut client, "/login");

    let (response, trace) = visit_by(&mut client, "/");

    assert_eq!(response.text(), "jack");
    assert_eq!(opened(&trace), (vec!["username".to_owned()], false, false));
    let cookie = &trace.find("open_session").unwrap().cookies[0];
    assert_eq!(cookie.payload.as_deref(), Some(r#"{"username":"jack"}"#));
    assert_eq!(cookie.date().as_deref(), Some("2023-11-14 22:13:20 UTC"));
    assert_eq!(cookie.digest_name(), Some("SHA-256"));
}

#[test]
fn a_cookie_that_was_changed_is_no_session() {
    let app = with_login(app());
    let mut client = app.test_client();
    visit_by(&mut client, "/login");
    let cookie = client.get_cookie("session").unwrap().to_owned();
    // `{"username":"jack"}` becomes `{"username":"jane"}`, with the signature of before.
    let forged = cookie.replacen(
        "eyJ1c2VybmFtZSI6ImphY2sifQ",
        "eyJ1c2VybmFtZSI6ImphbmUifQ",
        1,
    );
    assert_ne!(forged, cookie);

    for bad in [&forged, &cookie[..cookie.len() - 1], "nonsense", "...", ""] {
        client.set_cookie("session", bad);
        let (response, trace) = visit_by(&mut client, "/");
        assert_eq!(response.text(), "nobody", "{bad}");
        assert_eq!(opened(&trace), (vec![], true, false), "{bad}");
    }
}

#[test]
fn a_cookie_is_good_for_the_permanent_session_lifetime_and_not_a_second_longer() {
    let (app, clock) = app_and_clock();
    app.config().set("PERMANENT_SESSION_LIFETIME", 60).unwrap();
    let app = with_login(app);
    let mut client = app.test_client();
    visit_by(&mut client, "/login");

    clock.advance(60);
    assert_eq!(visit_by(&mut client, "/").0.text(), "jack");
    clock.advance(1);
    assert_eq!(visit_by(&mut client, "/").0.text(), "nobody");
}

/// The cookie that holds this JSON, signed at this time with the app's key.
fn signed(json: &str, now: u64) -> String {
    let options = SignerOptions {
        key_derivation: KeyDerivation::Hmac,
        digest_method: DigestMethod::Sha256,
        ..SignerOptions::default()
    };
    let signer = TimestampSigner::with_options("adavafa", "cookie-session", &options).unwrap();
    let signer = signer.clock(Arc::new(FixedClock::new(now)));
    let cookie = signer.sign(base64_encode(json.as_bytes()).as_bytes());
    String::from_utf8(cookie).unwrap()
}

#[test]
fn a_signed_cookie_from_beyond_the_year_9999_is_a_500() {
    let (app, clock) = app_and_clock();
    let app = with_login(app);
    let mut client = app.test_client().without_cookies();
    let mut status = |time| {
        let cookie = format!("session={}", signed("{}", time));
        let request = client.get("/").header("Cookie", &cookie);
        request.send().unwrap().status_code()
    };
    // It is from the future, which is no error; but of this year Python knows no date.
    assert_eq!(status(clock.now() + 1), 200);
    assert_eq!(status(253_402_300_799), 200);
    assert_eq!(status(253_402_300_800), 500);
}

#[test]
fn a_signed_cookie_that_holds_no_dict_is_one_where_python_makes_one_of_it() {
    let (mut app, clock) = app_and_clock();
    app.route("/", || {
        json::dumps(&session().to_dict()).map_err(Error::from)
    });
    let mut client = app.test_client().without_cookies();
    let mut seen = |json: &str| {
        let cookie = format!("session={}", signed(json, clock.now()));
        let response = client.get("/").header("Cookie", &cookie).send().unwrap();
        (response.status_code() == 200).then(|| response.text())
    };
    let dicts = [
        ("null", "{}"),
        ("[]", "{}"),
        (r#""""#, "{}"),
        (r#"[["a",1],{" t":["b",2]}]"#, r#"{"a":1,"b":2}"#),
        // Two letters are a pair, and so are the keys of a dict that has two.
        (r#"["ab",{" m":"cd"}]"#, r#"{"a":"b","c":"d"}"#),
        (r#"[{"a":1,"b":2}]"#, r#"{"a":"b"}"#),
        (r#"[[{" m":"a"},1]]"#, r#"{"a":1}"#),
    ];
    for (json, dict) in dicts {
        assert_eq!(seen(json).as_deref(), Some(dict), "{json}");
    }
    for json in [
        "1",
        "0",
        "false",
        r#""ab""#,
        "[1]",
        r#"["abc"]"#,
        "[[1]]",
        r#"[{"a":1}]"#,
    ] {
        assert_eq!(seen(json), None, "{json}");
    }
}

#[test]
fn a_key_that_was_rotated_out_opens_what_it_signed_and_signs_no_more() {
    let app = with_login(app());
    let mut client = app.test_client();
    visit_by(&mut client, "/login");

    app.config().set_secret_key("the new key");
    assert_eq!(visit_by(&mut client, "/").0.text(), "nobody");

    let old = carafe::Value::from(vec!["older still", "adavafa"]);
    app.config().set("SECRET_KEY_FALLBACKS", old).unwrap();
    assert_eq!(visit_by(&mut client, "/").0.text(), "jack");

    visit_by(&mut client, "/login");
    app.config()
        .set("SECRET_KEY_FALLBACKS", carafe::Value::Null)
        .unwrap();
    assert_eq!(visit_by(&mut client, "/").0.text(), "jack");
}

#[test]
fn stock_flask_signs_with_sha_1() {
    let mut app = app();
    app.session_interface(SecureCookieSessionInterface::flask());
    let app = with_login(app);
    let mut client = app.test_client();
    // This cookie was made by Flask 3.1.3 with the same key at the same second.
    client.set_cookie(
        "session",
        "eyJ1c2VybmFtZSI6ImphY2sifQ.ZVPxAA.p9y7djqtmBlu84EfBguY8EtomGk",
    );
    assert_eq!(visit_by(&mut client, "/").0.text(), "jack");
}

#[test]
fn another_digest_or_salt_opens_none_of_the_others_cookies() {
    let interfaces = || {
        [
            SecureCookieSessionInterface::new(),
            SecureCookieSessionInterface::flask(),
            SecureCookieSessionInterface::with_digest(DigestMethod::Sha512),
            SecureCookieSessionInterface::new().salt("another"),
        ]
    };
    for (signs, from) in interfaces().into_iter().enumerate() {
        let mut app = app();
        app.session_interface(from);
        let mut client = with_login(app).test_client();
        client.get("/login").send().unwrap();
        let cookie = client.get_cookie("session").unwrap();
        for (opens, to) in interfaces().into_iter().enumerate() {
            let mut app = common::app();
            app.session_interface(to);
            let mut client = with_login(app).test_client();
            client.set_cookie("session", cookie);
            let expected = if signs == opens { "jack" } else { "nobody" };
            assert_eq!(client.get("/").send().unwrap().text(), expected);
        }
    }
}

#[test]
fn without_a_secret_key_the_session_can_be_read_and_not_written() {
    let app = with_login(App::new("shop"));

    let (response, trace) = visit(&app, "/");
    assert_eq!(response.text(), "nobody");
    let stages = subtree(&trace, "RequestContext.push");
    assert!(stages.contains(&"  make_null_session".to_owned()));

    app.config().set("TESTING", true).unwrap();
    let error = app.test_client().get("/login").send().unwrap_err();
    assert_eq!(error.type_name(), "RuntimeError");
    assert_eq!(
        error.to_string(),
        "The session is unavailable because no secret key was set.  Set the secret_key on the \
         application to something unique and secret."
    );
}

#[test]
fn a_value_is_taken_out_as_a_type_and_stays_where_it_is_another() {
    let session = Session::new();
    session.insert("cart", [7, 8]).unwrap();
    session.set_modified(false);
    assert_eq!(session.pop_as::<String>("cart").unwrap(), None);
    assert_eq!(session.pop_as::<u8>("no such key").unwrap(), None);
    assert!(session.contains_key("cart") && !session.modified());
    assert_eq!(session.pop_as("cart").unwrap(), Some(vec![7, 8]));
    assert!(!session.contains_key("cart") && session.modified());
    let error = Session::null().pop_as::<u8>("cart").unwrap_err();
    assert_eq!(error.type_name(), "RuntimeError");
}

#[test]
fn the_value_that_is_there_or_else_the_default_comes_as_a_type() {
    let session = Session::new();
    assert_eq!(session.setdefault("cart", vec![7]).unwrap(), [7]);
    assert!(session.modified());
    session.set_modified(false);
    assert_eq!(session.setdefault("cart", vec![8]).unwrap(), [7]);
    // What is there stays, also where it is of another type.
    assert!(session.setdefault("cart", String::new()).is_err());
    assert_eq!(session.get("cart"), Some(vec![7]));
    assert!(!session.modified());
    let error = Session::null().setdefault("cart", 7).unwrap_err();
    assert_eq!(error.type_name(), "RuntimeError");
}

#[test]
fn an_empty_secret_key_is_none() {
    let app = app();
    app.config().set_secret_key("");
    let (_, trace) = visit(&app, "/");
    assert!(trace.find("make_null_session").is_some());
}

/// An interface that only ever fails.
struct Down {
    panics: bool,
}

impl SessionInterface for Down {
    fn open_session(
        &self,
        _: &Arc<Settings>,
        _request: &Request,
    ) -> Result<Option<Session>, Error> {
        if self.panics {
            panic!("the floor is gone");
        }
        Err(DbError("the store is down").into())
    }
    fn save_session(&self, _: &Arc<Settings>, _: &Session, _: &mut Response) -> Result<(), Error> {
        Err(Error::assertion("there was no session to save"))
    }
}

#[test]
fn an_interface_that_fails_is_an_unhandled_error_and_nothing_is_matched_or_saved() {
    for (panics, outcome) in [(false, "raises DbError"), (true, "panics")] {
        let mut app = app();
        app.session_interface(Down { panics });
        app.before_request(common::before);
        app.route("/", hello);
        app.after_request(common::after);
        app.teardown_request(common::teardown);

        let (response, trace) = visit(&app, "/");

        assert_eq!(response.status_code(), 500);
        assert_eq!(
            subtree(&trace, "RequestContext.push")[6],
            format!("  open_session {outcome}")
        );
        // As in Flask, saving the session that there is not fails, and ends the way of the response.
        assert_eq!(
            tree(&trace)[11..19],
            [
                "  Flask.handle_exception",
                "    signal got_request_exception",
                "    Flask.finalize_request",
                "      Flask.make_response",
                "      Flask.process_response raises AttributeError",
                "        after_request after",
                "        save_session raises AttributeError",
                "  Flask.should_ignore_error",
            ]
        );
        assert_eq!(
            calls(&trace)[3..],
            [
                "teardown_request teardown",
                "signal request_tearing_down",
                "signal appcontext_tearing_down",
                "signal appcontext_popped",
            ]
        );
    }
}

#[test]
fn an_interface_may_look_at_the_request_while_it_opens_a_session() {
    /// Knows everyone by the name they say they have.
    struct Trusting;
    impl SessionInterface for Trusting {
        fn open_session(
            &self,
            _: &Arc<Settings>,
            given: &Request,
        ) -> Result<Option<Session>, Error> {
            assert_eq!(request().path(), given.path());
            let early = try_session().unwrap_err();
            assert_eq!(early.to_string(), "The session has not yet been opened.");
            let name = given.args().get("name").unwrap_or("nobody");
            let data = [("username".to_owned(), name.into())];
            Ok(Some(Session::from_data(data.into_iter().collect())))
        }
        fn save_session(
            &self,
            _: &Arc<Settings>,
            _: &Session,
            _: &mut Response,
        ) -> Result<(), Error> {
            Ok(())
        }
    }
    let mut app = App::new("shop");
    app.session_interface(Trusting);
    let app = with_login(app);
    assert_eq!(visit(&app, "/?name=jill").0.text(), "jill");
}

#[test]
fn an_interface_that_wants_to_know_the_endpoint_has_the_url_matched_first() {
    /// Knows which page the session is for.
    struct OfThePage;
    impl SessionInterface for OfThePage {
        fn open_session(
            &self,
            _: &Arc<Settings>,
            request: &Request,
        ) -> Result<Option<Session>, Error> {
            assert_eq!(request.endpoint(), None);
            REQUEST_CTX_STACK.top().unwrap().match_request();
            let data = [("username".to_owned(), request.endpoint().into())];
            Ok(Some(Session::from_data(data.into_iter().collect())))
        }
        fn save_session(
            &self,
            _: &Arc<Settings>,
            _: &Session,
            _: &mut Response,
        ) -> Result<(), Error> {
            Ok(())
        }
    }
    let mut app = App::new("shop");
    app.session_interface(OfThePage);
    let app = with_login(app);
    let (response, trace) = visit(&app, "/");
    assert_eq!(response.text(), "index");
    assert_eq!(
        subtree(&trace, "open_session"),
        ["open_session", "  RequestContext.match_request"]
    );
    assert_eq!(visit(&app, "/none").0.status_code(), 404);
}
