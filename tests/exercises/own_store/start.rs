//! Rows in a `Vec`: the four methods, and nothing else.

use std::sync::{Mutex, MutexGuard, PoisonError};

use carafe::session::store::{Lifetime, Store, StoreError};

// ANCHOR: store
#[derive(Default)]
pub(crate) struct VecStore {
    rows: Mutex<Vec<Row>>,
}

struct Row {
    key: String,
    value: Vec<u8>,
    /// The last second in which it is there.
    ends: u64,
}

impl VecStore {
    fn lock(&self) -> MutexGuard<'_, Vec<Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for VecStore {
    fn name(&self) -> &'static str {
        "vec"
    }

    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self.lock();
        let row = rows.iter().find(|row| row.key == key && now <= row.ends);
        Ok(row.map(|row| row.value.clone()))
    }

    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        let mut rows = self.lock();
        rows.retain(|row| row.key != key);
        rows.push(Row {
            key: key.to_owned(),
            value: value.to_vec(),
            ends: lifetime.ends(),
        });
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.lock().retain(|row| row.key != key);
        Ok(())
    }
}
// ANCHOR_END: store
