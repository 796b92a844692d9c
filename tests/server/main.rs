//! The server, as a client sees it that writes bytes into a socket.
//!
//! Each test starts a server of its own on a free port, speaks to it over plain `TcpStream`s, and at the end sees whether it still
//! answers somebody new. Nothing waits for a time to pass: where a limit of time is tested it is small, and the test
//! waits for what the server does then.
//!
//! Start with `support.rs`, the client; then `heads.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bodies;
mod child;
mod heads;
mod keep_alive;
mod leaving;
mod limits;
mod listeners;
#[path = "../missing/mod.rs"]
#[allow(dead_code, reason = "no program is needed")]
mod missing;
mod responses;
mod shutdown;
mod smuggling;
mod support;
mod threads;
