//! The exercise of the chapter on proxies.
//!
//! A view leaves the work to a thread that it starts, and waits for it. The work needs something of the
//! request.

mod solution;
mod start;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use carafe::App;
use carafe::signals::APPCONTEXT_PUSHED;

use crate::harness::fails;

// ANCHOR: check
fn check(app: &App) {
    let pushed = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&pushed);
    let _connected = APPCONTEXT_PUSHED.connected_to(app, move |_app, ()| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let mut client = app.test_client();
    let answer = client.get("/shout?text=pear").send().unwrap();
    assert!(
        answer.text() == "PEAR",
        "GET /shout?text=pear is to be answered with PEAR. It was answered with:\n{}",
        answer.text()
    );
    assert!(
        pushed.load(Ordering::Relaxed) == 1,
        "the thread is to get along without a context, and one was pushed there"
    );
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(&solution::create_app());
}

#[test]
fn the_start_fails() {
    fails("proxies", || check(&start::create_app()));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(&start::create_app());
}
