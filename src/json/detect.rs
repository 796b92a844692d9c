//! From bytes to text: which UTF it is.
//!
//! Mirrors `detect_encoding` of Python's `json/__init__.py`. A body may be UTF-16 or UTF-32 as well; the
//! first bytes show it, as JSON begins with ASCII.
//!
//! Read next: `decoder.rs`, which reads the text.

use std::borrow::Cow;

use super::JsonError;

/// `json.detect_encoding`, and then `bytes.decode`.
pub(super) fn decode_bytes(bytes: &[u8]) -> Result<Cow<'_, str>, JsonError> {
    match *bytes {
        [0, 0, 0xfe, 0xff, ref rest @ ..] => utf32(rest, u32::from_be_bytes),
        [0xff, 0xfe, 0, 0, ref rest @ ..] => utf32(rest, u32::from_le_bytes),
        [0xfe, 0xff, ref rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, ref rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, ref rest @ ..] => utf8(rest),
        [0, 0, _, _, ..] => utf32(bytes, u32::from_be_bytes),
        [0, _, _, _, ..] | [0, _] => utf16(bytes, u16::from_be_bytes),
        [_, 0, 0, 0, ..] => utf32(bytes, u32::from_le_bytes),
        [_, 0, _, _, ..] | [_, 0] => utf16(bytes, u16::from_le_bytes),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, JsonError> {
    std::str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|_| JsonError::Unicode("utf-8"))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'_, str>, JsonError> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text = char::decode_utf16(units.iter().map(|bytes| unit(*bytes))).collect::<Result<_, _>>();
    match text {
        Ok(text) if rest.is_empty() => Ok(Cow::Owned(text)),
        _ => Err(JsonError::Unicode("utf-16")),
    }
}

fn utf32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Result<Cow<'_, str>, JsonError> {
    let (units, rest) = bytes.as_chunks::<4>();
    let text = units
        .iter()
        .map(|bytes| char::from_u32(unit(*bytes)))
        .collect::<Option<_>>();
    match text {
        Some(text) if rest.is_empty() => Ok(Cow::Owned(text)),
        _ => Err(JsonError::Unicode("utf-32")),
    }
}
