//! What carries a request context beyond the function it is current in: `after_this_request`,
//! `copy_current_request_context`, `stream_with_context`.
//!
//! Mirrors the functions of these names in `flask/ctx.py` and `flask/helpers.py`.
//!
//! Read next: `helpers.rs`, the rest of what a view calls.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::{APP_CTX_STACK, AppContext, REQUEST_CTX_STACK, RequestContext};
use crate::error::Error;
use crate::hook::after_hook;
use crate::logging;
use crate::typing::HookReturn;
use crate::wrappers::{IntoChunk, Response};

#[track_caller]
fn current_request_context(needed_by: &str) -> Arc<RequestContext> {
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
    move || ctx.with(f)
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
        app_ctx: APP_CTX_STACK.top(),
        req_ctx,
        pushed: false,
    }
}
// ANCHOR_END: stream_with_context

/// The iterator that [`stream_with_context`] makes.
pub struct StreamWithContext<I> {
    chunks: Option<I>,
    app_ctx: Option<Arc<AppContext>>,
    req_ctx: Arc<RequestContext>,
    /// Whether the contexts have been pushed, and so want a pop.
    pushed: bool,
}

impl<I> StreamWithContext<I> {
    /// Puts the contexts back where they were between two chunks: no push, so nothing runs.
    fn resume(&self) {
        if let Some(app_ctx) = &self.app_ctx {
            APP_CTX_STACK.push(Arc::clone(app_ctx));
        }
        REQUEST_CTX_STACK.push(Arc::clone(&self.req_ctx));
    }

    fn suspend(&self) {
        REQUEST_CTX_STACK.pop();
        if self.app_ctx.is_some() {
            APP_CTX_STACK.pop();
        }
    }

    fn push(&mut self) -> Result<(), Error> {
        self.pushed = true;
        // The app context first, so that the request context does not bring one of its own.
        let app_ctx_pushed = self.app_ctx.as_ref().map_or(Ok(()), AppContext::push);
        let req_ctx_pushed = crate::error::catch(|| self.req_ctx.push());
        app_ctx_pushed.and(req_ctx_pushed)
    }

    // ANCHOR: close
    /// Ends the stream: its own values are dropped while the contexts are current, then those go.
    fn close(&mut self, exc: Option<&Error>) -> Result<(), Error> {
        let chunks = self.chunks.take();
        if !std::mem::take(&mut self.pushed) {
            return Ok(());
        }
        drop(chunks);
        let req_ctx_popped = self.req_ctx.auto_pop(exc);
        let app_ctx_popped = self
            .app_ctx
            .as_ref()
            .map_or(Ok(()), |app_ctx| app_ctx.pop(exc));
        app_ctx_popped.and(req_ctx_popped)
    }
    // ANCHOR_END: close
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
        if self.pushed {
            self.resume();
        } else if let Err(error) = self.push() {
            return Some(Err(self.close(Some(&error)).err().unwrap_or(error)));
        }
        let chunk = crate::error::catch(|| {
            self.chunks
                .as_mut()
                .and_then(Iterator::next)
                .map(IntoChunk::into_chunk)
                .transpose()
        });
        match chunk {
            Ok(Some(chunk)) => {
                self.suspend();
                Some(Ok(chunk))
            }
            Ok(None) => self.close(None).err().map(Err),
            Err(error) => Some(Err(self.close(Some(&error)).err().unwrap_or(error))),
        }
    }
    // ANCHOR_END: next
}

impl<I> Drop for StreamWithContext<I> {
    // ANCHOR: drop
    /// The client left before the end: the teardown functions run all the same.
    fn drop(&mut self) {
        if self.pushed {
            self.resume();
            if let Err(error) = self.close(None) {
                logging::error("closing a stream failed", &error);
            }
        }
    }
    // ANCHOR_END: drop
}

impl<I> fmt::Debug for StreamWithContext<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWithContext")
            .field("req_ctx", &self.req_ctx)
            .finish_non_exhaustive()
    }
}
