//! The exercise of the chapter on signals.
//!
//! A test wants to know what one app flashes while one visit lasts: not what other apps flash, and
//! nothing of what comes after.

mod solution;
mod start;

use std::sync::{Arc, Mutex, PoisonError};

use carafe::{App, Error, Scaffold, flash};

use crate::harness::fails;

/// The messages that were heard. A clone is the same list.
pub(super) type Heard = Arc<Mutex<Vec<String>>>;

// ANCHOR: check
fn check(hear_flashes: fn(&App, &Heard, &dyn Fn())) {
    // Signals are global: two checks at the same time would hear each other's apps.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);

    let [shop, blog] = ["shop", "blog"].map(flashing_app);
    let visit = |app: &App| drop(app.test_client().get("/").send());
    let heard = Heard::default();

    hear_flashes(&shop, &heard, &|| {
        visit(&shop);
        visit(&blog);
    });
    let messages = heard.lock().unwrap().clone();
    assert_eq!(
        messages,
        ["by shop"],
        "only what the shop flashed was to be heard"
    );

    visit(&shop);
    let count = heard.lock().unwrap().len();
    assert_eq!(count, 1, "the visit was over, and the receiver still heard");

    // A test that fails must not go on listening either.
    let failed = carafe::error::catch(|| {
        hear_flashes(&shop, &heard, &|| panic!("the test failed"));
        Ok(())
    });
    assert!(failed.is_err());
    visit(&shop);
    let count = heard.lock().unwrap().len();
    assert_eq!(count, 1, "the test failed, and the receiver still heard");
}
// ANCHOR_END: check

/// An app that flashes its name.
fn flashing_app(name: &str) -> App {
    let mut app = App::new(name);
    app.config().set_secret_key("adavafa");
    let text = format!("by {name}");
    app.get("/", move || {
        flash(&text)?;
        Ok::<_, Error>("flashed")
    });
    app
}

#[test]
fn the_solution_passes() {
    check(solution::hear_flashes);
}

#[test]
fn the_start_fails() {
    fails("signals", || check(start::hear_flashes));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(start::hear_flashes);
}
