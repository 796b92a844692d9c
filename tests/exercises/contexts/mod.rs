//! The exercise of the chapter on contexts.
//!
//! A job that runs at night, without a request. It works in an app context, so that the app's teardown
//! function closes the database, also where the job fails or panics; and it leaves no context behind.

mod solution;
mod start;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use carafe::context::APP_CTX_STACK;
use carafe::{App, Error, current_app};

use crate::harness::fails;

/// What a job does: it may fail.
type Work = fn() -> Result<String, Error>;

// ANCHOR: check
fn check(run: fn(&App, Work) -> Result<String, Error>) {
    let closed = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&closed);
    let mut app = App::new("shop");
    app.teardown_appcontext(move |_error: Option<&Error>| {
        counter.fetch_add(1, Ordering::Relaxed);
    });

    let done = run(&app, || Ok(current_app().name().to_owned()));
    assert!(
        done.ok().as_deref() == Some("shop"),
        "the job has to work in a context of the app"
    );

    let failed = run(&app, || Err(Error::runtime("no stock")));
    assert!(failed.is_err(), "the job's error has to come to its caller");

    // Whether the panic goes on, or becomes an error, is yours to choose.
    drop(catch_unwind(AssertUnwindSafe(|| {
        run(&app, || panic!("the job panics"))
    })));

    let closed = closed.load(Ordering::Relaxed);
    assert!(
        APP_CTX_STACK.is_empty(),
        "an app context is left on the stack, and {closed} of 3 databases are closed"
    );
    assert!(closed == 3, "{closed} of 3 databases are closed");
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(solution::run_job);
}

#[test]
fn the_start_fails() {
    fails("contexts", || check(start::run_job));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(start::run_job);
}
