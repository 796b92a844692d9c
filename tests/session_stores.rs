//! Session stores: what any of them should do, and a session that comes from one.
//!
//! The code: `examples/memory_sessions/`: `suite.rs` has the checks, `store.rs` the store that passes
//! them all, `naive.rs` one that does not.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "../examples/memory_sessions/main.rs"]
#[allow(dead_code)]
mod memory_sessions;

use std::sync::Arc;

use carafe::clock::FixedClock;
use carafe::error::catch;
use carafe::{App, Error, Scaffold, session};
use common::{app_and_clock, subtree, visit_by};
use memory_sessions::store::MemorySessions;
use memory_sessions::{STORES, suite};

/// The sentences that are not true of a store.
fn untrue(name: &str) -> Vec<&'static str> {
    let store = STORES.iter().find(|store| store.name == name).unwrap();
    let untrue = suite::CHECKS.iter().filter_map(|(sentence, check)| {
        let error = catch(|| check(store)).err()?;
        println!("{sentence}: {error}");
        Some(*sentence)
    });
    untrue.collect()
}

#[test]
fn the_memory_store_does_all_that_a_store_should() {
    assert_eq!(untrue("memory"), [""; 0]);
}

#[test]
fn the_signed_cookie_cannot_take_back_what_it_gave() {
    assert_eq!(
        untrue("cookie"),
        [
            "a cookie from before a logout is worthless",
            "two writers at once are both heard",
            "who was logged out stays so",
        ]
    );
}

#[test]
fn the_naive_store_only_keeps_what_it_gets() {
    let right = [
        "what is written is there on the next visit",
        "every kind of value comes back",
        "two browsers have two sessions",
        "the cookie is as the config wants it",
        "rubbish in the cookie is a new session",
        "a cookie from before a logout is worthless",
    ];
    let untrue = untrue("naive");
    for (sentence, _) in suite::CHECKS {
        assert_ne!(
            right.contains(sentence),
            untrue.contains(sentence),
            "{sentence}"
        );
    }
}

/// An app with the memory store, its clock, and the store.
fn app() -> (App, Arc<FixedClock>, MemorySessions) {
    let (mut app, clock) = app_and_clock();
    let store = MemorySessions::default();
    app.session_interface(store.clone());
    app.route("/", || {
        let name: Option<String> = session().get("username");
        name.unwrap_or_else(|| "nobody".to_owned())
    });
    app.route("/login", || {
        memory_sessions::store::renew(&session())?;
        session().insert("username", "jack")?;
        Ok::<_, Error>("welcome")
    });
    (app, clock, store)
}

#[test]
fn a_session_of_a_store_goes_the_way_of_any_other() {
    let (app, _, _) = app();
    let mut client = app.test_client();
    let (_, login) = visit_by(&mut client, "/login");
    assert_eq!(
        subtree(&login, "Flask.process_response"),
        ["Flask.process_response", "  save_session"]
    );

    let (response, trace) = visit_by(&mut client, "/");

    assert_eq!(response.text(), "jack");
    assert_eq!(
        subtree(&trace, "RequestContext.push")[6..],
        ["  open_session", "  RequestContext.match_request"]
    );
    let id = client.get_cookie("session").unwrap();
    assert_eq!(id.len(), 22, "nothing of the session is in the cookie");
}

#[test]
fn only_a_session_that_was_written_takes_room_and_only_until_it_expires() {
    let (app, clock, store) = app();
    app.test_client().get("/").send().unwrap();
    assert_eq!(store.len(), 0, "a visitor who only reads costs nothing");

    for _visitor in 0..3 {
        app.test_client().get("/login").send().unwrap();
    }
    assert_eq!(store.len(), 3);

    clock.advance(31 * 24 * 60 * 60 + 1);
    app.test_client().get("/login").send().unwrap();
    assert_eq!(store.len(), 1, "those that nobody can open are gone");
}

#[test]
fn a_renewed_session_is_there_once_with_all_that_it_held() {
    let (mut app, _, store) = app();
    app.route("/set", || {
        session().insert("color", "red")?;
        Ok::<_, Error>("set")
    });
    let mut client = app.test_client();
    client.get("/set").send().unwrap();
    let before = client.get_cookie("session").unwrap().to_owned();

    client.get("/login").send().unwrap();

    assert_ne!(client.get_cookie("session").unwrap(), before);
    assert_eq!(store.len(), 1);
    let session = client.session_transaction(|session| Ok(session.to_dict()));
    let session = session.unwrap();
    let keys: Vec<&str> = session.keys().map(String::as_str).collect();
    assert_eq!(keys, ["color", "username"]);
}
