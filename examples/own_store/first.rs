//! The first store that comes to mind. It works, and must not be used: `main.rs` says why.

use carafe::session::store::{Lifetime, Store, StoreError};

use super::log::{Log, from_hex, to_hex};

// ANCHOR: first
/// A line for each save: the key and the value. The last line about a key counts.
pub(crate) struct FirstStore {
    pub(crate) log: Log,
}

impl Store for FirstStore {
    fn name(&self) -> &'static str {
        "first"
    }

    fn get(&self, key: &str, _now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let lines = self.log.read().unwrap_or_default();
        let last = lines.lines().rfind(|line| line.starts_with(key));
        let value = last.and_then(|line| line.split(' ').nth(1));
        Ok(value.and_then(from_hex))
    }

    fn set(&self, key: &str, value: &[u8], _lifetime: Lifetime) -> Result<(), StoreError> {
        self.log.append(&format!("{key} {}", to_hex(value)))
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.log.append(&format!("{key} deleted"))
    }
}
// ANCHOR_END: first
