//! The exercise of the chapter on races.
//!
//! A browser sends two requests at once, and each puts a fruit into the cart. Both fruits are to be in it
//! afterwards. How sessions are saved, and what the browser's script does with the answer, is yours to
//! choose; the view is not.

mod solution;
mod start;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::MemoryStore;
use carafe::testing::TestClient;
use carafe::{App, Error, Scaffold, session};

use crate::harness::fails;

/// Saves as the app wants it.
type Sessions = fn(MemoryStore) -> ServerSideSessionInterface;
/// What the script does: puts a fruit into the cart, and tells the status that it ended with.
type Put = fn(&mut TestClient, &str) -> u16;

// ANCHOR: shop
/// A shop in which `meanwhile` happens in each of the first `times` views, when the session is open.
fn shop(sessions: Sessions, times: u32, meanwhile: fn(&App, String, u32)) -> App {
    let mut app = App::new("exercise");
    app.session_interface(sessions(MemoryStore::new()));
    let visits = Arc::new(AtomicU32::new(0));
    app.get("/put/<fruit>", move |fruit: String| {
        let visit = visits.fetch_add(1, Ordering::SeqCst);
        let id = session().sid().unwrap_or_default();
        // Odd visits are those that are made meanwhile.
        if visit < 2 * times && visit.is_multiple_of(2) {
            meanwhile(&carafe::current_app(), id, visit / 2);
        }
        let mut cart: Vec<String> = session().get("cart").unwrap_or_default();
        cart.push(fruit);
        session().insert("cart", cart)?;
        Ok::<_, Error>("in the cart")
    });
    app.get("/cart", || {
        let cart: Vec<String> = session().get("cart").unwrap_or_default();
        cart.join(", ")
    });
    app.get("/start", || {
        session().insert("cart", Vec::<String>::new())?;
        Ok::<_, Error>("an empty cart")
    });
    app
}

/// The other request, from start to end, on a thread of its own.
fn another(app: &App, id: String, round: u32) {
    let app = app.clone();
    let other = thread::spawn(move || {
        let mut client = app.test_client();
        client.set_cookie("session", &id);
        let answer = client.get(&format!("/put/pear-{round}")).send();
        answer.unwrap().status_code()
    });
    assert_eq!(other.join().unwrap(), 200);
}
// ANCHOR_END: shop

// ANCHOR: check
fn check(sessions: Sessions, put: Put) {
    let mut client = shop(sessions, 1, another).test_client();
    client.get("/start").send().unwrap();
    let status = put(&mut client, "apple");
    let cart = client.get("/cart").send().unwrap().text();
    assert!(
        cart.contains("pear-0"),
        "the pear is lost: in the cart is {cart}"
    );
    assert!(
        cart.contains("apple"),
        "the apple is lost: in the cart is {cart}"
    );
    assert_eq!((status, &*cart), (200, "pear-0, apple"));

    // Somebody who is faster each time: it is better to give up than to go on for ever.
    let mut client = shop(sessions, 1000, another).test_client();
    client.get("/start").send().unwrap();
    assert_eq!(
        put(&mut client, "apple"),
        409,
        "the script is to give up, and say so"
    );
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(solution::sessions, solution::put);
}

#[test]
fn the_start_fails() {
    fails("races", || check(start::sessions, start::put));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(start::sessions, start::put);
}
