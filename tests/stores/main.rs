//! Every store, put through one suite, and what each one has of its own.
//!
//! The code: `suite.rs` has what they all should do. `src/session/store/` has the stores.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[cfg(feature = "encryption")]
mod encrypted;
mod files;
mod memory;
#[path = "../python/mod.rs"]
#[allow(dead_code)]
mod python;
mod sharing;
#[cfg(feature = "sqlite")]
mod sqlite;
mod suite;
