//! The directory of a file store: files that come and go as a whole, and how many there are.
//!
//! Mirrors the other half of `cachelib/file.py`. Python counts without a lock, and so its count drifts;
//! too high a count makes it delete sessions that live. Here whoever adds or removes a file holds a
//! lock, counts again now and then, and so mends what Python's half has lost.
//!
//! Read next: `../memory.rs`, if that was not first.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{FileOptions, HEADER, StoreError, hex, is_live, locked};
use crate::clock::{Clock, SystemClock};
use crate::session::serialization::{int_from_pickle, int_to_pickle};

/// What a file's name ends with that is no session: cachelib leaves those alone.
const SUFFIX: &str = ".__wz_cache";
/// What the file with the count is called, before it is hashed like a key.
const COUNT: &str = "__wz_cache_count";
/// How old a file that was being written may get, in seconds, before its process is taken for dead.
const ABANDONED: u64 = 3600;

pub(super) struct Directory {
    path: PathBuf,
    /// The name of the file with the count.
    count: String,
    mode: u32,
    sync: bool,
    threshold: u64,
    timeout: Duration,
    /// How many files this process has made.
    created: AtomicU64,
}

/// That there is room for one more file, and how many there are.
#[derive(Clone, Copy)]
pub(super) struct Room(u64);

impl Directory {
    pub(super) fn open(path: PathBuf, options: &FileOptions) -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        {
            // Whoever may read or write the files may look into it, too.
            use std::os::unix::fs::DirBuilderExt;
            let FileOptions { mode, .. } = *options;
            builder.mode(0o700 | mode & 0o066 | (mode & 0o044) >> 2);
        }
        builder.create(&path)?;
        let directory = Directory {
            path,
            count: options.file_name(COUNT),
            mode: options.mode,
            sync: options.sync,
            threshold: options.threshold,
            timeout: options.timeout,
            created: AtomicU64::new(0),
        };
        // That nothing can be written is better known now than at the first login. That there is a lock already, and
        // that it can be opened, does not tell.
        directory.open_lock()?;
        let beside = directory.beside()?;
        directory.write_new(&beside, &[])?;
        fs::remove_file(beside)?;
        Ok(directory)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn open_lock(&self) -> io::Result<File> {
        let mut options = self.new_file();
        let path = self.path.join(format!("carafe-lock{SUFFIX}"));
        options.create(true).truncate(false).write(true).open(path)
    }

    // ANCHOR: lock
    /// Keeps other processes and threads out until the file is closed, as it is when a process dies.
    pub(super) fn lock(&self) -> Result<File, StoreError> {
        let file = self.open_lock().map_err(super::failed)?;
        let start = Instant::now();
        let mut pause = Duration::from_micros(50);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if start.elapsed() < self.timeout => {}
                Err(TryLockError::WouldBlock) => return Err(locked(self.timeout)),
                Err(TryLockError::Error(error)) => return Err(super::failed(error)),
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }
    // ANCHOR_END: lock

    fn new_file(&self) -> OpenOptions {
        #[allow(unused_mut)]
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(self.mode);
        }
        options
    }

    pub(super) fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(name))
    }

    pub(super) fn open_to_change(&self, name: &str) -> io::Result<File> {
        let path = self.path.join(name);
        OpenOptions::new().read(true).write(true).open(path)
    }

    pub(super) fn has(&self, name: &str) -> io::Result<bool> {
        fs::exists(self.path.join(name))
    }

    // ANCHOR: write
    /// Writes a file beside and renames it: who reads sees the old one or the new one.
    pub(super) fn write(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let beside = self.beside()?;
        let written = self
            .write_new(&beside, parts)
            .and_then(|()| fs::rename(&beside, self.path.join(name)));
        if written.is_err() {
            // A disk that is full has room again.
            let _ = fs::remove_file(&beside);
        }
        written
    }
    // ANCHOR_END: write

    /// A name that no other file has.
    fn beside(&self) -> io::Result<PathBuf> {
        let mut random = [0; 12];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        Ok(self.path.join(format!("carafe-{}{SUFFIX}", hex(&random))))
    }

    fn write_new(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
        let mut file = self.new_file().create_new(true).write(true).open(path)?;
        #[cfg(unix)]
        {
            // The process's umask may have taken something from it.
            use std::os::unix::fs::PermissionsExt;
            file.set_permissions(fs::Permissions::from_mode(self.mode))?;
        }
        file.write_all(&parts.concat())?;
        match self.sync {
            true => file.sync_data(),
            false => Ok(()),
        }
    }

    /// Removes a file, if there is one. Under the lock.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Ok(()) if self.threshold > 0 => {
                let count = self.read_count()?.saturating_sub(1);
                self.write_count(count)
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The names of all sessions, in no order.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.path)?.filter_map(|entry| match entry {
            Ok(entry) => entry.file_name().into_string().ok().map(Ok),
            Err(error) => Some(Err(error)),
        });
        let is_session = |name: &String| {
            matches!(name.len(), 32 | 64)
                && name.bytes().all(|byte| byte.is_ascii_hexdigit())
                && *name != self.count
        };
        names
            .filter(|name| name.as_ref().map_or(true, is_session))
            .collect()
    }

    /// The last second of a file; `None` where there is none any more, or nothing in it.
    fn ends(&self, name: &str) -> io::Result<Option<u32>> {
        let mut header = [0; HEADER];
        let read =
            File::open(self.path.join(name)).and_then(|mut file| file.read_exact(&mut header));
        match read.map_err(|error| (error.kind(), error)) {
            Ok(()) => Ok(Some(u32::from_ne_bytes(header))),
            Err((io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof, _)) => Ok(None),
            Err((_, error)) => Err(error),
        }
    }

    // ANCHOR: make_room
    /// Deletes what is too much, before a file is added: what has expired, then what expires first.
    /// Some more than one at that, so that the next file does not make it look at all of them again.
    /// Under the lock.
    pub(super) fn make_room(&self, now: u64) -> io::Result<Room> {
        if self.threshold == 0 {
            return Ok(Room(0));
        }
        let created = self.created.fetch_add(1, Ordering::Relaxed) + 1;
        let mut count = match created % (self.threshold / 4).max(16) {
            0 => self.names()?.len() as u64,
            _ => self.read_count()?,
        };
        if count >= self.threshold {
            let mut live = self.remove_expired(now)?.1;
            live.sort_unstable();
            count = live.len() as u64;
            if count >= self.threshold {
                let room = 1 + self.threshold / 16;
                let too_many = usize::try_from(count - self.threshold + room).unwrap_or(usize::MAX);
                for (_ends, name) in live.iter().take(too_many) {
                    self.remove_quietly(name)?;
                    count -= 1;
                }
            }
        }
        Ok(Room(count))
    }

    /// Counts a file that was added since. Under the same lock.
    pub(super) fn created(&self, room: Room) -> io::Result<()> {
        match self.threshold {
            0 => Ok(()),
            _ => self.write_count(room.0 + 1),
        }
    }
    // ANCHOR_END: make_room

    /// Deletes what has expired, tells how many those were, and what is left.
    fn remove_expired(&self, now: u64) -> io::Result<(u64, Vec<(u32, String)>)> {
        let (mut removed, mut live) = (0, Vec::new());
        for name in self.names()? {
            match self.ends(&name)? {
                Some(ends) if is_live(ends, now) => {
                    // One that never ends is the last to go.
                    live.push((ends.wrapping_sub(1), name));
                }
                _ => {
                    self.remove_quietly(&name)?;
                    removed += 1;
                }
            }
        }
        Ok((removed, live))
    }

    fn remove_quietly(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Deletes what has expired, and what dead processes have left behind. Under the lock.
    pub(super) fn cleanup(&self, now: u64) -> io::Result<u64> {
        let (removed, live) = self.remove_expired(now)?;
        if self.threshold > 0 {
            self.write_count(live.len() as u64)?;
        }
        let too_old = SystemClock.now().saturating_sub(ABANDONED);
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_str().unwrap_or_default();
            // The lock is as old as the directory, and in use.
            if name.starts_with("carafe-") && name.ends_with(SUFFIX) && !name.contains("lock") {
                let modified = entry.metadata().and_then(|metadata| metadata.modified());
                let age = modified.map(|time| time.duration_since(std::time::UNIX_EPOCH));
                if matches!(age, Ok(Ok(age)) if age.as_secs() < too_old) {
                    self.remove_quietly(name)?;
                }
            }
        }
        Ok(removed)
    }

    /// Looks how many files there are. Under the lock.
    pub(super) fn recount(&self) -> io::Result<()> {
        self.write_count(self.names()?.len() as u64)
    }

    /// How many files there are, as the last one who counted says.
    fn read_count(&self) -> io::Result<u64> {
        let bytes = match self.read(&self.count) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let count = bytes.get(HEADER..).and_then(int_from_pickle);
        match count.map(u64::try_from) {
            Some(Ok(count)) => Ok(count),
            // It is gone, or Python has counted below nothing.
            _ => Ok(self.names()?.len() as u64),
        }
    }

    fn write_count(&self, count: u64) -> io::Result<()> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.write(&self.count, &[&[0; HEADER], &int_to_pickle(count)])
    }
}
