//! `MemoryStore`: sessions in this process's memory.
//!
//! For tests, and for an app of one process that may forget its sessions when it ends. It has every
//! ability that a store can have, in the fewest lines. `cachelib.SimpleCache` is its peer in Python.
//!
//! Read next: `files.rs`, what many processes can share.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Ability, Entry, Lifetime, Store, StoreError, StoreUrl, Verdict, show_command};

/// Keeps sessions in memory. To share one, clone an `Arc` of it.
#[derive(Default)]
pub struct MemoryStore {
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_key: HashMap<String, Stored>,
    /// How many there may be before those that have expired are looked for.
    room: usize,
}

struct Stored {
    value: Vec<u8>,
    /// The last second in which it is there.
    ends: u64,
}

/// How many entries there may be before the first search for expired ones.
const ROOM: usize = 64;

pub(super) fn open(url: StoreUrl) -> Result<Box<dyn Store>, StoreError> {
    let url = url.finish()?;
    match url.trim_start_matches("memory:").trim_matches('/') {
        "" => Ok(Box::new(MemoryStore::new())),
        _ => Err(StoreError::config(
            "memory",
            format!("{url:?} names a place, and memory: has none"),
        )),
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many entries it holds, with those that have expired and have not been looked for yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().by_key.len()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn get(&self, key: &str, now: u64) -> Option<&Stored> {
        self.by_key.get(key).filter(|stored| now <= stored.ends)
    }

    // ANCHOR: room
    fn set(&mut self, key: &str, value: &[u8], lifetime: Lifetime) {
        let ends = lifetime.ends();
        let value = value.to_vec();
        self.by_key.insert(key.to_owned(), Stored { value, ends });
        // Searched when there are twice as many as the last search left: a set costs the same whether
        // there are ten or a million.
        if self.by_key.len() > self.room.max(ROOM) {
            self.cleanup(lifetime.now);
            self.room = self.by_key.len() * 2;
        }
    }
    // ANCHOR_END: room

    fn cleanup(&mut self, now: u64) -> usize {
        let before = self.by_key.len();
        self.by_key.retain(|_key, stored| now <= stored.ends);
        before - self.by_key.len()
    }
}

impl Store for MemoryStore {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        show_command("memory", format_args!("get"));
        Ok(self.lock().get(key, now).map(|stored| stored.value.clone()))
    }

    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        show_command("memory", format_args!("set for {} s", lifetime.seconds));
        self.lock().set(key, value, lifetime);
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        show_command("memory", format_args!("delete"));
        self.lock().by_key.remove(key);
        Ok(())
    }

    fn touch(&self, key: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        show_command("memory", format_args!("touch for {} s", lifetime.seconds));
        let mut entries = self.lock();
        let stored = entries.by_key.get_mut(key);
        match stored.filter(|stored| lifetime.now <= stored.ends) {
            Some(stored) => stored.ends = lifetime.ends(),
            None => return Ok(false),
        }
        Ok(true)
    }

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
        show_command("memory", format_args!("compare and set"));
        let mut entries = self.lock();
        let found = entries.get(key, lifetime.now);
        if found.map(|stored| &*stored.value) != expected {
            return Ok(false);
        }
        entries.set(key, value, lifetime);
        Ok(true)
    }

    fn visit(
        &self,
        prefix: &str,
        now: u64,
        visitor: &mut dyn FnMut(Entry<'_>) -> Verdict,
    ) -> Result<(), StoreError> {
        show_command("memory", format_args!("visit all"));
        // No lock is held while the visitor runs: it may use the store.
        let shown: Vec<(String, Vec<u8>)> = {
            let entries = self.lock();
            let live = entries
                .by_key
                .iter()
                .filter(|(key, stored)| key.starts_with(prefix) && now <= stored.ends);
            live.map(|(key, stored)| (key.clone(), stored.value.clone()))
                .collect()
        };
        for (key, value) in &shown {
            let entry = Entry {
                key: Some(key),
                value,
            };
            if visitor(entry) == Verdict::Delete {
                self.lock().by_key.remove(key);
            }
        }
        Ok(())
    }

    fn cleanup(&self, now: u64) -> Result<u64, StoreError> {
        show_command("memory", format_args!("cleanup"));
        Ok(self.lock().cleanup(now) as u64)
    }

    fn expires_by_itself(&self) -> bool {
        false
    }

    fn may_block(&self) -> bool {
        false
    }
}

impl fmt::Debug for MemoryStore {
    /// Shows how many sessions there are: the data is the users', and a key opens a session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.len();
        f.debug_struct("MemoryStore")
            .field("entries", &entries)
            .finish()
    }
}
