//! The trace itself: what a recording holds, and that recording changes nothing.
//!
//! What the lifecycle does is for the other files; here it is only the thing that is recorded.
#![allow(clippy::unwrap_used)]

#[path = "../common/alone.rs"]
mod alone;
mod common;
mod cookies;
mod listening;
mod recording;
mod secrets;
mod stores;
mod tree;
