//! Every store, put through one suite, and what each one has of its own.
//!
//! The code: `suite.rs` has what they all should do. `src/session/store/` has the stores.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[cfg(feature = "encryption")]
mod encrypted;
#[path = "../expect/mod.rs"]
#[allow(dead_code)]
mod expect;
#[allow(
    dead_code,
    unused_imports,
    reason = "each store uses its own share of it"
)]
mod failing;
mod files;
#[path = "../book/stepper/fragment.rs"]
#[allow(dead_code)]
mod fragment;
#[path = "../../examples/lifecycle/main.rs"]
#[allow(dead_code, reason = "its command line and its other apps")]
mod lifecycle;
#[cfg(feature = "memcached")]
mod memcached;
mod memory;
#[path = "../missing/mod.rs"]
#[allow(dead_code, reason = "not every store has a server")]
mod missing;
#[path = "../../examples/live_book/moments/mod.rs"]
#[allow(dead_code)]
mod moments;
#[cfg(feature = "mongodb")]
mod mongodb;
#[cfg(feature = "mysql")]
mod mysql;
mod played;
#[cfg(feature = "postgres")]
mod postgres;
#[path = "../python/mod.rs"]
#[allow(dead_code)]
mod python;
#[cfg(feature = "redis")]
mod recorded_down;
#[cfg(feature = "redis")]
mod recorded_races;
#[cfg(feature = "redis")]
mod recorded_sharing;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod redis_cluster;
#[allow(dead_code, reason = "each store uses its own share of it")]
mod relay;
mod semantics;
#[allow(
    dead_code,
    unused_imports,
    reason = "each store uses its own share of it"
)]
mod servers;
mod sharing;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod shown;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "redis")]
mod stand_ins;
#[path = "../book/stepper/stores.rs"]
#[allow(dead_code)]
mod stepper;
mod suite;
#[cfg(any(
    feature = "redis",
    feature = "memcached",
    feature = "mongodb",
    feature = "sql"
))]
#[allow(dead_code, reason = "each store uses its own share of it")]
mod wire;
