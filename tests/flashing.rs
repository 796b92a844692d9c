//! Flashing: messages that wait in the session for the user's next page.
//!
//! The code: `src/helpers.rs`, `flash` and `get_flashed_messages`. Next: `streaming.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::helpers::{flash_with_category, get_flashed_messages_of};
use carafe::{App, Error, Scaffold, flash, get_flashed_messages, session};
use common::{app, visit, visit_by};

/// The messages as lines of `category: message`.
fn page() -> Result<String, Error> {
    let lines = get_flashed_messages()?.into_iter();
    let lines: Vec<String> = lines
        .map(|flash| format!("{}: {}", flash.category, flash.message))
        .collect();
    Ok(lines.join(", "))
}

fn with_views(mut app: App) -> App {
    app.route("/save", || {
        flash("saved")?;
        flash_with_category("no space left", "error")?;
        Ok::<_, Error>("x")
    });
    app.route("/page", page);
    app.route("/errors", || {
        let errors = get_flashed_messages_of(&["error"])?;
        Ok::<_, Error>(format!(
            "{} of {}",
            errors.len(),
            get_flashed_messages()?.len()
        ))
    });
    app.route("/both", || {
        flash("at once")?;
        let first = page()?;
        flash("too late")?;
        Ok::<_, Error>(format!("{first} | {}", page()?))
    });
    app
}

#[test]
fn messages_are_shown_on_the_next_page_in_order_and_once() {
    let mut client = with_views(app()).test_client();
    client.get("/save").send().unwrap();
    let texts = [(); 2].map(|()| client.get("/page").send().unwrap().text());
    assert_eq!(texts, ["message: saved, error: no space left", ""]);
}

#[test]
fn messages_of_several_requests_pile_up_until_they_are_shown() {
    let mut client = with_views(app()).test_client();
    client.get("/save").send().unwrap();
    client.get("/save").send().unwrap();
    let text = client.get("/page").send().unwrap().text();
    assert_eq!(text.matches("saved").count(), 2);
}

#[test]
fn a_filter_shows_some_and_all_are_taken() {
    let mut client = with_views(app()).test_client();
    client.get("/save").send().unwrap();
    assert_eq!(client.get("/errors").send().unwrap().text(), "1 of 2");
    assert_eq!(client.get("/page").send().unwrap().text(), "");
}

#[test]
fn within_a_request_they_stay_the_same_and_a_later_one_waits_for_the_next() {
    let mut client = with_views(app()).test_client();
    assert_eq!(
        client.get("/both").send().unwrap().text(),
        "message: at once | message: at once"
    );
    assert_eq!(
        client.get("/page").send().unwrap().text(),
        "message: too late"
    );
}

#[test]
fn they_travel_in_the_session_as_flask_writes_them() {
    let mut client = with_views(app()).test_client();
    let (_, trace) = visit_by(&mut client, "/save");
    let cookie = &trace.find("save_session").unwrap().cookies[0];
    assert_eq!(
        cookie.payload.as_deref(),
        Some(r#"{"_flashes":[{" t":["message","saved"]},{" t":["error","no space left"]}]}"#)
    );
    assert_eq!(
        trace.signals()[2..4],
        ["message_flashed", "message_flashed"]
    );
}

#[test]
fn asking_for_messages_is_an_access_to_the_session_even_where_there_are_none() {
    let (response, _) = visit(&with_views(app()), "/page");
    assert_eq!(response.header("Vary").as_deref(), Some("Cookie"));
    assert_eq!(response.header("Set-Cookie"), None);
}

#[test]
fn the_last_message_taken_leaves_an_empty_session_whose_cookie_is_deleted() {
    let mut client = with_views(app()).test_client();
    client.get("/save").send().unwrap();
    client.get("/page").send().unwrap();
    assert_eq!(client.get_cookie("session"), None);
}

#[test]
fn without_a_secret_key_there_is_nowhere_to_keep_them() {
    let app = with_views(App::new("shop"));
    app.config().set("TESTING", true).unwrap();
    let error = app.test_client().get("/save").send().unwrap_err();
    assert_eq!(error.type_name(), "RuntimeError");
    assert_eq!(app.test_client().get("/page").send().unwrap().text(), "");
}

#[test]
fn something_else_under_their_name_does_no_harm() {
    let mut app = with_views(app());
    app.route("/odd", || {
        let odd = carafe::Value::from(vec![1, 2]);
        session().insert("_flashes", odd)?;
        page()
    });
    assert_eq!(visit(&app, "/odd").0.text(), "");
}

#[test]
fn outside_a_request_there_are_no_messages() {
    let error = get_flashed_messages().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("Working outside of request context.")
    );
}
