//! The abilities, each in one lock; but a visit lets go of it while the visitor looks at a row.

use std::sync::{Mutex, MutexGuard, PoisonError};

use carafe::session::store::{Ability, Entry, Lifetime, Store, StoreError, Verdict};

#[derive(Default)]
pub(crate) struct VecStore {
    rows: Mutex<Vec<Row>>,
}

#[derive(Clone)]
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

fn find<'a>(rows: &'a [Row], key: &str, now: u64) -> Option<&'a Row> {
    rows.iter().find(|row| row.key == key && now <= row.ends)
}

fn put(rows: &mut Vec<Row>, key: &str, value: &[u8], lifetime: Lifetime) {
    rows.retain(|row| row.key != key);
    rows.push(Row {
        key: key.to_owned(),
        value: value.to_vec(),
        ends: lifetime.ends(),
    });
}

impl Store for VecStore {
    fn name(&self) -> &'static str {
        "vec"
    }

    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(find(&self.lock(), key, now).map(|row| row.value.clone()))
    }

    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        put(&mut self.lock(), key, value, lifetime);
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.lock().retain(|row| row.key != key);
        Ok(())
    }

    // ANCHOR: abilities
    fn can(&self, ability: Ability) -> bool {
        matches!(ability, Ability::CompareAndSet | Ability::Visit)
    }

    fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        lifetime: Lifetime,
    ) -> Result<bool, StoreError> {
        let mut rows = self.lock();
        let found = find(&rows, key, lifetime.now);
        if found.map(|row| &*row.value) != expected {
            return Ok(false);
        }
        put(&mut rows, key, value, lifetime);
        Ok(true)
    }

    fn visit(
        &self,
        prefix: &str,
        now: u64,
        visitor: &mut dyn FnMut(Entry<'_>) -> Verdict,
    ) -> Result<(), StoreError> {
        // The visitor may use the store: if this held the lock, it would wait for itself.
        let rows = self.lock().clone();
        for row in rows {
            if !row.key.starts_with(prefix) || now > row.ends {
                continue;
            }
            let entry = Entry {
                key: Some(&row.key),
                value: &row.value,
            };
            if visitor(entry) == Verdict::Delete {
                self.delete(&row.key)?;
            }
        }
        Ok(())
    }

    fn cleanup(&self, now: u64) -> Result<u64, StoreError> {
        let mut rows = self.lock();
        let before = rows.len();
        rows.retain(|row| now <= row.ends);
        Ok((before - rows.len()) as u64)
    }

    fn expires_by_itself(&self) -> bool {
        false
    }
    // ANCHOR_END: abilities
}
