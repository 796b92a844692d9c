//! Requests and responses: HTTP as an app sees it, with no context, no session and no routing in it.
//!
//! Mirrors Werkzeug's `wrappers`, and the parts of Werkzeug that these stand on. A [`Request`] is a view
//! of an [`crate::wsgi::Environ`] that parses nothing before it is asked; a [`Response`] is what becomes
//! a status, headers and a [`crate::wsgi::Body`].
//!
//! | file | Werkzeug's |
//! | --- | --- |
//! | `request.rs`, `response.rs` | `wrappers/`, `sansio/`, and `flask/wrappers.py` |
//! | `exceptions.rs` | `exceptions.py` |
//! | `cookies.rs`, `headers.rs`, `dates.rs` | `http.py` |
//! | `urls.rs` | `urls.py`, `sansio/utils.py` |
//! | `datastructures.rs` | `datastructures/` |
//! | `environ_builder.rs` | `test.py` |
//!
//! Read next: `request.rs`.

pub mod cookies;
pub mod datastructures;
pub mod dates;
pub mod environ_builder;
pub mod exceptions;
pub mod headers;
mod idna;
mod input;
pub mod request;
pub mod response;
pub mod urls;

pub use cookies::{SameSite, SetCookie};
pub use datastructures::{HeaderSet, MultiDict};
pub use environ_builder::EnvironBuilder;
pub use exceptions::{AbortWith, HttpException, abort};
pub use request::Request;
pub use response::{Response, ResponseBody, redirect};
