//! What the readers of binary protocols share: taking numbers and texts off the front of bytes, and
//! showing them.
//!
//! Read next: `postgres.rs`, the plainest of these protocols.

use super::{decoded, escaped};

/// Bytes, of which what was read is taken off.
///
/// # Panics
/// Each method, where there is less than it wants: then the protocol is read wrongly.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(count);
        self.0 = rest;
        bytes
    }

    pub(super) fn big_endian(&mut self, count: usize) -> usize {
        let bytes = self.bytes(count).iter();
        bytes.fold(0, |number, byte| number << 8 | usize::from(*byte))
    }

    pub(super) fn little_endian(&mut self, count: usize) -> usize {
        let bytes = self.bytes(count).iter().rev();
        bytes.fold(0, |number, byte| number << 8 | usize::from(*byte))
    }

    /// A text that ends with a zero byte.
    pub(super) fn text(&mut self) -> String {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap();
        let text = String::from_utf8(self.bytes(end).to_vec()).unwrap();
        self.bytes(1);
        text
    }

    /// Bytes with their count before them, in one byte where it is less than 251, as MySQL has it.
    pub(super) fn with_length(&mut self) -> &'a [u8] {
        let length = match self.little_endian(1) {
            0xfc => self.little_endian(2),
            length => length,
        };
        self.bytes(length)
    }

    /// All that is left, as text.
    pub(super) fn rest(&mut self) -> String {
        escaped(self.bytes(self.0.len()))
    }
}

/// A value of a row: a text in quotes, and a session with what it says.
pub(super) fn value(bytes: &[u8]) -> String {
    // MessagePack begins a map of up to 15 entries with such a byte, and no text begins with it.
    let text = match bytes.first() {
        Some(0x80..=0x8f) => format!("{} bytes {}", bytes.len(), decoded(bytes)),
        _ => format!("'{}'", escaped(bytes)),
    };
    whole(&text)
}

/// Looks like a space.
pub(super) const NO_BREAK: &str = "\u{a0}";

/// A text that [`wrapped`] does not break.
pub(super) fn whole(text: &str) -> String {
    text.replace(' ', NO_BREAK)
}

/// A line that begins with `start`, broken where it gets too long for a page, with a line end.
pub(super) fn wrapped(start: &str, text: &str) -> String {
    const WIDTH: usize = 82;
    let indent = " ".repeat(start.len() + 2);
    let mut lines = vec![start.to_owned()];
    for word in text.split([' ', '\n']).filter(|word| !word.is_empty()) {
        let last = lines.len() - 1;
        let width = lines[last].chars().count() + 1 + word.chars().count();
        if width > WIDTH && lines[last] != start {
            lines.push(format!("{indent}{word}"));
        } else {
            lines[last] += " ";
            lines[last] += word;
        }
    }
    lines.join("\n").replace(NO_BREAK, " ") + "\n"
}
