//! Flask's request lifecycle, rebuilt in Rust, in the open.
//!
//! A small, synchronous, Flask-shaped web framework. A request goes through Flask's own functions,
//! under their own names; [`trace`] shows it do so; and a session in its signed cookie is the same one
//! that a Flask app with the same key reads and writes.
//!
//! ```
//! use carafe::{App, Error, Scaffold, escape, request, session};
//!
//! fn login() -> Result<&'static str, Error> {
//!     session().insert("username", request().form()?.require("username")?)?;
//!     Ok("welcome")
//! }
//!
//! fn index() -> String {
//!     let username: Option<String> = session().get("username");
//!     format!("Hello, {}!", escape(&username.unwrap_or_default()))
//! }
//!
//! let mut app = App::new("tutorial");
//! app.config().set_secret_key("adavafa");
//! app.post("/login", login);
//! app.get("/", index);
//!
//! let mut client = app.test_client();
//! client.post("/login").form([("username", "jack")]).send()?;
//! assert_eq!(client.get("/").send()?.text(), "Hello, jack!");
//! # Ok::<(), Error>(())
//! ```
//!
//! # Where things are
//!
//! | Flask | here |
//! | --- | --- |
//! | `Flask`, `Blueprint` | [`App`], [`Blueprint`]; both register through [`Scaffold`] |
//! | `request`, `session`, `g`, `current_app` | [`request()`], [`session()`], [`g()`], [`current_app()`] |
//! | `url_for`, `redirect`, `abort`, `flash`, `jsonify` | functions of these names |
//! | `escape` | [`escape`]: text that a view returns is HTML |
//! | what a view returns | an [`IntoReturnValue`](typing::IntoReturnValue) |
//! | an exception | an [`Error`], made by `?` from any error type; Werkzeug's are an [`HttpException`] |
//! | a decorator around a view | a [`View`](view::View) around another one |
//! | `app.config` | [`config`] |
//! | `app.extensions`, `LocalProxy` | [`App::extensions`], [`LocalProxy`](context::LocalProxy): what an extension is made of |
//! | `SessionInterface` | [`SessionInterface`]; [`session::store`] |
//! | signals, blinker's `Signal` | [`signals`] |
//! | `app.test_client`, `EnvironBuilder` | [`testing`] |
//! | `app.run` | feature `server`: `App::run`, and `carafe::server::Server` for its settings |
//! | `flask.json` | [`json`]; [`Json`] is what a view returns, [`Request::json_as`](wrappers::Request::json_as) what it reads |
//! | itsdangerous, Werkzeug | [`signing`]; [`routing`] (of `app.url_map`), [`wrappers`], [`middleware`], [`wsgi`] |
//!
//! Setup panics with Flask's words where it is wrong, as Python raises at import: a duplicate endpoint, a
//! bad rule, a route after the first request. A request never panics its caller.

mod app;
mod blueprint;
#[cfg(feature = "bridge")]
mod bridge;
pub mod clock;
pub mod config;
pub mod context;
pub mod error;
pub mod helpers;
mod hook;
pub mod json;
mod lifecycle;
mod logging;
pub mod middleware;
mod pace;
mod python;
mod request;
mod response;
pub mod routing;
mod scaffold;
#[cfg(feature = "server")]
pub mod server;
pub mod session;
mod setup;
pub mod signals;
pub mod signing;
pub mod testing;
#[cfg(feature = "tower")]
pub mod tower;
pub mod trace;
pub mod typing;
mod url_adapter;
pub mod value;
pub mod view;
pub mod wrappers;
pub mod wsgi;

pub use app::{App, AppId};
pub use blueprint::{Blueprint, BlueprintSetupState, RegisterOptions};
pub use context::{
    AppContext, RequestContext, after_this_request, copy_current_request_context, current_app, g,
    has_app_context, has_request_context, request, session, stream_with_context,
};
pub use error::Error;
pub use helpers::{
    flash, flash_with_category, get_flashed_messages, get_flashed_messages_of, jsonify,
    make_response, redirect, redirect_with_code, url_for,
};
pub use request::Request;
pub use scaffold::{Functions, Route, Scaffold};
pub use session::{Session, SessionInterface};
pub use signals::Flash;
pub use typing::Json;
pub use value::{Dict, Value};
pub use view::ViewArgs;
pub use wrappers::exceptions::{abort_with_description, escape};
pub use wrappers::{HttpException, Response, SameSite, SetCookie, abort};

/// The README's code, so that it is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
