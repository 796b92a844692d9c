//! The exercise of the chapter on teardown.
//!
//! Some pages use a database, and some do not. A connection that a page has opened is closed when the
//! request is over, whatever happened; where an error ended the request, it is rolled back before.

mod solution;
mod start;

use std::sync::{Arc, Mutex};

use carafe::App;

use crate::harness::fails;

// ANCHOR: database
/// A database that keeps a list of what was asked of it. A clone is the same database.
#[derive(Clone, Default)]
pub(super) struct Database(Arc<Mutex<Vec<&'static str>>>);

/// A connection to it.
#[derive(Clone)]
pub(super) struct Connection(Database);

impl Database {
    pub(super) fn open(&self) -> Connection {
        self.note("open");
        Connection(self.clone())
    }

    fn note(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }

    /// What was asked since the last time.
    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Connection {
    pub(super) fn roll_back(&self) {
        self.0.note("roll back");
    }

    pub(super) fn close(self) {
        self.0.note("close");
    }
}
// ANCHOR_END: database

// ANCHOR: check
fn check(create_app: impl Fn(&Database) -> App) {
    let database = Database::default();
    let app = create_app(&database);
    let get = |path: &str| match app.test_client().get(path).send() {
        Ok(response) => response.status_code(),
        Err(error) => panic!("GET {path} gets no answer: {error:?} left the app"),
    };

    assert_eq!(get("/about"), 200);
    assert!(database.take().is_empty(), "nothing was opened");

    assert_eq!(get("/order"), 200);
    assert_eq!(database.take(), ["open", "close"]);

    assert_eq!(get("/fail"), 500);
    assert_eq!(
        database.take(),
        ["open", "roll back", "close"],
        "what failed has to be rolled back"
    );

    assert_eq!(get("/sold-out"), 404);
    assert_eq!(
        database.take(),
        ["open", "close"],
        "a 404 is an answer and no failure"
    );
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(solution::create_app);
}

#[test]
fn the_start_fails() {
    fails("teardown", || check(start::create_app));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(start::create_app);
}
