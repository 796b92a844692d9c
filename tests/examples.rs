//! The examples do what they say. They are compiled into this test as modules, so that it tests the
//! code as it is and needs no build of theirs.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

#[path = "../examples/lifecycle/main.rs"]
mod lifecycle;
#[path = "../examples/middleware.rs"]
mod middleware;
