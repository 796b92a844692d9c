//! Every store, put through one suite, and what each one has of its own.
//!
//! The code: `suite.rs` has what they all should do. `src/session/store/` has the stores.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[cfg(feature = "encryption")]
mod encrypted;
#[cfg(any(feature = "redis", feature = "memcached"))]
mod failing;
mod files;
#[cfg(feature = "memcached")]
mod memcached;
mod memory;
#[path = "../python/mod.rs"]
#[allow(dead_code)]
mod python;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod redis_cluster;
mod semantics;
#[cfg(any(feature = "redis", feature = "memcached"))]
#[allow(dead_code, reason = "each store uses its own share of it")]
mod servers;
mod sharing;
mod suite;
