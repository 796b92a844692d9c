//! The exercise of the chapter on views that block.
//!
//! `/profile` shows who you are, which the database knows. `/health` is asked by a proxy each second: should
//! it wait, the proxy thinks that the server is dead.

mod solution;
mod start;

use std::sync::atomic::{AtomicBool, Ordering};

use carafe::wsgi::{Environ, WsgiApp};
use carafe::{App, Error};

use crate::harness::fails;

/// Knows who a visitor is. It takes its time.
#[derive(Default)]
pub(crate) struct Database {
    was_asked: AtomicBool,
}

impl Database {
    pub(crate) fn user(&self) -> Result<String, Error> {
        self.was_asked.store(true, Ordering::Relaxed);
        Ok("jack".to_owned())
    }
}

// ANCHOR: check
fn check(create_app: fn(&'static Database) -> App) {
    // It lives as long as the program, so that every view may hold it.
    let database: &'static Database = Box::leak(Box::default());
    let app = create_app(database);
    // What a server does: asks whether the request may wait, before it calls the app.
    let get = |path: &str| {
        let environ = Environ::builder(path).build().unwrap();
        let quick = app.pace(&environ).is_some_and(|pace| !pace.may_block());
        database.was_asked.store(false, Ordering::Relaxed);
        let body = app.call(environ, &mut |_: http::StatusCode, _| {}).unwrap();
        let waits = database.was_asked.load(Ordering::Relaxed);
        let text = String::from_utf8_lossy(&body.into_bytes().unwrap()).into_owned();
        (text, quick, waits)
    };
    // The first request of an app ends its setup.
    let _ = get("/nothing");

    let (text, quick, waits) = get("/profile");
    assert!(
        text == "You are jack.",
        "/profile is to say who you are, and says: {text}"
    );
    assert!(
        !(quick && waits),
        "/profile is declared not to wait, and waits for the database: \
         the I/O thread that runs it serves nobody else meanwhile"
    );
    let (text, quick, waits) = get("/health");
    assert!(
        text == "well",
        "/health is to answer \"well\", and says: {text}"
    );
    assert!(
        !waits,
        "/health waits for the database, though nothing in its view does"
    );
    assert!(
        quick,
        "/health waits for nothing, and is not declared so: when all threads of the pool \
         wait for the database, it stands in line behind them"
    );
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(solution::create_app);
}

#[test]
fn the_start_fails() {
    fails("blocking", || check(start::create_app));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(start::create_app);
}
