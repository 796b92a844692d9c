//! A session store in one file, to which each save adds a line: the third one, which passes.
//!
//! A real one would keep an index of the keys, and give up waiting for the lock after a time, as
//! `src/session/store/files/directory.rs` does.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::PathBuf;

use carafe::session::store::{Ability, Entry, Lifetime, Store, StoreError, Verdict};

use super::log::{Log, failed, from_hex, to_hex};

/// Keeps sessions in a file. Any number of processes may share it.
pub(crate) struct LogStore {
    log: Log,
}

// ANCHOR: row
/// What a line says.
struct Row<'a> {
    key: &'a str,
    /// The last second in which it is there.
    ends: u64,
    /// In hex.
    value: &'a str,
}

impl<'a> Row<'a> {
    /// A line that was cut off has no dot at its end, and says nothing.
    fn parse(line: &'a str) -> Option<Self> {
        let mut parts = line.strip_suffix(" .")?.split(' ');
        Some(Row {
            key: parts.next()?,
            ends: parts.next()?.parse().ok()?,
            value: parts.next()?,
        })
    }

    /// The line, and an end for one before that was cut off.
    fn line(key: &str, ends: u64, value: &str) -> String {
        format!("\n{key} {ends} {value} .")
    }
}
// ANCHOR_END: row

impl LogStore {
    pub(crate) fn new(path: PathBuf) -> Self {
        let log = Log { path };
        LogStore { log }
    }

    // ANCHOR: lock
    /// Keeps all other writers out, in this process and in others, until the file is closed.
    fn lock(&self) -> Result<File, StoreError> {
        let file = File::create(self.log.path.with_extension("lock")).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(file)
    }
    // ANCHOR_END: lock

    /// Adds a line. Under the lock: a cleanup would leave it behind.
    fn write(&self, key: &str, ends: u64, value: &[u8]) -> Result<(), StoreError> {
        self.log.append(&Row::line(key, ends, &to_hex(value)))
    }
}

impl Store for LogStore {
    fn name(&self) -> &'static str {
        "log"
    }

    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let lines = self.log.read()?;
        let mut rows = lines.lines().rev().filter_map(Row::parse);
        let last = rows.find(|row| row.key == key);
        let live = last.filter(|row| now <= row.ends);
        Ok(live.and_then(|row| from_hex(row.value)))
    }

    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        self.write(key, lifetime.ends(), value)
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        self.write(key, 0, b"")
    }

    // ANCHOR: compare_and_set
    fn touch(&self, key: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        let _lock = self.lock()?;
        let Some(value) = self.get(key, lifetime.now)? else {
            return Ok(false);
        };
        self.write(key, lifetime.ends(), &value)?;
        Ok(true)
    }

    fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        lifetime: Lifetime,
    ) -> Result<bool, StoreError> {
        let _lock = self.lock()?;
        let found = self.get(key, lifetime.now)?;
        if found.as_deref() != expected {
            return Ok(false);
        }
        self.write(key, lifetime.ends(), value)?;
        Ok(true)
    }
    // ANCHOR_END: compare_and_set

    fn can(&self, ability: Ability) -> bool {
        matches!(ability, Ability::CompareAndSet | Ability::Visit)
    }

    // ANCHOR: visit
    fn visit(
        &self,
        prefix: &str,
        now: u64,
        visitor: &mut dyn FnMut(Entry<'_>) -> Verdict,
    ) -> Result<(), StoreError> {
        let lines = self.log.read()?;
        for (key, row) in last_rows(&lines) {
            let live = key.starts_with(prefix) && now <= row.ends;
            let Some(value) = from_hex(row.value).filter(|_| live) else {
                continue;
            };
            let entry = Entry {
                key: Some(key),
                value: &value,
            };
            if visitor(entry) == Verdict::Delete {
                self.delete(key)?;
            }
        }
        Ok(())
    }
    // ANCHOR_END: visit

    // ANCHOR: cleanup
    fn cleanup(&self, now: u64) -> Result<u64, StoreError> {
        let _lock = self.lock()?;
        let lines = self.log.read()?;
        let (mut kept, mut expired) = (String::new(), 0);
        for (key, row) in last_rows(&lines) {
            match row.ends {
                ends if now <= ends => kept += &(Row::line(key, ends, row.value) + "\n"),
                // It was deleted.
                0 => {}
                _ => expired += 1,
            }
        }
        let beside = self.log.path.with_extension("new");
        fs::write(&beside, kept)
            .and_then(|()| fs::rename(&beside, &self.log.path))
            .map_err(failed)?;
        Ok(expired)
    }

    fn expires_by_itself(&self) -> bool {
        false
    }
    // ANCHOR_END: cleanup
}

// ANCHOR: last_rows
/// What counts of each key: its last line.
fn last_rows(lines: &str) -> HashMap<&str, Row<'_>> {
    let rows = lines.lines().filter_map(Row::parse);
    rows.map(|row| (row.key, row)).collect()
}
// ANCHOR_END: last_rows
