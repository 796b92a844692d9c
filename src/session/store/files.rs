//! `FileStore`: a file for each session, in one directory that many processes share.
//!
//! Mirrors `FileSystemCache` in `cachelib/file.py`, which Flask-Session's filesystem backend writes with,
//! down to the bytes: a file's name is a hash of the key, so that nothing that a client sends is part
//! of a path; it begins with the second in which it ends; and a count of the files stands in a file of
//! its own. A file is written beside and renamed, so that it is there as a whole or not at all.
//!
//! Read next: `files/directory.rs`, which keeps the count, and makes room.

mod directory;

use std::fmt;
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use sha2::Digest;

use self::directory::Directory;
use super::{Ability, Entry, Lifetime, Store, StoreError, StoreErrorKind, StoreUrl, Verdict};
use super::{show_command, url};
use crate::session::serialization::{Format, looks_like_pickle};

/// Keeps sessions as files.
///
/// ```
/// use carafe::session::ServerSideSessionInterface;
/// use carafe::session::store::{FileOptions, FileStore};
/// # let dir = std::env::temp_dir().join(format!("carafe-doc-{}", std::process::id()));
/// let options = FileOptions { threshold: 10_000, ..FileOptions::default() };
/// let mut app = carafe::App::new("shop");
/// app.session_interface(ServerSideSessionInterface::new(FileStore::open(&dir, options)?));
/// # std::fs::remove_dir_all(&dir).unwrap();
/// # Ok::<(), carafe::session::store::StoreError>(())
/// ```
pub struct FileStore {
    directory: Directory,
    options: FileOptions,
}

/// What a [`FileStore`] is opened with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // Made with `..FileOptions::default()`.
pub struct FileOptions {
    /// How many sessions there may be: where there are more, those that have expired are deleted, and
    /// then those that expire first. 0 is no limit. Flask-Session: `SESSION_FILE_THRESHOLD`, 500.
    pub threshold: u64,
    /// Who may read and write the files, as `chmod` has it: 0o600. Flask-Session: `SESSION_FILE_MODE`.
    pub mode: u32,
    /// Whether a Flask app shares the directory, with Flask-Session's filesystem backend: sessions are
    /// pickles then. Off by default.
    pub cachelib: bool,
    /// Whether the Flask app has cachelib 0.15 or older, which names files otherwise.
    pub md5: bool,
    /// Whether a save waits until the disk has it, and not just the system. Off by default: a save then
    /// survives the end of the process, and not that of the machine.
    pub sync: bool,
    /// How long to wait for another process that holds the lock: 5 seconds by default.
    pub timeout: Duration,
}

impl Default for FileOptions {
    fn default() -> Self {
        FileOptions {
            threshold: 500,
            mode: 0o600,
            cachelib: false,
            md5: false,
            sync: false,
            timeout: url::TIMEOUT,
        }
    }
}

impl FileOptions {
    // ANCHOR: file_name
    /// `FileSystemCache._get_filename`.
    fn file_name(&self, key: &str) -> String {
        match self.md5 {
            true => hex(&md5::Md5::digest(key)),
            false => hex(&sha2::Sha256::digest(key)),
        }
    }
    // ANCHOR_END: file_name
}

pub(super) fn open(mut url: StoreUrl) -> Result<Box<dyn Store>, StoreError> {
    let defaults = FileOptions::default();
    let mode = url.take("mode");
    let options = FileOptions {
        threshold: url.take_number("threshold")?.unwrap_or(defaults.threshold),
        mode: match mode.as_deref().map(|mode| u32::from_str_radix(mode, 8)) {
            None => defaults.mode,
            Some(Ok(mode @ ..=0o777)) if mode & 0o600 == 0o600 => mode,
            Some(_) => {
                let mode = mode.unwrap_or_default();
                return Err(url.refused("mode", "permissions like 600, in octal", &mode));
            }
        },
        cachelib: url.take_flag("cachelib")?.unwrap_or_default(),
        md5: url.take_flag("md5")?.unwrap_or_default(),
        sync: url.take_flag("sync")?.unwrap_or_default(),
        timeout: url.take_timeout()?,
    };
    let path = match (url.absolute_path(), url.rest()) {
        (Some(path), _) => path,
        (None, rest) if !rest.is_empty() && !rest.starts_with("//") => rest,
        _ => {
            let message = format!(
                "{:?} names no directory: write file:///directory",
                url.shown()
            );
            return Err(StoreError::config(NAME, message));
        }
    };
    let path = match percent_decode_str(path).decode_utf8() {
        Ok(path) => PathBuf::from(&*path),
        Err(_) => return Err(StoreError::config(NAME, "the directory is no UTF-8")),
    };
    url.finish()?;
    Ok(Box::new(FileStore::open(path, options)?))
}

const NAME: &str = "file";
const NO_PICKLES: &str = "the directory has sessions that are no pickles, which Flask cannot read: \
    leave out cachelib=true, or name another directory; with SESSION_TYPE = \"filesystem\", \
    another SESSION_FILE_DIR";

fn failed(error: io::Error) -> StoreError {
    StoreError::unavailable(NAME, error)
}

impl FileStore {
    /// Keeps sessions in this directory, which is made where there is none. It is for nothing else.
    ///
    /// # Errors
    /// Where the directory can't be made or written to. Of the kind
    /// [`Config`](StoreErrorKind::Config) where what is in it is another's: pickles, without
    /// `cachelib`, or with it what is no pickle.
    pub fn open(path: impl Into<PathBuf>, options: FileOptions) -> Result<Self, StoreError> {
        let path = path.into();
        let directory = Directory::open(path.clone(), &options).map_err(|error| {
            let message = format!("cannot keep sessions in {}: {error}", path.display());
            StoreError::new(NAME, StoreErrorKind::Unavailable, message).with_source(error)
        })?;
        let store = FileStore { directory, options };
        store.refuse_other_files()?;
        if store.options.threshold > 0 {
            let _lock = store.directory.lock()?;
            store.directory.recount().map_err(failed)?;
        }
        Ok(store)
    }

    /// Whose files are these? Flask could not read MessagePack among its pickles: it takes some of these
    /// sessions for none, and fails at others.
    fn refuse_other_files(&self) -> Result<(), StoreError> {
        let FileOptions { cachelib, md5, .. } = self.options;
        let refused = |hint: &str| {
            let message = format!("the directory is shared with Flask already: {hint}");
            Err(StoreError::config(NAME, message))
        };
        for name in self.directory.names().map_err(failed)? {
            match (cachelib, md5, name.len() == 32) {
                (_, false, true) => return refused("its files have names that need md5=true"),
                (_, true, false) => return refused("its files have names that need md5=false"),
                _ => {}
            }
            let Some((_ends, bytes)) = self.read(&name)? else {
                continue;
            };
            if bytes.is_empty() {
                continue;
            }
            let is_pickle = looks_like_pickle(&bytes) && bytes.ends_with(b".");
            match (cachelib, is_pickle) {
                (false, true) => {
                    return refused("its files are pickles, which needs cachelib=true");
                }
                (true, false) => return Err(StoreError::config(NAME, NO_PICKLES)),
                _ => {}
            }
            // One tells about all.
            break;
        }
        Ok(())
    }

    /// A file's last second and its bytes, whether it has expired or not.
    fn read(&self, name: &str) -> Result<Option<(u32, Vec<u8>)>, StoreError> {
        let mut bytes = match self.directory.read(name) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        // One that is cut off within its first bytes has nothing in it to lose.
        let Some(header) = bytes.first_chunk().copied() else {
            return Ok(None);
        };
        bytes.drain(..HEADER);
        Ok(Some((u32::from_ne_bytes(header), bytes)))
    }

    fn read_live(&self, name: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let read = self.read(name)?;
        Ok(read.and_then(|(ends, bytes)| is_live(ends, now).then_some(bytes)))
    }

    /// Writes a file, new or not. Whoever calls it for a new one holds the lock.
    fn write(&self, name: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        let header = ends(lifetime).to_ne_bytes();
        let parts = [&header[..], value];
        self.directory.write(name, &parts).map_err(failed)
    }

    /// Writes what is not there yet, after making room for it.
    fn create(&self, name: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        let room = self.directory.make_room(lifetime.now).map_err(failed)?;
        self.write(name, value, lifetime)?;
        self.directory.created(room).map_err(failed)
    }
}

/// How long the header is, in bytes.
const HEADER: usize = 4;

/// The header of a file: its last second, and 0 for one that never ends.
fn ends(lifetime: Lifetime) -> u32 {
    u32::try_from(lifetime.ends()).unwrap_or(u32::MAX)
}

fn is_live(ends: u32, now: u64) -> bool {
    ends == 0 || u64::from(ends) >= now
}

fn hex(bytes: &[u8]) -> String {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}

impl Store for FileStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        show_command(NAME, format_args!("read"));
        self.read_live(&self.options.file_name(key), now)
    }

    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        show_command(NAME, format_args!("write beside, rename"));
        // A file that is replaced counts for nothing new. If it is deleted at this very moment, the
        // count is one too low until somebody counts again, which costs no session.
        let name = self.options.file_name(key);
        if self.options.threshold == 0 || self.directory.has(&name).map_err(failed)? {
            return self.write(&name, value, lifetime);
        }
        let _lock = self.directory.lock()?;
        match self.directory.has(&name).map_err(failed)? {
            // Another process was faster.
            true => self.write(&name, value, lifetime),
            false => self.create(&name, value, lifetime),
        }
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        show_command(NAME, format_args!("remove"));
        let _lock = self.directory.lock()?;
        self.directory
            .remove(&self.options.file_name(key))
            .map_err(failed)
    }

    // ANCHOR: touch
    /// Writes four bytes in place. Where another process replaces the file at this moment, they go to
    /// the one that is replaced, and change nothing.
    fn touch(&self, key: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        show_command(NAME, format_args!("write the header"));
        let touch = || -> io::Result<bool> {
            let mut file = self
                .directory
                .open_to_change(&self.options.file_name(key))?;
            let mut header = [0; HEADER];
            file.read_exact(&mut header)?;
            if !is_live(u32::from_ne_bytes(header), lifetime.now) {
                return Ok(false);
            }
            file.rewind()?;
            file.write_all(&ends(lifetime).to_ne_bytes())?;
            Ok(true)
        };
        match touch() {
            Ok(is_there) => Ok(is_there),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => Ok(false),
                _ => Err(failed(error)),
            },
        }
    }
    // ANCHOR_END: touch

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
        show_command(NAME, format_args!("lock, read, write beside, rename"));
        let name = self.options.file_name(key);
        let _lock = self.directory.lock()?;
        let found = self.read_live(&name, lifetime.now)?;
        if found.as_deref() != expected {
            return Ok(false);
        }
        match found {
            Some(_) => self.write(&name, value, lifetime)?,
            None => self.create(&name, value, lifetime)?,
        }
        Ok(true)
    }

    /// A file does not say what its key is: the entries of every prefix are shown.
    fn visit(
        &self,
        _prefix: &str,
        now: u64,
        visitor: &mut dyn FnMut(Entry<'_>) -> Verdict,
    ) -> Result<(), StoreError> {
        show_command(NAME, format_args!("read all"));
        for name in self.directory.names().map_err(failed)? {
            let Some(value) = self.read_live(&name, now)? else {
                continue;
            };
            let entry = Entry {
                key: None,
                value: &value,
            };
            if visitor(entry) == Verdict::Delete {
                let _lock = self.directory.lock()?;
                self.directory.remove(&name).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn cleanup(&self, now: u64) -> Result<u64, StoreError> {
        show_command(NAME, format_args!("read all headers, remove the expired"));
        let _lock = self.directory.lock()?;
        self.directory.cleanup(now).map_err(failed)
    }

    fn expires_by_itself(&self) -> bool {
        false
    }

    fn format(&self) -> Option<Format> {
        self.options.cachelib.then_some(Format::Pickle)
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("directory", &self.directory.path())
            .field("options", &self.options)
            .finish()
    }
}

/// The error for a lock that another process does not let go of.
fn locked(timeout: Duration) -> StoreError {
    let message = format!("another process has held the lock for {timeout:?}");
    StoreError::new(NAME, StoreErrorKind::Unavailable, message)
}
