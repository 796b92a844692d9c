//! Every store, put through one suite, and what each one has of its own.
//!
//! The code: `suite.rs` has what they all should do. `src/session/store/` has the stores.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[cfg(feature = "encryption")]
mod encrypted;
mod files;
mod memory;
#[cfg(feature = "mongodb")]
mod mongodb;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(any(feature = "postgres", feature = "mysql", feature = "mongodb"))]
mod outage;
#[cfg(feature = "postgres")]
mod postgres;
#[path = "../python/mod.rs"]
#[allow(dead_code)]
mod python;
#[cfg(any(feature = "postgres", feature = "mysql", feature = "mongodb"))]
mod relay;
mod semantics;
#[cfg(any(feature = "postgres", feature = "mysql", feature = "mongodb"))]
mod servers_sql;
mod sharing;
#[cfg(feature = "sqlite")]
mod sqlite;
mod suite;
