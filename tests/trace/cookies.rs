//! Session cookies, taken apart.

use std::sync::Arc;

use carafe::clock::FixedClock;
use carafe::session::SecureCookieSessionInterface;
use carafe::signing::DigestMethod;
use carafe::trace::{Cookie, Recorder, Trace, record};
use carafe::{App, Scaffold, session};
use tracing_subscriber::layer::SubscriberExt;

fn app() -> App {
    let mut app = App::new("shop");
    app.config().set_secret_key("adavafa");
    app.config()
        .set_clock(Arc::new(FixedClock::new(1_700_000_000)));
    app.route("/login", || {
        session().insert("username", "jack").map(|()| "welcome")
    });
    app.route("/fill", || {
        session()
            .insert("text", "abc ".repeat(300))
            .map(|()| "done")
    });
    app.route("/clear", || session().clear().map(|()| "bye"));
    app
}

fn cookie_of<'a>(trace: &'a Trace, stage: &str) -> &'a Cookie {
    &trace.find(stage).unwrap().cookies[0]
}

#[test]
fn save_session_shows_the_cookie_that_it_sets() {
    let app = app();
    let mut client = app.test_client();
    let (_, trace) = record(|| client.get("/login").send());
    let cookie = cookie_of(&trace, "save_session");
    assert_eq!(Some(cookie.value.as_str()), client.get_cookie("session"));
    assert_eq!(cookie.payload.as_deref(), Some(r#"{"username":"jack"}"#));
    assert!(!cookie.compressed);
    assert_eq!(cookie.timestamp, Some(1_700_000_000));
    assert_eq!(cookie.date().as_deref(), Some("2023-11-14 22:13:20 UTC"));
    assert_eq!(cookie.digest_name(), Some("SHA-256"));
    let parts = [
        &cookie.raw_payload,
        &cookie.raw_timestamp,
        &cookie.signature,
    ];
    assert_eq!(parts.map(String::as_str).join("."), cookie.value);
}

#[test]
fn each_of_two_recorders_is_shown_the_cookie() {
    let recorders = [Recorder::new(), Recorder::new()];
    let [one, two] = recorders.each_ref().map(Recorder::layer);
    let subscriber = tracing_subscriber::registry().with(one).with(two);
    let visit = || app().test_client().get("/login").send().unwrap();
    tracing::subscriber::with_default(subscriber, visit);
    let [one, two] = recorders.map(|recorder| recorder.take());
    let value = |trace| cookie_of(trace, "save_session").value.clone();
    assert_eq!(value(&one), value(&two));
}

#[test]
fn open_session_shows_the_cookie_that_came() {
    let app = app();
    let mut client = app.test_client();
    client.get("/login").send().unwrap();
    let (_, trace) = record(|| client.get("/nowhere").send());
    let cookie = cookie_of(&trace, "open_session");
    assert_eq!(Some(cookie.value.as_str()), client.get_cookie("session"));
    assert_eq!(cookie.signed_with, Some(DigestMethod::Sha256));
    assert!(trace.find("save_session").unwrap().cookies.is_empty());
}

#[test]
fn a_forged_cookie_is_seen_to_be_forged() {
    let app = app();
    let mut client = app.test_client();
    let payload = "eyJ1c2VybmFtZSI6ImFkbWluIn0";
    client.set_cookie("session", &format!("{payload}.ZVPxAA.forged"));
    let (_, trace) = record(|| client.get("/nowhere").send());
    let cookie = cookie_of(&trace, "open_session");
    assert_eq!(cookie.payload.as_deref(), Some(r#"{"username":"admin"}"#));
    assert_eq!(cookie.signed_with, None);
    let text = trace.to_string();
    assert!(text.contains("signature WRONG"), "{text}");
}

#[test]
fn a_compressed_cookie_is_unpacked() {
    let app = app();
    let (_, trace) = record(|| app.test_client().get("/fill").send());
    let cookie = cookie_of(&trace, "save_session");
    assert!(cookie.compressed && cookie.raw_payload.starts_with('.'));
    assert!(cookie.payload.as_ref().unwrap().contains("abc abc abc"));
    assert_eq!(cookie.digest_name(), Some("SHA-256"));
}

#[test]
fn a_deleted_cookie_is_not_shown_as_one_that_is_set() {
    let app = app();
    let mut client = app.test_client();
    client.get("/login").send().unwrap();
    let (_, trace) = record(|| client.get("/clear").send());
    assert_eq!(client.get_cookie("session"), None);
    assert!(trace.find("save_session").unwrap().cookies.is_empty());
}

#[test]
fn a_cookie_of_stock_flask_is_checked_with_its_digest() {
    let mut app = app();
    app.session_interface(SecureCookieSessionInterface::flask());
    let (_, trace) = record(|| app.test_client().get("/login").send());
    let cookie = cookie_of(&trace, "save_session");
    assert_eq!(cookie.digest_name(), Some("SHA-1"));
}

#[test]
fn a_key_that_was_replaced_is_still_right_for_its_cookies() {
    let app = app();
    let (_, trace) = record(|| app.test_client().get("/login").send());
    let mut cookie = Cookie::take_apart(&cookie_of(&trace, "save_session").value);
    let digest = DigestMethod::Sha256;
    assert!(!cookie.check("new key", Cookie::SALT, digest));
    assert!(!cookie.check("adavafa", "another salt", digest));
    assert!(!cookie.check("adavafa", Cookie::SALT, DigestMethod::Sha512));
    assert_eq!(cookie.signed_with, None);
    assert!(cookie.check(["adavafa", "new key"], Cookie::SALT, digest));
    assert_eq!(cookie.signed_with, Some(digest));
}

#[test]
fn any_text_at_all_can_be_taken_apart() {
    let pieces = [
        "",
        ".",
        "..",
        "...",
        "a",
        "=",
        "eyJ9",
        ".eJw",
        "ZVPxAA",
        "é",
        "\u{1b}[31m",
        "_____w",
        "////////////",
        "AAAAAAAAAAAAAAAAAAAAAAAA",
    ];
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..5000 {
        let count = random.usize(0..6);
        let text: String = (0..count)
            .map(|_| pieces[random.usize(0..pieces.len())])
            .collect();
        let mut cookie = Cookie::take_apart(&text);
        assert_eq!(cookie.value, text);
        assert!(!cookie.check("adavafa", Cookie::SALT, DigestMethod::Sha256));
        // A date in the year 300000 is none; that it is asked for is no panic.
        drop(cookie.date());
    }
}
