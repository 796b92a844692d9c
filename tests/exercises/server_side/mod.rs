//! The exercise of the chapter on server-side sessions.
//!
//! A shop whose sessions are in a store. It works, and it has three faults: whoever comes by gets a
//! session in the store, a cookie from before a login is logged in by it, and a logout leaves the session
//! where it is.

mod solution;
mod start;

use std::sync::Arc;

use carafe::App;
use carafe::session::ServerSideSessionInterface;
use carafe::session::store::MemoryStore;
use carafe::testing::TestClient;

use crate::harness::fails;

type CreateApp = fn(ServerSideSessionInterface) -> App;

// ANCHOR: check
fn check(create_app: CreateApp) {
    let store = Arc::new(MemoryStore::new());
    let app = create_app(ServerSideSessionInterface::new(Arc::clone(&store)));

    for _robot in 0..10 {
        get(&mut app.test_client(), "/");
    }
    let robots = store.len();
    assert_eq!(robots, 0, "{robots} robots have sessions in the store");

    let mut jack = app.test_client();
    get(&mut jack, "/cart/apple");
    let before = jack.get_cookie("session").unwrap().to_owned();
    get(&mut jack, "/login/jack");
    assert_eq!(get(&mut jack, "/"), "jack has an apple");
    let mut thief = app.test_client();
    thief.set_cookie("session", &before);
    let stolen = get(&mut thief, "/");
    assert_eq!(
        stolen, "nobody has nothing",
        "the id from before the login works"
    );

    get(&mut jack, "/logout");
    assert_eq!(
        store.len(),
        0,
        "the session that was logged out is still there"
    );
    assert_eq!(jack.get_cookie("session"), None, "so is its cookie");
}
// ANCHOR_END: check

fn get(client: &mut TestClient, path: &str) -> String {
    client.get(path).send().unwrap().text()
}

#[test]
fn the_solution_passes() {
    check(solution::create_app);
}

#[test]
fn the_start_fails() {
    fails("server_side", || check(start::create_app));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(start::create_app);
}
