//! A store of one's own: the suite of the stores on each step to it, and what no suite can see.
//!
//! The code: `examples/own_store/`: `store.rs` is the one that passes.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "../examples/own_store/main.rs"]
#[allow(dead_code)]
mod own_store;

use std::fs;

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{Lifetime, Store};
use carafe::{Error, Scaffold, session};
use common::{app_and_clock, visit_by};
use own_store::store::LogStore;
use own_store::{Dir, STEPS, complaints};

const NOW: u64 = 1_700_000_000;
const HOUR: Lifetime = Lifetime {
    now: NOW,
    seconds: 3600,
};

/// The sentences that are not true of a step.
fn untrue(name: &str) -> Vec<&'static str> {
    let step = STEPS.iter().find(|step| step.name == name).unwrap();
    let complaints = complaints(step).unwrap();
    for (sentence, error) in &complaints {
        println!("{sentence}: {error}");
    }
    complaints
        .into_iter()
        .map(|(sentence, _)| sentence)
        .collect()
}

#[test]
fn the_log_store_does_all_that_a_store_should() {
    assert_eq!(untrue("log"), [""; 0]);
}

#[test]
fn the_first_store_finds_others_sessions_and_keeps_them_for_ever() {
    assert_eq!(
        untrue("first"),
        [
            "a session ends after its lifetime",
            "[store] a key is all of it, as it is written",
            "[store] what has expired is gone",
            "a store that fails is a 503, and logs nobody out",
        ]
    );
}

#[test]
fn the_second_store_compares_and_writes_in_two_steps_and_grows() {
    assert_eq!(
        untrue("second"),
        [
            "[store] one of many compares wins",
            "[store] a cleanup takes what has expired, and no other",
        ]
    );
}

#[test]
fn the_calls_of_a_store_of_ones_own_are_in_the_trace() {
    let dir = Dir::new().unwrap();
    let (mut app, _clock) = app_and_clock();
    app.session_interface(ServerSideSessionInterface::new(LogStore::new(dir.file())));
    app.route("/login", || {
        session().insert("username", "jack")?;
        Ok::<_, Error>("welcome")
    });
    app.route("/", || {
        session().get::<String>("username").unwrap_or_default()
    });
    let mut client = app.test_client();
    visit_by(&mut client, "/login");

    let (response, trace) = visit_by(&mut client, "/");

    assert_eq!(response.text(), "jack");
    let calls = trace
        .iter()
        .filter(|step| step.field("store") == Some("log"));
    let calls: Vec<&str> = calls.map(|step| step.name.as_str()).collect();
    assert_eq!(calls, ["Store.get", "Store.touch"]);
}

#[test]
fn of_a_line_that_was_cut_off_anywhere_there_is_the_value_before_it_or_the_whole_new_one() {
    let dir = Dir::new().unwrap();
    let store = LogStore::new(dir.file());
    store.set("session:id", b"before", HOUR).unwrap();
    let before = fs::read(dir.file()).unwrap();
    store.set("session:id", b"after", HOUR).unwrap();
    let whole = fs::read(dir.file()).unwrap();
    for end in before.len()..whole.len() {
        fs::write(dir.file(), &whole[..end]).unwrap();
        let found = store.get("session:id", NOW).unwrap().unwrap();
        let is_whole = end == whole.len() - 1;
        assert_eq!(found, if is_whole { &b"after"[..] } else { b"before" });

        store.set("session:next", b"next", HOUR).unwrap();
        let next = store.get("session:next", NOW).unwrap();
        assert_eq!(next.as_deref(), Some(&b"next"[..]), "cut off at {end}");
    }
}

#[test]
fn a_cleanup_leaves_one_line_for_each_session_that_lives() {
    let dir = Dir::new().unwrap();
    let store = LogStore::new(dir.file());
    for n in 0..100_u8 {
        store.set("session:kept", &[n], HOUR).unwrap();
        store.set("session:deleted", &[n], HOUR).unwrap();
    }
    store.delete("session:deleted").unwrap();
    let old = Lifetime { seconds: 1, ..HOUR };
    store.set("session:old", b"old", old).unwrap();

    assert_eq!(store.cleanup(NOW + 2).unwrap(), 1);

    let left = fs::read_to_string(dir.file()).unwrap();
    assert_eq!(left.trim(), format!("session:kept {} 63 .", NOW + 3600));
}
