//! What carries a request context beyond the function it is current in: `after_this_request`,
//! `copy_current_request_context`, `stream_with_context`.
//!
//! Mirrors the functions of these names in `flask/ctx.py` and `flask/helpers.py`.
//!
//! Read next: `helpers.rs`, the rest of what a view calls.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;

use super::request_context::Parts;
use super::{APP_CTX_STACK, AppContext, REQUEST_CTX_STACK, RequestContext};
use crate::error::{Error, catch};
use crate::hook::after_hook;
use crate::logging;
use crate::typing::HookReturn;
use crate::wrappers::{IntoChunk, Response};

#[track_caller]
fn current_request_context(needed_by: &str) -> Rc<RequestContext> {
    match REQUEST_CTX_STACK.top() {
        Some(ctx) => ctx,
        None => panic!(
            "'{needed_by}' can only be used when a request context is active, such as in a view \
             function."
        ),
    }
}

/// Has `f` run on the response of this request, before the after functions do. Should the request end
/// in an unhandled error after that, `f` runs again on the 500.
///
/// # Panics
/// Outside a request context.
#[track_caller]
pub fn after_this_request<F, R>(f: F)
where
    F: Fn(&mut Response) -> R + Send + Sync + 'static,
    R: HookReturn,
{
    let ctx = current_request_context("after_this_request");
    ctx.add_after_request_function(after_hook(f));
}

/// Makes of `f` a function that may run on another thread and still see this request and session.
///
/// The copy's teardown functions run there when `f` is done.
///
/// ```
/// use carafe::{App, Scaffold, copy_current_request_context, request};
/// let mut app = App::new("shop");
/// app.route("/", || {
///     let work = copy_current_request_context(|| request().path().to_owned());
///     std::thread::spawn(work).join().expect("the thread ended well")
/// });
/// assert_eq!(app.test_client().get("/").send()?.text(), "/");
/// # Ok::<(), carafe::Error>(())
/// ```
///
/// # Panics
/// Outside a request context.
#[track_caller]
// ANCHOR: copy_current_request_context
pub fn copy_current_request_context<R>(f: impl FnOnce() -> R) -> impl FnOnce() -> Result<R, Error> {
    let ctx = current_request_context("copy_current_request_context").copy();
    move || ctx.into_context().with(f)
}
// ANCHOR_END: copy_current_request_context

/// Makes of `chunks` a stream that still sees this request and session while the server sends it,
/// after the view has returned. Give it to [`Response::stream`].
///
/// The contexts are current only while a chunk is made, so other requests may be served between two
/// chunks; they are popped, and the teardown functions run, when the stream ends or is dropped. As in
/// Flask 3.1, these have then run once already, at the end of the request.
///
/// # Panics
/// Outside a request context.
#[track_caller]
// ANCHOR: stream_with_context
pub fn stream_with_context<I>(chunks: I) -> StreamWithContext<I::IntoIter>
where
    I: IntoIterator,
    I::Item: IntoChunk,
{
    let req_ctx = current_request_context("stream_with_context");
    StreamWithContext {
        chunks: Some(chunks.into_iter()),
        app_ctx: APP_CTX_STACK.top().map(|app_ctx| app_ctx.copy()),
        req_ctx: req_ctx.parts().clone(),
        pushed: false,
    }
}
// ANCHOR_END: stream_with_context

/// The iterator that [`stream_with_context`] makes.
pub struct StreamWithContext<I> {
    chunks: Option<I>,
    /// What the contexts are made of, on whichever thread the next chunk is asked for.
    app_ctx: Option<AppContext>,
    req_ctx: Parts,
    /// Whether the contexts have been pushed, and so want a pop.
    pushed: bool,
}

/// The contexts of a stream, while they are on this thread's stacks.
struct Contexts {
    app_ctx: Option<Rc<AppContext>>,
    req_ctx: Rc<RequestContext>,
}

impl Contexts {
    fn push(&self) -> Result<(), Error> {
        // The app context first, so that the request context does not bring one of its own.
        let app_ctx_pushed = self.app_ctx.as_ref().map_or(Ok(()), AppContext::push);
        let req_ctx_pushed = catch(|| self.req_ctx.push());
        app_ctx_pushed.and(req_ctx_pushed)
    }

    /// Puts them back where they were between two chunks: no push, so nothing runs.
    fn resume(&self) {
        if let Some(app_ctx) = &self.app_ctx {
            app_ctx.resume();
        }
        self.req_ctx.resume(None);
    }

    fn suspend(&self) {
        self.req_ctx.suspend();
        if let Some(app_ctx) = &self.app_ctx {
            app_ctx.suspend();
        }
    }

    fn pop(&self, exc: Option<&Error>) -> Result<(), Error> {
        let req_ctx_popped = self.req_ctx.auto_pop(exc);
        let app_ctx = self.app_ctx.as_ref();
        let app_ctx_popped = app_ctx.map_or(Ok(()), |app_ctx| app_ctx.pop(exc));
        app_ctx_popped.and(req_ctx_popped)
    }
}

impl<I> StreamWithContext<I> {
    /// Those of the request, where it has not ended yet: then a view or an after function reads the
    /// stream itself. Else contexts of its own.
    fn contexts(&self) -> Contexts {
        let current = REQUEST_CTX_STACK.top().filter(|ctx| {
            Arc::ptr_eq(ctx.request(), self.req_ctx.request())
                && APP_CTX_STACK.with_top(|top| {
                    let own = self.app_ctx.as_ref().map(AppContext::g);
                    top.map(|ctx| ctx.g())
                        .zip(own)
                        .is_some_and(|(g, own)| Arc::ptr_eq(g, own))
                })
        });
        match current {
            Some(req_ctx) => Contexts {
                app_ctx: APP_CTX_STACK.top(),
                req_ctx,
            },
            None => Contexts {
                app_ctx: self.app_ctx.as_ref().map(|app_ctx| Rc::new(app_ctx.copy())),
                req_ctx: self.req_ctx.clone().into_context(),
            },
        }
    }

    // ANCHOR: close
    /// Ends the stream: its own values are dropped while the contexts are current, then those go. Returns
    /// what the reader is told last: an error of a teardown function, or else the one that ended it.
    fn close(&mut self, contexts: &Contexts, error: Option<Error>) -> Option<Result<Bytes, Error>> {
        self.pushed = false;
        let chunks = self.chunks.take();
        // A panic of theirs must not leave the contexts to the next request on this thread.
        let dropped = catch(|| {
            drop(chunks);
            Ok(())
        });
        let error = error.or(dropped.err());
        let popped = contexts.pop(error.as_ref());
        popped.err().or(error).map(Err)
    }
    // ANCHOR_END: close
}

impl<I> StreamWithContext<I>
where
    I: Iterator,
    I::Item: IntoChunk,
{
    fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        catch(|| {
            let chunk = self.chunks.as_mut().and_then(Iterator::next);
            chunk.map(IntoChunk::into_chunk).transpose()
        })
    }
}

impl<I> Iterator for StreamWithContext<I>
where
    I: Iterator,
    I::Item: IntoChunk,
{
    type Item = Result<Bytes, Error>;

    // ANCHOR: next
    fn next(&mut self) -> Option<Self::Item> {
        self.chunks.as_ref()?;
        let contexts = self.contexts();
        if self.pushed {
            contexts.resume();
        } else {
            self.pushed = true;
            if let Err(error) = contexts.push() {
                return self.close(&contexts, Some(error));
            }
        }
        match self.next_chunk() {
            Ok(Some(chunk)) => {
                contexts.suspend();
                self.req_ctx = contexts.req_ctx.parts().clone();
                Some(Ok(chunk))
            }
            Ok(None) => self.close(&contexts, None),
            Err(error) => self.close(&contexts, Some(error)),
        }
    }
    // ANCHOR_END: next
}

impl<I> Drop for StreamWithContext<I> {
    // ANCHOR: drop
    /// The client left before the end: the teardown functions run all the same.
    fn drop(&mut self) {
        if self.pushed {
            let contexts = self.contexts();
            contexts.resume();
            if let Some(Err(error)) = self.close(&contexts, None) {
                logging::error("closing a stream failed", &error);
            }
        }
    }
    // ANCHOR_END: drop
}

impl<I> fmt::Debug for StreamWithContext<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWithContext")
            .field("request", self.req_ctx.request())
            .finish_non_exhaustive()
    }
}
