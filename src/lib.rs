//! Flask's request lifecycle, rebuilt in Rust, in the open.

mod app;
mod blueprint;
pub mod clock;
pub mod config;
pub mod context;
pub mod error;
pub mod helpers;
mod hook;
pub mod json;
mod lifecycle;
mod request;
pub mod routing;
mod scaffold;
pub mod session;
pub mod signals;
pub mod signing;
pub mod testing;
pub mod trace;
pub mod typing;
mod url_adapter;
pub mod value;
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
    Flash, flash, flash_with_category, get_flashed_messages, get_flashed_messages_of, jsonify,
    make_response, redirect, redirect_with_code, url_for,
};
pub use request::Request;
pub use scaffold::{Functions, Route, Scaffold};
pub use session::{Session, SessionInterface};
pub use typing::{Json, ViewArgs};
pub use value::{Dict, Value};
pub use wrappers::{HttpException, Response, SameSite, SetCookie, abort};
