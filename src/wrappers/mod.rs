//! Requests and responses: HTTP as an app sees it, with no context, no session and no routing in it.
//!
//! Mirrors Werkzeug's `wrappers`, and the parts of Werkzeug that these stand on. A [`Request`] is a view
//! of an [`crate::wsgi::Environ`] that parses nothing before it is asked; a [`Response`] is what becomes
//! a status, headers and a [`crate::wsgi::Body`].
//!
//! | file | Werkzeug's |
//! | --- | --- |
//! | `request.rs`, `request/url.rs`, `request_body.rs` | `sansio/request.py`, `wrappers/request.py` |
//! | `response.rs`, `response/headers.rs`, `response_body.rs`, `status.rs` | `sansio/response.py`, `wrappers/response.py` |
//! | `exceptions.rs` | `exceptions.py` |
//! | `cookies.rs`, `headers.rs`, `dates.rs` | `http.py` |
//! | `urls.rs`, `host.rs` | `urls.py`, `sansio/utils.py` |
//! | `urlsplit.rs`, `idna.rs` | Python's `urllib.parse` and `idna` codec |
//! | `input.rs` | `wsgi.py` |
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
pub mod host;
pub(crate) mod idna;
mod input;
pub mod request;
mod request_body;
pub mod response;
mod response_body;
pub mod status;
pub mod urls;
pub mod urlsplit;

pub use cookies::{SameSite, SetCookie};
pub use datastructures::{HeaderSet, MultiDict};
pub use environ_builder::EnvironBuilder;
pub use exceptions::{AbortWith, HttpException, abort};
pub use request::Request;
pub use response::{Response, redirect};
pub use response_body::{IntoChunk, ResponseBody};
pub use status::IntoStatus;
