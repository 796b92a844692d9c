//! The exercise of the chapter on the eras.
//!
//! A Flask 1.0 app had a handler for 500 that was given the view's own error, and told visitors
//! whether to come back later. From Flask 1.1 on the handler is given an `InternalServerError`
//! instead. The page is to say the same as before.

mod solution;
mod start;

use carafe::App;

use crate::harness::fails;

/// The error of a view that asks the database while that is being moved.
#[derive(Debug)]
struct DatabaseMoves;

impl std::fmt::Display for DatabaseMoves {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the database is being moved")
    }
}

impl std::error::Error for DatabaseMoves {}

fn orders() -> Result<&'static str, DatabaseMoves> {
    Err(DatabaseMoves)
}

fn total() -> Result<&'static str, std::num::ParseIntError> {
    let _: i32 = "seven".parse()?;
    Ok("never said")
}

// ANCHOR: check
fn check(app: &App) {
    let mut client = app.test_client();
    let mut page = |path| {
        let response = client.get(path).send().unwrap();
        (response.status_code(), response.text())
    };
    assert_eq!(
        page("/orders"),
        (500, "Come back in an hour.".to_owned()),
        "the error behind the 500 is a DatabaseMoves"
    );
    assert_eq!(
        page("/total"),
        (500, "Something is broken.".to_owned()),
        "the error behind this 500 is another one"
    );
    assert_eq!(
        page("/abort"),
        (500, "Something is broken.".to_owned()),
        "a 500 that was aborted with has no error behind it"
    );
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(&solution::create_app());
}

#[test]
fn the_start_fails() {
    fails("eras", || check(&start::create_app()));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(&start::create_app());
}
