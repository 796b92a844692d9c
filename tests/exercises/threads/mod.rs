//! The exercise of the chapter on threads.
//!
//! A page asks four shops for their price of one thing, each on a thread of its own. Each thread reads
//! the request, and counts itself in the session.

mod solution;
mod start;

use carafe::App;

use crate::harness::fails;

// ANCHOR: check
fn check(app: &App) {
    app.config().set("TESTING", true).unwrap();
    // Often: four threads that count without care are right by chance, now and then.
    for _ in 0..50 {
        let mut client = app.test_client();
        let text = match client.get("/prices?of=tea").send() {
            Ok(response) => response.text(),
            Err(error) => panic!("GET /prices gets no answer: {error:?}"),
        };
        assert_eq!(text, "tea: 1, tea: 2, tea: 3, tea: 4");
        let asked = client.session_transaction(|session| Ok(session.get::<u32>("asked")));
        assert_eq!(
            asked.unwrap(),
            Some(4),
            "each of the four threads has to be counted in the session"
        );
    }
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(&solution::create_app());
}

#[test]
fn the_start_fails() {
    fails("threads", || check(&start::create_app()));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(&start::create_app());
}
