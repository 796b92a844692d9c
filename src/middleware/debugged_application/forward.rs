//! `Forward`: hands spans and events on to whoever listened before a recording began.
//!
//! A recording replaces the thread's `tracing` subscriber while it lasts. Without this layer the lines that
//! an app logs would be missing in the developer's terminal just where a request is looked at.
//!
//! Read next: `trace/recorder.rs`, the layer beside it.

use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, Subscriber, dispatcher};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// A layer that hands everything on to another subscriber.
pub(super) struct Forward {
    to: Dispatch,
}

/// The other subscriber's name for a span.
struct Other(Id);

impl Forward {
    /// To the thread's subscriber as it is now.
    pub(super) fn new() -> Self {
        Forward {
            to: dispatcher::get_default(Dispatch::clone),
        }
    }

    /// Calls `f` with the other's name for a span, where it wanted to hear of it.
    fn with<S>(&self, ctx: &Context<'_, S>, id: &Id, f: impl FnOnce(&Dispatch, &Id))
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let other = ctx.span(id).and_then(|span| {
            let extensions = span.extensions();
            extensions.get::<Other>().map(|other| other.0.clone())
        });
        if let Some(other) = other {
            f(&self.to, &other);
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Forward {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    /// Spans and events are recorded in any case. The question alone, `tracing::enabled!`, is about the
    /// other subscriber: who asks it has another way to be heard, and nobody may ever read the recording.
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.is_span() || metadata.is_event() || self.to.enabled(metadata)
    }

    fn on_new_span(&self, attrs: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if !self.to.enabled(attrs.metadata()) {
            return;
        }
        let mut parent = None;
        if let Some(explicit) = attrs.parent() {
            self.with(&ctx, explicit, |_, other| parent = Some(other.clone()));
        }
        let (metadata, values) = (attrs.metadata(), attrs.values());
        let other = self.to.new_span(&match parent {
            Some(parent) => Attributes::child_of(parent, metadata, values),
            None if attrs.is_contextual() => Attributes::new(metadata, values),
            None => Attributes::new_root(metadata, values),
        });
        if let Some(span) = ctx.span(id) {
            span.extensions_mut().insert(Other(other));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        self.with(&ctx, id, |to, other| to.record(other, values));
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, ctx: Context<'_, S>) {
        self.with(&ctx, id, |to, other| {
            self.with(&ctx, follows, |_, follows| {
                to.record_follows_from(other, follows);
            });
        });
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if self.to.enabled(event.metadata()) {
            self.to.event(event);
        }
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        self.with(&ctx, id, Dispatch::enter);
    }

    fn on_exit(&self, id: &Id, ctx: Context<'_, S>) {
        self.with(&ctx, id, Dispatch::exit);
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        self.with(&ctx, &id, |to, other| {
            to.try_close(other.clone());
        });
    }
}
