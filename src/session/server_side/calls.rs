//! `Calls`: the interface's calls of its store, each in a span of its own.
//!
//! The span's target is `carafe::store`, its name the method of [`Store`]; inside of it the store says
//! which commands it sends. It has the store's name, the lifetime and the size. The id and the data, which are
//! the session's secret, are shown to a Recorder only. Where nobody listens, a call costs one comparison
//! more than without.
//!
//! Read next: `../store/mod.rs`, the methods.

use tracing::{Span, debug, debug_span};

use crate::session::serialization::Format;
use crate::session::store::{Entry, Lifetime, Store, StoreError, Verdict};
use crate::trace::{self, StoreAnswer, StoreCall, Stored};

/// A store, for sessions under one prefix and in one format.
#[derive(Clone, Copy)]
pub(super) struct Calls<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) key_prefix: &'a str,
    pub(super) format: Format,
}

/// A span of the method's name.
macro_rules! store_span {
    ($name:literal, $calls:expr $(, $field:ident = $value:expr)*) => {
        debug_span!(target: "carafe::store", $name, store = $calls.store.name() $(, $field = $value)*)
    };
}

impl Calls<'_> {
    fn key(self, id: &str) -> String {
        [self.key_prefix, id].concat()
    }

    pub(super) fn get(self, id: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let call = || self.store.get(&self.key(id), now);
        if !trace::somebody_listens() {
            return call();
        }
        let answer = |found: &Option<Vec<u8>>| match found {
            Some(bytes) => StoreAnswer::Found(Stored::new(bytes, self.format)),
            None => StoreAnswer::Nothing,
        };
        shown(store_span!("Store.get", self), self.about(id), answer, call)
    }

    pub(super) fn set(self, id: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        let call = || self.store.set(&self.key(id), value, lifetime);
        if !trace::somebody_listens() {
            return call();
        }
        let (seconds, size) = (lifetime.seconds, value.len());
        let span = store_span!("Store.set", self, seconds = seconds, size = size);
        let about = StoreCall {
            sent: Some(Stored::new(value, self.format)),
            seconds: Some(seconds),
            ..self.about(id)
        };
        shown(span, about, |()| StoreAnswer::Done, call)
    }

    pub(super) fn delete(self, id: &str) -> Result<(), StoreError> {
        let call = || self.store.delete(&self.key(id));
        if !trace::somebody_listens() {
            return call();
        }
        let span = store_span!("Store.delete", self);
        shown(span, self.about(id), |()| StoreAnswer::Done, call)
    }

    pub(super) fn touch(self, id: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        let call = || self.store.touch(&self.key(id), lifetime);
        if !trace::somebody_listens() {
            return call();
        }
        let seconds = lifetime.seconds;
        let span = store_span!("Store.touch", self, seconds = seconds);
        let about = StoreCall {
            seconds: Some(seconds),
            ..self.about(id)
        };
        shown(span, about, done, call)
    }

    pub(super) fn compare_and_set(
        self,
        id: &str,
        expected: &[u8],
        value: &[u8],
        lifetime: Lifetime,
    ) -> Result<bool, StoreError> {
        let call = || {
            self.store
                .compare_and_set(&self.key(id), Some(expected), value, lifetime)
        };
        if !trace::somebody_listens() {
            return call();
        }
        let (seconds, size) = (lifetime.seconds, value.len());
        let span = store_span!(
            "Store.compare_and_set",
            self,
            seconds = seconds,
            size = size
        );
        let about = StoreCall {
            sent: Some(Stored::new(value, self.format)),
            seconds: Some(seconds),
            ..self.about(id)
        };
        shown(span, about, done, call)
    }

    pub(super) fn visit(
        self,
        now: u64,
        visitor: &mut dyn FnMut(Entry<'_>) -> Verdict,
    ) -> Result<(), StoreError> {
        let mut call = || self.store.visit(self.key_prefix, now, visitor);
        if !trace::somebody_listens() {
            return call();
        }
        let span = store_span!("Store.visit", self);
        shown(span, self.about_all(), |()| StoreAnswer::Done, call)
    }

    pub(super) fn cleanup(self, now: u64) -> Result<u64, StoreError> {
        let call = || self.store.cleanup(now);
        if !trace::somebody_listens() {
            return call();
        }
        let span = store_span!("Store.cleanup", self);
        let answer = |count: &u64| StoreAnswer::Count(*count);
        shown(span, self.about_all(), answer, call)
    }

    fn about(self, id: &str) -> StoreCall {
        let mut about = self.about_all();
        about.id = Some(id.to_owned());
        about
    }

    fn about_all(self) -> StoreCall {
        let mut about = StoreCall::default();
        self.key_prefix.clone_into(&mut about.key_prefix);
        about
    }
}

fn done(is_done: &bool) -> StoreAnswer {
    match is_done {
        true => StoreAnswer::Done,
        false => StoreAnswer::NotDone,
    }
}

/// Makes the call in its span. What it is about, and what came back, is there for a Recorder to see
/// while the span is entered and while it is left, and at no other time.
#[cold]
#[inline(never)]
fn shown<T>(
    span: Span,
    about: StoreCall,
    answer: impl FnOnce(&T) -> StoreAnswer,
    call: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    trace::show_call(Some(about));
    let entered = span.entered();
    trace::show_call(None);
    let result = call();
    match &result {
        Ok(value) => trace::show_call(Some(StoreCall::answered(answer(value)))),
        Err(error) => {
            let error = told(error);
            debug!(target: "carafe::lifecycle", error);
        }
    }
    drop(entered);
    trace::show_call(None);
    result
}

/// As the error is told of in the stages around.
fn told(error: &StoreError) -> String {
    let mut text = format!("StoreError: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(&format!("\n  caused by: {error}"));
        source = error.source();
    }
    text
}
