//! The exercise of the chapter on streaming.
//!
//! Every page gets a cursor to the database, and a teardown function closes it. One page streams the
//! rows that its cursor reads. It has to read them all, and no cursor may stay open: not at the end,
//! not where the client leaves early, not where the view fails.

mod solution;
mod start;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use carafe::wrappers::EnvironBuilder;
use carafe::wsgi::Body;
use carafe::{App, Error};

use crate::harness::fails;

// ANCHOR: cursor
/// Reads three rows. A clone is the same cursor.
#[derive(Clone)]
pub(super) struct Cursor {
    next: Arc<AtomicUsize>,
    open: Arc<AtomicBool>,
    all_open: Arc<AtomicUsize>,
}

impl Cursor {
    pub(super) fn open(all_open: &Arc<AtomicUsize>) -> Self {
        all_open.fetch_add(1, Ordering::SeqCst);
        Cursor {
            next: Arc::default(),
            open: Arc::new(AtomicBool::new(true)),
            all_open: Arc::clone(all_open),
        }
    }

    /// The next row; `None` after the last.
    pub(super) fn next_row(&self) -> Option<Result<String, Error>> {
        if !self.open.load(Ordering::SeqCst) {
            return Some(Err(Error::runtime("the cursor is closed")));
        }
        let row = self.next.fetch_add(1, Ordering::SeqCst) + 1;
        (row <= 3).then(|| Ok(format!("row {row}\n")))
    }

    /// Closes it. A second time does nothing.
    pub(super) fn close(&self) {
        if self.open.swap(false, Ordering::SeqCst) {
            self.all_open.fetch_sub(1, Ordering::SeqCst);
        }
    }
}
// ANCHOR_END: cursor

// ANCHOR: check
fn check(create_app: impl Fn(&Arc<AtomicUsize>) -> App) {
    let open = Arc::default();
    let app = create_app(&open);
    let call = |path: &str| -> Body {
        let environ = EnvironBuilder::new(path).build().unwrap();
        app.wsgi_app(environ, &mut |_status, _headers| {}).unwrap()
    };
    let none_is_open = |when: &str| {
        let count = open.load(Ordering::SeqCst);
        assert_eq!(count, 0, "{when} a cursor stays open");
    };

    let report = call("/report");
    let reading = open.load(Ordering::SeqCst);
    match report.into_bytes() {
        Ok(rows) => assert_eq!(rows, "row 1\nrow 2\nrow 3\n"),
        Err(error) => panic!("the report breaks off: {error}"),
    }
    none_is_open("after the whole report");
    assert_eq!(
        reading, 1,
        "the rows have to be read while they are sent, and the cursor was closed before"
    );

    let mut body = call("/report");
    assert!(body.next().is_some());
    drop(body);
    none_is_open("where the client leaves early");

    drop(call("/report"));
    none_is_open("where the client leaves before the first row");

    drop(call("/about"));
    none_is_open("on a page without a stream");

    drop(call("/fail"));
    none_is_open("where the view fails");
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(solution::create_app);
}

#[test]
fn the_start_fails() {
    fails("streaming", || check(start::create_app));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(start::create_app);
}
