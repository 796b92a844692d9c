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
