//! The file that all three stores write to: lines are added at its end.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use carafe::session::store::StoreError;

// ANCHOR: log
/// A file of lines.
pub(crate) struct Log {
    pub(crate) path: PathBuf,
}

impl Log {
    /// All of it. A file that is not there yet has no lines.
    pub(crate) fn read(&self) -> Result<String, StoreError> {
        match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            read => read.map_err(failed),
        }
    }

    /// Adds a line, in one write: two that are added at once do not mix.
    pub(crate) fn append(&self, line: &str) -> Result<(), StoreError> {
        let mut options = OpenOptions::new();
        let opened = options.create(true).append(true).open(&self.path);
        opened
            .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()))
            .map_err(failed)
    }
}

/// The file cannot be read or written: it may be possible later.
pub(crate) fn failed(error: io::Error) -> StoreError {
    StoreError::unavailable("log", error)
}
// ANCHOR_END: log

/// Bytes as text without spaces and line ends.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes again; `None` where that is not what the text is.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| {
        let pair = std::str::from_utf8(pair)
            .ok()
            .filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    bytes.collect()
}
