//! Contexts: which app and which request the code on this thread works for.
//!
//! Mirrors `flask/ctx.py`, `flask/globals.py` and Werkzeug's `local.py`. A rule in four lines:
//! - whoever pushes a context pops it, in the reverse order, whatever happens in between;
//! - a request context brings an app context with it where there is none of its app;
//! - the last pop of a context runs its teardown functions; every other pop just takes it away;
//! - nothing in here knows HTTP, routing or cookies.
//!
//! Read `local.rs`, `globals.rs`, `app_context.rs`, `request_context.rs`, `copy.rs`, in this order.

mod app_context;
mod copy;
mod globals;
mod local;
mod request_context;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

pub use app_context::{AppContext, AppCtxGlobals};
pub use copy::{after_this_request, copy_current_request_context, stream_with_context};
pub use globals::{
    APP_CTX_STACK, REQUEST_CTX_STACK, current_app, g, has_app_context, has_request_context,
    request, session, try_current_app, try_g, try_request, try_session,
};
pub use local::{LocalProxy, LocalStack};
pub use request_context::RequestContext;
pub(crate) use request_context::{PreserveContext, PreservedPair, take_preserved_contexts};

use crate::error::{Error, panic_message};
#[cfg(feature = "bridge")]
use crate::{error::catch, logging};

/// Runs `body`, and takes away the contexts that it has pushed and not popped: the next visitor whom this thread of a
/// server serves must not find them. What was there before stays, as a server may be called within a context.
#[cfg(feature = "bridge")]
pub(crate) fn leave_none<R>(body: impl FnOnce() -> R) -> R {
    let (app_ctxs, req_ctxs) = (APP_CTX_STACK.len(), REQUEST_CTX_STACK.len());
    let result = body();
    let left = (
        REQUEST_CTX_STACK.take_above(req_ctxs),
        APP_CTX_STACK.take_above(app_ctxs),
    );
    if !left.0.is_empty() || !left.1.is_empty() {
        let what = Error::assertion(format!("{left:?} pushed and never popped"));
        logging::error("a request left its contexts behind", &what);
        // What they hold is the app's, and may panic when it is dropped.
        if let Err(error) = catch(|| {
            drop(left);
            Ok(())
        }) {
            logging::error("dropping them failed", &error);
        }
    }
    result
}

// ANCHOR: run_and_pop
/// The body of a `with` statement: runs it unless the push failed, and pops in every case.
fn run_and_pop<R>(
    pushed: Result<(), Error>,
    body: impl FnOnce() -> R,
    pop: impl FnOnce(Option<&Error>) -> Result<(), Error>,
) -> Result<R, Error> {
    if let Err(error) = pushed {
        pop(Some(&error))?;
        return Err(error);
    }
    // Unwind safety: what the body left half-done is its own. A context changes in one step each time,
    // and is only taken off the stack here.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(result) => {
            pop(None)?;
            Ok(result)
        }
        Err(payload) => {
            // The panic goes on whatever a teardown function thinks of it.
            let error = Error::panic(panic_message(payload.as_ref()));
            drop(pop(Some(&error)));
            resume_unwind(payload)
        }
    }
}
// ANCHOR_END: run_and_pop
