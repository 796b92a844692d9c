//! The exercise of the chapter on writing a store.
//!
//! A store that keeps its rows in a `Vec`. It has what a store must have, and passes the suite; but it
//! lets sessions fill the memory, and an app can neither save optimistically with it nor log a user out
//! everywhere.

mod solution;
mod start;
#[path = "../../stores/suite.rs"]
#[allow(dead_code, reason = "the tests of the stores use the rest")]
mod suite;

use std::sync::Arc;

use carafe::session::store::{Ability, Lifetime, Store};

use crate::harness::fails;
use suite::Subject;

// ANCHOR: check
fn check<S: Store + Default + 'static>() {
    let store = Arc::new(S::default());
    for ability in [Ability::CompareAndSet, Ability::Visit] {
        assert!(store.can(ability), "the store cannot {ability}");
    }
    assert!(
        !store.expires_by_itself(),
        "nobody deletes what has expired, and the store says that it does"
    );
    let lifetime = Lifetime {
        now: 1_700_000_000,
        seconds: 60,
    };
    store.set("session:old", b"old", lifetime).unwrap();
    let cleaned = store.cleanup(1_700_000_061).unwrap();
    assert_eq!(cleaned, 1, "what has expired is not cleaned up");

    suite::run(&Subject {
        name: "vec",
        store: Box::new(move || Arc::clone(&store) as Arc<dyn Store>),
        pass: Box::new(suite::clock_moves),
    });
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check::<solution::VecStore>();
}

#[test]
fn the_start_fails() {
    fails("own_store", check::<start::VecStore>);
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check::<start::VecStore>();
}
