//! The exercise of the chapter on SQL.
//!
//! A table in SQLite keeps a time as text, and compares it as text. So all who write into that table have
//! to write a time in the same way, and in one that sorts as time goes.

mod solution;
mod start;

use std::sync::Mutex;

use carafe::session::store::{Lifetime, Store, StoreError};
use regex::Regex;

use crate::harness::fails;

/// How a store writes a time.
trait Times: Default + Send + Sync + 'static {
    /// These Unix seconds, as text.
    fn text(&self, unix: u64) -> String;
}

// ANCHOR: table
/// A table in SQLite: a key, data, and the text of a time.
#[derive(Default)]
struct Table<T> {
    times: T,
    rows: Mutex<Vec<(String, Vec<u8>, String)>>,
}

impl<T: Times> Store for Table<T> {
    fn name(&self) -> &'static str {
        "exercise"
    }

    /// `SELECT data ... WHERE session_id = ? AND expiry >= ?`
    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let now = self.times.text(now);
        let rows = self.rows.lock().unwrap();
        let found = rows
            .iter()
            .find(|(session_id, _, expiry)| session_id == key && *expiry >= now);
        Ok(found.map(|(_, data, _)| data.clone()))
    }

    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        self.delete(key)?;
        let expiry = self.times.text(lifetime.ends());
        let mut rows = self.rows.lock().unwrap();
        rows.push((key.to_owned(), value.to_vec(), expiry));
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        let mut rows = self.rows.lock().unwrap();
        rows.retain(|(session_id, ..)| session_id != key);
        Ok(())
    }
}
// ANCHOR_END: table

// ANCHOR: check
fn check<T: Times>() {
    /// 2023-11-14 22:13:20
    const NOW: u64 = 1_700_000_000;
    let table = Table::<T>::default();
    // A Flask app saves a session for an hour, and half a second.
    let expiry = "2023-11-14 23:13:20.500000".to_owned();
    let row = ("session:flask".to_owned(), b"data".to_vec(), expiry);
    table.rows.lock().unwrap().push(row);
    assert!(
        table.get("session:flask", NOW).unwrap().is_some(),
        "Flask's session is good for another hour, and is not found: it is {} now",
        table.times.text(NOW)
    );
    assert!(table.get("session:flask", NOW + 3600).unwrap().is_some());
    assert!(table.get("session:flask", NOW + 3601).unwrap().is_none());

    // It reads what this store has written.
    let hour = |now| Lifetime { now, seconds: 3600 };
    table.set("session:ours", b"data", hour(NOW)).unwrap();
    let expiry = table.rows.lock().unwrap()[1].2.clone();
    let format = Regex::new(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$").unwrap();
    assert!(
        format.is_match(&expiry),
        "SQLAlchemy would have written {expiry:?} otherwise: a fraction has six digits"
    );
    assert!(table.get("session:ours", NOW + 3600).unwrap().is_some());
    assert!(table.get("session:ours", NOW + 3601).unwrap().is_none());

    // A config may ask for a session without an end.
    let for_ever = Lifetime {
        now: NOW,
        seconds: u64::MAX,
    };
    table.set("session:ever", b"data", for_ever).unwrap();
    assert!(
        table.get("session:ever", NOW + 1).unwrap().is_some(),
        "a session without an end has ended: it is {} now",
        table.times.text(NOW + 1)
    );
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check::<solution::Text>();
}

#[test]
fn the_start_fails() {
    fails("store_sql", check::<start::Text>);
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check::<start::Text>();
}
