//! Python's JSON, as Flask writes and reads it.
//!
//! Mirrors `flask/json/__init__.py` and `flask/json/provider.py` (`DefaultJSONProvider`) over
//! Python's own `json` module. It is a dialect: `NaN` and `Infinity` are words of it, integers have
//! no limit, floats are written as Python's `repr` does, and everything outside of ASCII is
//! escaped. A body and a cookie that leave Carafe are the same bytes as Flask's, which is why this
//! is not `serde_json`.
//!
//! | here | there |
//! | --- | --- |
//! | [`dumps`], [`dumps_pretty`] | `DefaultJSONProvider.dumps`, and its form in debug mode |
//! | [`loads`], [`loads_bytes`] | `json.loads` of a `str`, of `bytes` |
//! | [`TaggedJsonSerializer`] | `flask/json/tag.py`: what a session cookie holds |
//! | [`to_value`], [`from_value`] | the bridge to any Rust type that `serde` knows |
//!
//! Read next: `tag.rs`, then `encoder.rs` and `decoder.rs`, which do the work.

mod de;
mod decoder;
mod detect;
mod encoder;
mod error;
mod foreign;
mod ser;
mod tag;

pub use de::{from_value, from_value_ref};
pub use decoder::{loads, loads_bytes};
pub(crate) use encoder::{Style, encode};
pub use encoder::{ValueRef, dumps, dumps_pretty};
pub use error::JsonError;
pub use ser::to_value;
pub use tag::TaggedJsonSerializer;

/// How deep lists and dicts may nest, in a text that is read or written. Python stops with a
/// `RecursionError`, at some 330 levels of a session and 990 of plain JSON. Here it is set so that a
/// thread's usual stack (2 MiB) has room for any recursion over a value, even in a debug build.
pub const MAX_DEPTH: usize = 400;
