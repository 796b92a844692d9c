//! The exercise of the chapter on a store that is down.
//!
//! The shop's front page greets whoever is logged in, and is of use to anybody. While the store is down it
//! is to be there, without the name. Whatever writes to the session is to fail as before, and no visitor's
//! cookie may be touched.

mod solution;
mod start;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{Lifetime, MemoryStore, Store, StoreError};
use carafe::testing::TestClient;
use carafe::{App, Error, Scaffold, SessionInterface, session};

use crate::harness::fails;

/// A store in memory that can be down.
#[derive(Default)]
struct Fragile {
    memory: MemoryStore,
    is_down: AtomicBool,
}

impl Fragile {
    fn ask(&self) -> Result<&MemoryStore, StoreError> {
        match self.is_down.load(Ordering::Relaxed) {
            true => Err(StoreError::unavailable("fragile", "it is down")),
            false => Ok(&self.memory),
        }
    }
}

impl Store for Fragile {
    fn name(&self) -> &'static str {
        "fragile"
    }
    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask()?.get(key, now)
    }
    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        self.ask()?.set(key, value, lifetime)
    }
    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.ask()?.delete(key)
    }
}

// ANCHOR: shop
fn shop(sessions: impl SessionInterface + 'static) -> App {
    let mut app = App::new("exercise");
    app.session_interface(sessions);
    app.get("/", || {
        let name: Option<String> = session().get("name");
        format!("hello, {}", name.unwrap_or("stranger".to_owned()))
    });
    app.get("/login/<name>", |name: String| {
        session().insert("name", name)?;
        Ok::<_, Error>("welcome")
    });
    app
}
// ANCHOR_END: shop

// ANCHOR: check
fn check<I: SessionInterface + 'static>(wrap: fn(ServerSideSessionInterface) -> I) {
    let store = Arc::new(Fragile::default());
    let sessions = ServerSideSessionInterface::new(Arc::clone(&store));
    let mut client = shop(wrap(sessions)).test_client();
    assert_eq!(
        visit(&mut client, "/login/jack"),
        (200, "welcome".to_owned())
    );
    let id = client.get_cookie("session").map(str::to_owned);

    store.is_down.store(true, Ordering::Relaxed);
    assert_eq!(
        visit(&mut client, "/"),
        (200, "hello, stranger".to_owned()),
        "the front page is to be there while the store is down"
    );
    let (status, _) = visit(&mut client, "/login/jill");
    assert!(
        status >= 500,
        "nobody can be logged in now, and the page says {status}"
    );
    let now = client.get_cookie("session").map(str::to_owned);
    assert_eq!(now, id, "the visitor's cookie has changed");

    store.is_down.store(false, Ordering::Relaxed);
    assert_eq!(
        visit(&mut client, "/"),
        (200, "hello, jack".to_owned()),
        "the store is back, and the visitor is not known any more"
    );

    let key = format!("session:{}", id.unwrap_or_default());
    let forever = Lifetime {
        now: 0,
        seconds: u64::MAX,
    };
    store.memory.set(&key, b"no session", forever).unwrap();
    let (status, _) = visit(&mut client, "/");
    assert!(
        status >= 500,
        "the store works, and what is in it cannot be read: the page says {status}"
    );
}

fn visit(client: &mut TestClient, path: &str) -> (u16, String) {
    let answer = client.get(path).send().unwrap();
    match answer.status_code() {
        200 => (200, answer.text()),
        status => (status, String::new()),
    }
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(solution::Sessions);
}

#[test]
fn the_start_fails() {
    fails("store_down", || check(start::Sessions));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(start::Sessions);
}
