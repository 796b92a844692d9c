//! The two context stacks and the four proxies: `current_app`, `g`, `request`, `session`.
//!
//! Mirrors `flask/globals.py`. A proxy is a function here: `request()` is what Flask writes as
//! `request`. Each has a `try_` form that returns an error where the plain one panics.
//!
//! Read next: `app_context.rs` and `request_context.rs`, which push themselves onto these stacks.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::{AppContext, AppCtxGlobals, LocalProxy, LocalStack, RequestContext};
use crate::app::App;
use crate::error::Error;
use crate::request::Request;
use crate::session::Session;

// ANCHOR: stacks
thread_local! {
    static APP_CONTEXTS: RefCell<Vec<Rc<AppContext>>> = const { RefCell::new(Vec::new()) };
    static REQUEST_CONTEXTS: RefCell<Vec<Rc<RequestContext>>> = const { RefCell::new(Vec::new()) };
}

/// The app contexts of this thread. Flask 1.1: `_app_ctx_stack`.
pub static APP_CTX_STACK: LocalStack<AppContext> = LocalStack::new(&APP_CONTEXTS);
/// The request contexts of this thread. Flask 1.1: `_request_ctx_stack`.
pub static REQUEST_CTX_STACK: LocalStack<RequestContext> = LocalStack::new(&REQUEST_CONTEXTS);
// ANCHOR_END: stacks

const NO_APP: &str = "Working outside of application context.

This typically means that you attempted to use functionality that needed
the current application. To solve this, set up an application context
with app.app_context(). See the documentation for more information.";

const NO_REQUEST: &str = "Working outside of request context.

This typically means that you attempted to use functionality that needed
an active HTTP request. Consult the documentation on testing for
information about how to avoid this problem.";

static CURRENT_APP: LocalProxy<App> = LocalProxy::new(
    "current_app",
    || APP_CTX_STACK.with_top(|top| top.map(|ctx| ctx.app().clone())),
    NO_APP,
);
// ANCHOR: g_proxy
static G: LocalProxy<Arc<AppCtxGlobals>> = LocalProxy::new(
    "g",
    || APP_CTX_STACK.with_top(|top| top.map(|ctx| Arc::clone(ctx.g()))),
    NO_APP,
);
// ANCHOR_END: g_proxy
// ANCHOR: request_proxy
static REQUEST: LocalProxy<Arc<Request>> = LocalProxy::new(
    "request",
    || REQUEST_CTX_STACK.with_top(|top| top.map(|ctx| Arc::clone(ctx.request()))),
    NO_REQUEST,
);
// ANCHOR_END: request_proxy
static SESSION: LocalProxy<Arc<Session>> = LocalProxy::new(
    "session",
    || REQUEST_CTX_STACK.with_top(|top| top.and_then(|ctx| ctx.accessed_session())),
    NO_REQUEST,
);

/// The app that handles the current request, or whose context is pushed. Flask: `current_app`.
///
/// # Panics
/// Outside an app context; see [`try_current_app`].
#[must_use]
#[track_caller]
pub fn current_app() -> App {
    CURRENT_APP.get_current_object()
}

/// The current app.
///
/// # Errors
/// A `RuntimeError` outside an app context.
pub fn try_current_app() -> Result<App, Error> {
    CURRENT_APP.try_get_current_object()
}

/// What this app context keeps for the app's own use. Flask: `g`.
///
/// # Panics
/// Outside an app context; see [`try_g`].
#[must_use]
#[track_caller]
pub fn g() -> Arc<AppCtxGlobals> {
    G.get_current_object()
}

/// What this app context keeps for the app's own use.
///
/// # Errors
/// A `RuntimeError` outside an app context.
pub fn try_g() -> Result<Arc<AppCtxGlobals>, Error> {
    G.try_get_current_object()
}

/// The current request. Flask: `request`.
///
/// # Panics
/// Outside a request context; see [`try_request`].
// ANCHOR: request
#[must_use]
#[track_caller]
pub fn request() -> Arc<Request> {
    REQUEST.get_current_object()
}
// ANCHOR_END: request

/// The current request.
///
/// # Errors
/// A `RuntimeError` outside a request context.
pub fn try_request() -> Result<Arc<Request>, Error> {
    REQUEST.try_get_current_object()
}

/// The current request's session. Each call counts as an access: the response will say
/// `Vary: Cookie`. Flask: `session`.
///
/// # Panics
/// Outside a request context; see [`try_session`].
#[must_use]
#[track_caller]
pub fn session() -> Arc<Session> {
    SESSION.get_current_object()
}

/// The current request's session.
///
/// # Errors
/// A `RuntimeError` outside a request context; an `AssertionError` where the session could not be opened.
// ANCHOR: try_session
pub fn try_session() -> Result<Arc<Session>, Error> {
    SESSION.try_get_current_object().map_err(|error| {
        if has_request_context() {
            return Error::assertion("The session has not yet been opened.");
        }
        error
    })
}
// ANCHOR_END: try_session

/// Whether an app context is pushed on this thread. Flask: `has_app_context`.
#[must_use]
pub fn has_app_context() -> bool {
    !APP_CTX_STACK.is_empty()
}

/// Whether a request context is pushed on this thread. Flask: `has_request_context`.
#[must_use]
pub fn has_request_context() -> bool {
    !REQUEST_CTX_STACK.is_empty()
}
