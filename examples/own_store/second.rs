//! The second store: it compares whole keys, minds the time, and fails where it has to.
//!
//! What is still wrong with it: `main.rs` prints it, `store.rs` mends it.

use std::thread;

use carafe::session::store::{Ability, Lifetime, Store, StoreError};

use super::log::{Log, from_hex, to_hex};

/// A line for each save: the key, the last second in which it is there, and the value.
pub(crate) struct SecondStore {
    pub(crate) log: Log,
}

impl Store for SecondStore {
    fn name(&self) -> &'static str {
        "second"
    }

    // ANCHOR: get
    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let lines = self.log.read()?;
        let last = lines.lines().rev().find_map(|line| {
            let (of, rest) = line.split_once(' ')?;
            (of == key).then_some(rest)
        });
        let Some((ends, value)) = last.and_then(|rest| rest.split_once(' ')) else {
            return Ok(None);
        };
        match ends.parse::<u64>() {
            Ok(ends) if now <= ends => Ok(from_hex(value)),
            _ => Ok(None),
        }
    }
    // ANCHOR_END: get

    // ANCHOR: set
    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        let (ends, value) = (lifetime.ends(), to_hex(value));
        self.log.append(&format!("{key} {ends} {value}"))
    }

    /// What has ended in 1970 is not there.
    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.log.append(&format!("{key} 0 "))
    }
    // ANCHOR_END: set

    // ANCHOR: compare_and_set
    fn can(&self, ability: Ability) -> bool {
        ability == Ability::CompareAndSet
    }

    fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        lifetime: Lifetime,
    ) -> Result<bool, StoreError> {
        let found = self.get(key, lifetime.now)?;
        if found.as_deref() != expected {
            return Ok(false);
        }
        // Another thread may be just here too. Without this line it seldom is, and the mistake is there
        // all the same: who waits for a disk or a network waits longer than this.
        thread::yield_now();
        self.set(key, value, lifetime)?;
        Ok(true)
    }
    // ANCHOR_END: compare_and_set

    // ANCHOR: expires_by_itself
    fn expires_by_itself(&self) -> bool {
        false
    }
    // ANCHOR_END: expires_by_itself
}
