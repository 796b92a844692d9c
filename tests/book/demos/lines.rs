//! A list of lines that several functions of a demo write into.

use std::sync::{Arc, Mutex, PoisonError};

// ANCHOR: lines
/// Lines in the order in which they were added. A clone is the same list.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    pub(super) fn add(&self, line: impl Into<String>) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line.into());
    }

    pub(super) fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.join("\n")
    }
}
// ANCHOR_END: lines
