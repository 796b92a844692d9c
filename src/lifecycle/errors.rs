//! The three places where an error is caught, and the search for its handler.
//!
//! Mirrors `handle_user_exception`, `handle_http_exception` and `handle_exception` in `flask/app.py`, and
//! `_find_error_handler` in `flask/sansio/app.py`.
//!
//! Read next: `response.rs`.

use super::outwards;
use crate::app::App;
use crate::context::RequestContext;
use crate::error::Error;
use crate::hook::{ErrorHandler, Hook};
use crate::logging;
use crate::session::store::StoreError;
use crate::signals;
use crate::trace::stage;
use crate::typing::{CatchKey, ReturnValue};
use crate::wrappers::{HttpException, Response};

impl App {
    /// The first of the three places where an error is caught: what the view or a before function
    /// raised goes to its handler.
    #[cold]
    // ANCHOR: handle_user_exception
    pub(super) fn handle_user_exception(
        &self,
        ctx: &RequestContext,
        e: Error,
    ) -> Result<ReturnValue, Error> {
        stage!(
            "Flask.handle_user_exception",
            self.handle_user_exception(ctx, e)
        );
        let e = show_missing_key(ctx, e);
        if e.as_http().is_some() && !self.trap_http_exception(ctx, &e) {
            return self.handle_http_exception(ctx, e);
        }
        match find_error_handler(ctx, &e) {
            Some(handler) => handler.run("errorhandler", |f| f(&e)),
            None => Err(e),
        }
    }
    // ANCHOR_END: handle_user_exception

    fn trap_http_exception(&self, ctx: &RequestContext, e: &Error) -> bool {
        let settings = ctx.settings();
        let is_bad_request = e.as_http().is_some_and(|http| http.code == 400);
        let is_key_error = e.type_name() == "BadRequestKeyError";
        settings.trap_http_exceptions
            || match settings.trap_bad_request_errors {
                Some(trap) => trap && is_bad_request,
                None => settings.debug && is_key_error,
            }
    }

    /// The second: an HTTP error is an answer already, unless it has a handler.
    #[cold]
    // ANCHOR: handle_http_exception
    fn handle_http_exception(&self, ctx: &RequestContext, e: Error) -> Result<ReturnValue, Error> {
        stage!(
            "Flask.handle_http_exception",
            self.handle_http_exception(ctx, e)
        );
        let Some(http) = e.as_http() else {
            return Err(e);
        };
        // An `abort(response)` has no code to look for; a redirect is routing's own affair.
        let has_handler = http.code != 0 && http.new_url.is_none();
        let handler = if has_handler {
            find_error_handler(ctx, &e)
        } else {
            None
        };
        match handler {
            Some(handler) => handler.run("errorhandler", |f| f(&e)),
            None => Ok(ReturnValue::HttpException(Box::new(http.clone()))),
        }
    }
    // ANCHOR_END: handle_http_exception

    /// The third, for all that got past the others: it is announced, and then it leaves the app or is
    /// logged and answered with a 500.
    #[cold]
    // ANCHOR: handle_exception
    pub(super) fn handle_exception(
        &self,
        ctx: &RequestContext,
        e: &Error,
    ) -> Result<Response, Error> {
        stage!("Flask.handle_exception", self.handle_exception(ctx, e));
        signals::GOT_REQUEST_EXCEPTION.send(self, e)?;
        // What opening or saving the session failed with is raised here, where Flask knows only the 500.
        // An app that has a handler for it gets to answer.
        if e.is::<StoreError>()
            && let Some(handler) = find_exact_handler(ctx, e)
        {
            self.log_exception(ctx, e);
            let rv = handler.run("errorhandler", |f| f(e))?;
            return self.finalize_request(ctx, rv, true);
        }
        let settings = ctx.settings();
        if settings
            .propagate_exceptions
            .unwrap_or(settings.testing || settings.debug)
        {
            return Err(e.clone());
        }
        self.log_exception(ctx, e);
        let http = server_error(e);
        let server_error: Error = http.clone().into();
        let rv = match find_error_handler(ctx, &server_error) {
            Some(handler) => handler.run("errorhandler", |f| f(&server_error))?,
            None => ReturnValue::HttpException(Box::new(http)),
        };
        self.finalize_request(ctx, rv, true)
    }
    // ANCHOR_END: handle_exception

    /// Logs an unhandled error.
    fn log_exception(&self, ctx: &RequestContext, e: &Error) {
        let request = ctx.request();
        let (path, method) = (request.path(), request.method());
        logging::error(&format!("Exception on {path} [{method}]"), e);
    }
}

/// What an error is to the client: a 500, or what a session store says of itself, like 503.
fn server_error(e: &Error) -> HttpException {
    let of_a_store = e.downcast_ref::<StoreError>();
    let mut http = HttpException::new(of_a_store.map_or(500, |error| error.kind().status()));
    http.original_exception = Some(e.clone());
    http
}

/// The handler for this very type of error: the innermost blueprint's before the app's.
fn find_exact_handler<'a>(ctx: &'a RequestContext, e: &Error) -> Option<&'a Hook<ErrorHandler>> {
    let key = CatchKey::Type(e.type_id());
    let mut functions = outwards(ctx);
    functions.find_map(|functions| functions.error_handler_spec.get(&key))
}

/// In debug mode the page for a missing form field says which one it was.
fn show_missing_key(ctx: &RequestContext, e: Error) -> Error {
    let settings = ctx.settings();
    let shown = settings.debug || settings.trap_bad_request_errors == Some(true);
    match e.as_http() {
        Some(http) if shown && http.class_name() == "BadRequestKeyError" => {
            let mut http = http.clone();
            http.show_exception = true;
            http.into()
        }
        _ => e,
    }
}

// ANCHOR: find_error_handler
/// The handler for an error. By code before by type; within each, the innermost blueprint's before the
/// app's; within one map, the most exact type: Flask's `_find_error_handler`.
fn find_error_handler<'a>(ctx: &'a RequestContext, e: &Error) -> Option<&'a Hook<ErrorHandler>> {
    let http = e.as_http();
    let by_code = http.map(|http| [CatchKey::Code(http.code)]);
    let by_type = [
        http.map_or(CatchKey::Type(e.type_id()), |_| CatchKey::Http),
        CatchKey::Any,
    ];
    let passes = by_code
        .as_ref()
        .map(|keys| &keys[..])
        .into_iter()
        .chain([&by_type[..]]);
    for keys in passes {
        for functions in outwards(ctx) {
            for key in keys {
                if let Some(handler) = functions.error_handler_spec.get(key) {
                    return Some(handler);
                }
            }
        }
    }
    None
}
// ANCHOR_END: find_error_handler
