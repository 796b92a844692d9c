//! The exercise of the chapter on sharing the cookie.
//!
//! The Flask app beside this one has rotated its key: it signs with `the new key`, and there are still
//! visitors whose cookie was signed with `the old key`. Both kinds of visitor are to be known here, and
//! what this app writes is to be a cookie that Flask would have made.

mod solution;
mod start;

use std::sync::Arc;

use carafe::App;
use carafe::clock::FixedClock;

use crate::harness::fails;

// Flask 3.1.3 made these three at 2023-11-14 22:13:20 UTC.
const OLD: &str = "eyJ1c2VybmFtZSI6ImphY2sifQ.ZVPxAA.XIqdAJoUYFF2k63_tf3nxtrzK98";
const NEW: &str = "eyJ1c2VybmFtZSI6ImphY2sifQ.ZVPxAA.Kki6rjTD9-R_88kUphcPcVPO67Y";
const COUNTED: &str = "eyJ1c2VybmFtZSI6ImphY2siLCJ2aXNpdHMiOjF9.ZVPxAA.YfzHVZ6VVdBqydepp-vfTlMOiws";

// ANCHOR: check
fn check(app: &App) {
    app.config()
        .set_clock(Arc::new(FixedClock::new(1_700_000_000)));
    let mut client = app.test_client();
    let mut name = |cookie| {
        client.set_cookie("session", cookie);
        client.get("/name").send().unwrap().text()
    };
    assert_eq!(
        name(NEW),
        "jack",
        "a cookie that Flask signs today is to be opened"
    );
    assert_eq!(
        name(OLD),
        "jack",
        "a cookie that Flask signed with the old key is to be opened"
    );

    client.get("/count").send().unwrap();
    assert_eq!(
        client.get_cookie("session"),
        Some(COUNTED),
        "what this app signs is to be what Flask would have signed"
    );
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(&solution::create_app());
}

#[test]
fn the_start_fails() {
    fails("sharing", || check(&start::create_app()));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(&start::create_app());
}
