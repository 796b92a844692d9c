//! The exercises of the book: what each chapter asks for at its end.
//!
//! Each folder is one exercise: `mod.rs` says what is wanted and checks it, `start.rs` is where you
//! begin, `solution.rs` one way to get there. Try yours with
//!
//! ```text
//! cargo test --test exercises after::yours -- --ignored
//! ```
//!
//! It fails, and says what is wrong. Change `start.rs` until it passes.
#![allow(
    clippy::unwrap_used, // A check may panic: that is what it is for.
    clippy::needless_pass_by_value, // A view takes its arguments by value.
)]

#[path = "../expect/mod.rs"]
mod expect;
mod harness;

mod after;
mod app;
mod before;
mod blocking;
mod blueprints;
mod contexts;
mod differences;
mod dispatch;
mod eras;
mod errors;
mod make_response;
mod open_session;
mod own_store;
mod proxies;
mod push;
mod races;
mod save_session;
mod server;
mod server_side;
mod session_interface;
mod sharing;
mod sharing_stores;
mod signals;
mod signing;
mod start;
mod store_down;
mod store_files;
mod store_memcached;
mod store_mongodb;
mod store_redis;
mod store_down;
mod store_sql;
mod streaming;
mod surprises;
mod teardown;
mod testing;
mod threads;
mod wsgi;
