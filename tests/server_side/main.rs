//! Sessions in a store: what is stored and when, what the browser gets, and what a store that fails does.
//!
//! The code: `src/session/server_side.rs`. `stores/` puts each store through what they all should do;
//! here it is one in memory that can be told to fail.
#![allow(clippy::unwrap_used)]

mod choosing;
#[path = "../common/mod.rs"]
mod common;
mod down;
mod stored;
mod visits;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use carafe::clock::FixedClock;
use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{Lifetime, MemoryStore, Store, StoreError};
use carafe::testing::{TestClient, TestResponse};
use carafe::{App, Error, Scaffold, session};
use common::app_and_clock;

/// A store in memory of which any method can be made to fail.
#[derive(Default)]
pub(crate) struct Fragile {
    pub(crate) memory: MemoryStore,
    pub(crate) get_fails: AtomicBool,
    pub(crate) set_fails: AtomicBool,
    pub(crate) delete_fails: AtomicBool,
    calls: AtomicU64,
}

impl Fragile {
    fn ask(&self, fails: &AtomicBool) -> Result<&MemoryStore, StoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match fails.load(Ordering::Relaxed) {
            true => Err(StoreError::unavailable("fragile", "it is down")),
            false => Ok(&self.memory),
        }
    }

    pub(crate) fn all_fail(&self, fail: bool) {
        for fails in [&self.get_fails, &self.set_fails, &self.delete_fails] {
            fails.store(fail, Ordering::Relaxed);
        }
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.swap(0, Ordering::Relaxed)
    }
}

impl Store for Fragile {
    fn name(&self) -> &'static str {
        "fragile"
    }
    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask(&self.get_fails)?.get(key, now)
    }
    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        self.ask(&self.set_fails)?.set(key, value, lifetime)
    }
    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.ask(&self.delete_fails)?.delete(key)
    }
    fn touch(&self, key: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        self.ask(&self.set_fails)?.touch(key, lifetime)
    }
    fn cleanup(&self, now: u64) -> Result<u64, StoreError> {
        self.ask(&self.delete_fails)?.cleanup(now)
    }
    fn expires_by_itself(&self) -> bool {
        false
    }
}

pub(crate) fn app_of(interface: ServerSideSessionInterface) -> (App, Arc<FixedClock>) {
    let (mut app, clock) = app_and_clock();
    app.session_interface(interface);
    app.route("/", || "hello");
    app.route("/get", || {
        session()
            .get::<String>("value")
            .unwrap_or_else(|| "none".to_owned())
    });
    app.route("/set/<value>", |value: String| {
        session().insert("value", value)?;
        Ok::<_, Error>("set")
    });
    app.route("/login", || {
        session().regenerate();
        session().insert("username", "jack")?;
        Ok::<_, Error>("welcome")
    });
    app.route("/logout", || {
        session().clear()?;
        Ok::<_, Error>("bye")
    });
    (app, clock)
}

pub(crate) fn app() -> (App, Arc<FixedClock>, Arc<Fragile>) {
    let store = Arc::new(Fragile::default());
    let interface = ServerSideSessionInterface::new(Arc::clone(&store));
    let (app, clock) = app_of(interface);
    (app, clock, store)
}

pub(crate) fn get(client: &mut TestClient, path: &str) -> TestResponse {
    client.get(path).send().unwrap()
}

pub(crate) fn id(client: &TestClient) -> String {
    client.get_cookie("session").unwrap().to_owned()
}
