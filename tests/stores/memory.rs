//! The store in this process's memory.

use std::sync::Arc;

use carafe::session::store::{Lifetime, MemoryStore, Store};

use crate::suite::{self, Subject};

#[test]
fn the_memory_store_does_all_that_a_store_should() {
    let store = Arc::new(MemoryStore::new());
    suite::run(&Subject {
        name: "memory",
        store: Box::new(move || Arc::clone(&store) as Arc<dyn Store>),
        pass: Box::new(suite::clock_moves),
    });
}

#[test]
fn what_has_expired_makes_room_without_being_asked() {
    let store = MemoryStore::new();
    for n in 0..100_000 {
        let lifetime = Lifetime { now: n, seconds: 9 };
        store
            .set(&format!("session:{n}"), b"data", lifetime)
            .unwrap();
    }
    assert!(store.len() < 200, "{} are left of 10", store.len());
}
