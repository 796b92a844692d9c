//! Flashing: a message for the user's next page.
//!
//! The code: `flash` and `get_flashed_messages` in `src/helpers.rs`. Next: `test_client.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::signals::MESSAGE_FLASHED;
use carafe::testing::TestClient;
use carafe::{
    App, Error, Flash, Json, Scaffold, Value, flash, flash_with_category, get_flashed_messages,
    get_flashed_messages_of, session,
};
use common::{Log, app, calls, visit};

/// The messages as text, each behind its category.
fn lines(flashes: Vec<Flash>) -> Vec<String> {
    let line = |flash: Flash| format!("{}: {}", flash.category, flash.message);
    flashes.into_iter().map(line).collect()
}

/// An app that flashes four messages on one page and shows them on another.
fn flashing_app() -> App {
    let mut app = app();
    app.route("/save", || {
        flash("one")?;
        flash_with_category("two", "error")?;
        flash_with_category("three", "info")?;
        flash_with_category("four", "error")?;
        Ok::<_, Error>("saved")
    });
    app.route("/show", || {
        Ok::<_, Error>(Json(lines(get_flashed_messages()?)))
    });
    app.route("/errors", || {
        Ok::<_, Error>(Json(lines(get_flashed_messages_of(&["error"])?)))
    });
    app.route("/all", || {
        Ok::<_, Error>(Json(lines(get_flashed_messages_of(&[])?)))
    });
    app.route("/other", common::hello);
    app
}

#[track_caller]
fn shown(client: &mut TestClient, path: &str) -> Vec<String> {
    client.get(path).send().unwrap().json().unwrap()
}

#[test]
fn messages_are_shown_once_on_the_next_page_that_asks() {
    let mut client = flashing_app().test_client();
    client.get("/save").send().unwrap();
    client.get("/other").send().unwrap();
    let all = ["message: one", "error: two", "info: three", "error: four"];
    assert_eq!(shown(&mut client, "/show"), all);
    assert!(shown(&mut client, "/show").is_empty());
}

#[test]
fn messages_of_two_requests_are_shown_together() {
    let mut client = flashing_app().test_client();
    client.get("/save").send().unwrap();
    client.get("/save").send().unwrap();
    assert_eq!(shown(&mut client, "/errors").len(), 4);
}

#[test]
fn a_filter_shows_its_categories_and_takes_all() {
    let mut client = flashing_app().test_client();
    client.get("/save").send().unwrap();
    assert_eq!(shown(&mut client, "/errors"), ["error: two", "error: four"]);
    assert!(shown(&mut client, "/show").is_empty());
}

#[test]
fn a_filter_without_categories_shows_all_as_flasks_does() {
    let mut client = flashing_app().test_client();
    client.get("/save").send().unwrap();
    assert_eq!(shown(&mut client, "/all").len(), 4);
}

#[test]
fn within_a_request_every_call_gives_the_same_messages() {
    let mut app = app();
    app.route("/", || {
        flash("before")?;
        let first = lines(get_flashed_messages()?);
        flash("after")?;
        let second = lines(get_flashed_messages()?);
        Ok::<_, Error>(Json((first, second, session().contains_key("_flashes"))))
    });
    let mut client = app.test_client();
    let mut ask = || {
        let response = client.get("/").send().unwrap();
        response.json::<(Vec<String>, Vec<String>, bool)>().unwrap()
    };
    let message = |texts: &[&str]| -> Vec<String> {
        texts
            .iter()
            .map(|text| format!("message: {text}"))
            .collect()
    };
    // What is flashed after the first look waits for the next request.
    let before = message(&["before"]);
    assert_eq!(ask(), (before.clone(), before, true));
    let both = message(&["after", "before"]);
    assert_eq!(ask(), (both.clone(), both, true));
}

#[test]
fn flashing_sends_message_flashed_with_the_category_and_the_text() {
    let app = flashing_app();
    let log = Log::default();
    let seen = log.clone();
    let _connected = MESSAGE_FLASHED.connected_to(&app, move |_app, flash| {
        seen.add(format!("{}: {}", flash.category, flash.message));
    });

    let (_, trace) = visit(&app, "/save");

    let all = ["message: one", "error: two", "info: three", "error: four"];
    assert_eq!(log.take(), all);
    assert_eq!(
        calls(&trace)[1..8],
        [
            "signal request_started",
            "view <lambda>",
            "signal message_flashed",
            "signal message_flashed",
            "signal message_flashed",
            "signal message_flashed",
            "signal request_finished",
        ]
    );
}

#[test]
fn a_message_is_in_the_session_by_the_time_it_is_announced() {
    let app = flashing_app();
    let log = Log::default();
    let seen = log.clone();
    let _connected = MESSAGE_FLASHED.connected_to(&app, move |_app, _flash| {
        let count = session().with(|data| data["_flashes"].as_list().map(<[Value]>::len));
        seen.add(format!("{count:?}"));
    });
    app.test_client().get("/save").send().unwrap();
    assert_eq!(log.take(), ["Some(1)", "Some(2)", "Some(3)", "Some(4)"]);
}

#[test]
fn they_are_kept_as_flask_keeps_them_pairs_in_a_list() {
    let app = flashing_app();
    let mut client = app.test_client();
    client.get("/save").send().unwrap();
    let kept = client
        .session_transaction(|session| Ok(session.to_dict()))
        .unwrap();
    let pair = |category: &str, message: &str| Value::Tuple(vec![category.into(), message.into()]);
    assert_eq!(
        kept["_flashes"],
        Value::List(vec![
            pair("message", "one"),
            pair("error", "two"),
            pair("info", "three"),
            pair("error", "four"),
        ])
    );
}

#[test]
fn messages_that_a_test_put_into_the_session_are_shown() {
    let mut client = flashing_app().test_client();
    client
        .session_transaction(|session| session.insert("_flashes", [("message", "from a <test>")]))
        .unwrap();
    assert_eq!(shown(&mut client, "/show"), ["message: from a <test>"]);
}

#[test]
fn what_flask_flashed_other_than_text_is_shown_as_python_shows_it() {
    let mut client = flashing_app().test_client();
    let pair = |message: Value| Value::Tuple(vec!["message".into(), message]);
    let flashes = vec![
        pair(Value::Markup("<b>saved</b>".to_owned())),
        pair(Value::Int(7)),
        pair(Value::List(vec!["a".into(), Value::Null])),
    ];
    client
        .session_transaction(|session| session.insert("_flashes", Value::List(flashes)))
        .unwrap();
    assert_eq!(
        shown(&mut client, "/show"),
        [
            "message: <b>saved</b>",
            "message: 7",
            "message: ['a', None]"
        ]
    );
}

#[test]
fn what_is_no_message_in_the_session_is_passed_over() {
    let mut client = flashing_app().test_client();
    client
        .session_transaction(|session| {
            session.insert("_flashes", (("message", "good"), 7, ("only one",)))
        })
        .unwrap();
    assert_eq!(shown(&mut client, "/show"), ["message: good"]);
    client
        .session_transaction(|session| session.insert("_flashes", "text"))
        .unwrap();
    assert!(shown(&mut client, "/show").is_empty());
}

#[test]
fn taking_the_last_messages_deletes_the_cookie_and_looking_for_none_changes_nothing() {
    let mut client = flashing_app().test_client();
    client.get("/save").send().unwrap();
    let response = client.get("/show").send().unwrap();
    assert_eq!(
        response.header("Set-Cookie").as_deref(),
        Some("session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/")
    );
    let response = client.get("/show").send().unwrap();
    assert_eq!(response.header("Set-Cookie"), None);
    // But the page depends on the session.
    assert_eq!(response.header("Vary").as_deref(), Some("Cookie"));
}

#[test]
fn without_a_secret_key_flashing_is_an_error_and_looking_is_none() {
    let mut app = App::new("shop");
    app.route("/save", || flash("lost").map(|()| "saved"));
    app.route("/show", || {
        Ok::<_, Error>(Json(lines(get_flashed_messages()?)))
    });
    app.errorhandler_for(|error: &Error| (format!("{error:?}"), 500));
    let (status, text) = common::get(&app, "/save");
    assert_eq!(status, 500);
    assert!(
        text.starts_with("RuntimeError: The session is unavailable because no secret key was set.")
    );
    assert!(shown(&mut app.test_client(), "/show").is_empty());
}

#[test]
fn outside_a_request_there_are_no_messages_to_look_for() {
    let error = get_flashed_messages().unwrap_err();
    assert_eq!(error.type_name(), "RuntimeError");
    assert!(
        error
            .to_string()
            .starts_with("Working outside of request context.")
    );
}
