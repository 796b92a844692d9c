//! `stage!`: the span that a function of Flask's runs in.
//!
//! Whether anybody listens is asked once, where a request begins; a stage costs one comparison more. Where somebody
//! does, the function opens its span and calls itself again inside of it; so that its way without a span carries
//! nothing of the other. That is also why the call takes its arguments with it: were they lent, they would have to be
//! in memory all the time.
//!
//! Two callers would keep the compiler from inlining it, which would cost more than all comparisons. So a stage is
//! `#[inline(always)]`, and what a stage alone calls is `#[inline]`: there are then two of each, one in `wsgi_app` and
//! one that is watched. What is long, like `Request::new`, is a function of its own, so that there is one of it; and so are
//! the stages that handle an error, which are `#[cold]`.
//!
//! Read next: `recorder.rs`, which listens.

use std::cell::Cell;
use std::rc::Rc;

use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing::{Level, Span, debug};

use crate::error::Error;
use crate::session::Session;

/// At the top of a function of Flask's: its name there, and the call that runs it. The span's target is
/// `carafe::lifecycle`, and its place the line that this stands in.
macro_rules! stage {
    ($name:literal, $call:expr) => {
        if $crate::trace::opens_span() {
            let span = || tracing::debug_span!(target: "carafe::lifecycle", $name);
            return $crate::trace::in_stage(span, move || $call);
        }
    };
}
pub(crate) use stage;

/// Whether there is a subscriber that may want spans.
#[inline(always)]
pub(crate) fn somebody_listens() -> bool {
    Level::DEBUG <= STATIC_MAX_LEVEL && !UNHEARD.get() && has_subscriber()
}

#[cold]
#[inline(never)]
fn has_subscriber() -> bool {
    Level::DEBUG <= LevelFilter::current()
}

/// Whether the stage that asks is to open its span: somebody listens, and it is not inside of it already.
#[inline(always)]
pub(crate) fn opens_span() -> bool {
    Level::DEBUG <= STATIC_MAX_LEVEL && !UNHEARD.get() && is_outside()
}

#[cold]
#[inline(never)]
fn is_outside() -> bool {
    !INSIDE.take() && has_subscriber()
}

thread_local! {
    /// Whether this thread is at a request that began while nobody listened.
    static UNHEARD: Cell<bool> = const { Cell::new(false) };
    /// Whether the function that is called next has its span already.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Asks for all of a request, which ends where the returned value is dropped: while nobody listens, its stages need not
/// ask again.
#[inline(always)]
pub(crate) fn ask_once() -> Asked {
    let nobody = Level::DEBUG > STATIC_MAX_LEVEL || Level::DEBUG > LevelFilter::current();
    Asked {
        outer: UNHEARD.replace(nobody && !INSIDE.get()),
    }
}

/// Has the stages of this request ask again after all.
pub(super) fn ask_again() {
    UNHEARD.set(false);
}

/// What was known of the request that this one is a part of.
pub(crate) struct Asked {
    outer: bool,
}

impl Drop for Asked {
    /// Who has heard something of this request may want to hear what is left of the one around it.
    #[inline(always)]
    fn drop(&mut self) {
        UNHEARD.set(self.outer && UNHEARD.get());
    }
}

/// Calls a stage again, this time inside of its span. All of that is kept apart, so that nothing of it
/// is in the function's own way.
#[cold]
#[inline(never)]
pub(crate) fn in_stage<R: Outcome>(span: impl FnOnce() -> Span, call: impl FnOnce() -> R) -> R {
    in_span(span, || {
        INSIDE.set(true);
        call()
    })
}

/// Runs `body` in a span. An error that it returns becomes an event.
#[cold]
#[inline(never)]
pub(crate) fn in_span<R: Outcome>(span: impl FnOnce() -> Span, body: impl FnOnce() -> R) -> R {
    span().in_scope(|| {
        let result = body();
        if let Some(error) = result.error() {
            debug!(target: "carafe::lifecycle", ?error);
        }
        result
    })
}

/// What a stage or a hook ends with, as far as a trace is concerned.
pub(crate) trait Outcome {
    /// The error that it failed with.
    fn error(&self) -> Option<&Error> {
        None
    }
}

impl<T> Outcome for Result<T, Error> {
    fn error(&self) -> Option<&Error> {
        self.as_ref().err()
    }
}

// Stages that cannot fail.
impl Outcome for () {}
impl Outcome for bool {}
impl Outcome for Session {}
impl<T> Outcome for Rc<T> {}
impl<T> Outcome for Option<T> {}
