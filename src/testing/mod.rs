//! Testing an app without a server.
//!
//! Mirrors `flask/testing.py` and `werkzeug/test.py`: [`TestClient`] is a browser that calls the app
//! directly and keeps cookies.
//!
//! Read next: `client.rs`, then `cookie_jar.rs`.

mod client;
mod cookie_jar;

pub(crate) use client::environ_builder;
pub use client::{RequestBuilder, TestClient, TestResponse};
pub use cookie_jar::{Cookie, CookieJar};
