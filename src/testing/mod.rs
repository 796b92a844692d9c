//! Testing an app without a server.
//!
//! Mirrors `flask/testing.py` and `werkzeug/test.py`: [`TestClient`] is a browser that calls the app
//! directly and keeps cookies.
//!
//! Read next: `client.rs`, then `cookie_jar.rs`.

mod client;
mod cookie_jar;
mod redirects;
mod request_builder;

pub use client::{TestClient, environ_builder};
pub use cookie_jar::{Cookie, CookieJar};
pub use request_builder::{RequestBuilder, TestResponse};
