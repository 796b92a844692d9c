//! The exercise of the chapter on tests.
//!
//! Here it is you who writes the check: a test of a small app that passes on the app as it should be,
//! and fails on each of three apps that have a bug. Each bug needs another tool of the chapter's.

mod solution;
mod start;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use carafe::clock::FixedClock;
use carafe::{App, Error, Response, Scaffold, abort, g, session};

use crate::harness::fails;

// ANCHOR: bugs
/// What may be wrong with the app.
#[derive(Clone, Copy, PartialEq)]
enum Bug {
    /// Nothing: the test has to pass.
    None,
    /// The `before_request` function asks nobody who they are.
    OpenToAll,
    /// A login ought to end after an hour without a visit, and lasts for a month.
    NeverEnds,
    /// Who is not logged in gets a 401, but the order has been placed by then.
    TooLate,
}
// ANCHOR_END: bugs

// ANCHOR: shop
/// What the test gets: the app, and its clock.
pub(super) struct Shop {
    pub(super) app: App,
    pub(super) clock: Arc<FixedClock>,
}

fn shop(bug: Bug) -> Shop {
    let mut app = App::new("shop");
    let clock = Arc::new(FixedClock::new(1_700_000_000));
    app.config().set_clock(clock.clone());
    app.config().set_secret_key("adavafa");
    if bug != Bug::NeverEnds {
        let hour = 3600;
        app.config()
            .set("PERMANENT_SESSION_LIFETIME", hour)
            .unwrap();
    }
    app.before_request(move || match bug {
        Bug::OpenToAll => Ok(()),
        Bug::TooLate => load_user().or(Ok(())),
        Bug::None | Bug::NeverEnds => load_user(),
    });
    app.post("/order", place_order);
    if bug == Bug::TooLate {
        app.after_request(refuse_strangers);
    }
    Shop { app, clock }
}

/// The user of the session, into `g`; a 401 where there is none.
fn load_user() -> Result<(), Error> {
    let Some(name) = session().get::<String>("username") else {
        return Err(abort(401));
    };
    session().set_permanent(true)?;
    g().set("user", name);
    Ok(())
}

/// What comes too late: the view has run.
fn refuse_strangers(response: &mut Response) -> Result<(), Error> {
    if !g().contains("user") {
        *response = Response::new("who are you?");
        response.set_status(401)?;
    }
    Ok(())
}

/// The view: places an order.
fn place_order() -> String {
    format!("ordered for {:?}", g().get::<String>("user"))
}
// ANCHOR_END: shop

// ANCHOR: check
fn check(test: fn(&Shop)) {
    test(&shop(Bug::None));
    let bugs = [
        (Bug::OpenToAll, "which serves everybody"),
        (Bug::NeverEnds, "whose login does not end after an hour"),
        (Bug::TooLate, "which places the order and then refuses it"),
    ];
    for (bug, what) in bugs {
        let found = catch_unwind(AssertUnwindSafe(|| test(&shop(bug)))).is_err();
        assert!(found, "your test passes on an app {what}");
    }
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(solution::test);
}

#[test]
fn the_start_fails() {
    fails("testing", || check(start::test));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(start::test);
}
