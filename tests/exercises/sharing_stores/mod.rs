//! The exercise of the chapter on sharing stored sessions.
//!
//! The Flask app beside yours has this in its config:
//!
//! ```python
//! SECRET_KEY = "adavafa"
//! SESSION_USE_SIGNER = True
//! SESSION_KEY_PREFIX = "shop:"
//! SESSION_COOKIE_NAME = "id"
//! SESSION_SERIALIZATION_FORMAT = "json"
//! ```
//!
//! jack has logged in over there. Your app is to know him, and what it saves is to be where Flask looks, as
//! Flask would have written it.

mod solution;
mod start;

use std::sync::Arc;

use carafe::App;
use carafe::clock::FixedClock;
use carafe::session::store::{Lifetime, MemoryStore, Store};

use crate::harness::fails;

// Flask 3.1.3 with Flask-Session 0.8.0 made these two: a cookie, and what is stored.
const COOKIE: &str = "amFjaydzIHNlc3Npb24sIGluIHRoaXJ0eS10d28gYnk.vyn4dzf1WMVTQSLvRJWzJm-D4yQ";
const STORED: &[u8] = br#"{"_permanent":true,"username":"jack"}"#;
const KEY: &str = "shop:amFjaydzIHNlc3Npb24sIGluIHRoaXJ0eS10d28gYnk";

const NOW: u64 = 1_700_000_000;

// ANCHOR: check
fn check(create_app: fn(Arc<MemoryStore>) -> App) {
    let store = Arc::new(MemoryStore::new());
    let lifetime = Lifetime {
        now: NOW,
        seconds: 60,
    };
    store.set(KEY, STORED, lifetime).unwrap();
    let app = create_app(Arc::clone(&store));
    app.config().set_clock(Arc::new(FixedClock::new(NOW)));
    let mut client = app.test_client();
    client.set_cookie("id", COOKIE);
    let name = client.get("/name").send().unwrap().text();
    assert_eq!(
        name, "jack",
        "a visitor who has logged in on Flask is to be known here"
    );

    client.get("/count").send().unwrap();
    let stored = store.get(KEY, NOW).unwrap().unwrap_or_default();
    assert_eq!(
        String::from_utf8_lossy(&stored),
        r#"{"_permanent":true,"username":"jack","visits":1}"#,
        "what is saved here is to be what Flask would have written"
    );
    assert_eq!(store.len(), 1, "there is to be one session, under one key");
    assert_eq!(
        client.get_cookie("id"),
        Some(COOKIE),
        "jack's cookie has changed"
    );
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(solution::create_app);
}

#[test]
fn the_start_fails() {
    fails("sharing_stores", || check(start::create_app));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(start::create_app);
}
