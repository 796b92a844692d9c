//! From a span or an event of `tracing` to the step that a trace has of it.
//!
//! Its target says what it is; a hook says itself where it was registered.
//!
//! Read next: `state.rs`, what a step shows of the contexts around it.

use std::fmt;

use tracing::Metadata;
use tracing::field::{Field, Visit};

use super::{Kind, State, Step};

/// The target of the lifecycle's spans.
pub(super) const LIFECYCLE: &str = "carafe::lifecycle";
/// The target of the spans around the app's functions.
const HOOK: &str = "carafe::hook";
/// The target of the signals' events.
const SIGNAL: &str = "carafe::signal";
/// The target of the spans around a store's calls, and of the events that tell its commands.
const STORE: &str = "carafe::store";

/// The step of a span or an event, for its metadata and fields.
pub(super) fn step(metadata: &Metadata<'_>, mut fields: Vec<(String, String)>, now: State) -> Step {
    let kind = match metadata.target() {
        LIFECYCLE if metadata.is_span() => Kind::Stage,
        HOOK if metadata.is_span() => Kind::Hook,
        SIGNAL => Kind::Signal,
        STORE if metadata.is_span() => Kind::Store,
        STORE => Kind::Command,
        _ if metadata.is_span() => Kind::Span,
        _ => Kind::Log,
    };
    let mut file = metadata.file().map(str::to_owned);
    let mut line = metadata.line();
    let name = match kind {
        Kind::Hook => {
            // A hook's own place; the span's is always `Hook::run`.
            file = take(&mut fields, "file").or(file);
            line = take(&mut fields, "line")
                .and_then(|line| line.parse().ok())
                .or(line);
            take(&mut fields, "name")
        }
        Kind::Signal => take(&mut fields, "name"),
        Kind::Command => take(&mut fields, "message"),
        Kind::Log => {
            fields.insert(0, ("level".to_owned(), metadata.level().to_string()));
            take(&mut fields, "message")
        }
        Kind::Stage | Kind::Store | Kind::Span => None,
    };
    Step {
        depth: 0,
        end: 0,
        kind,
        name: name.unwrap_or_else(|| metadata.name().to_owned()),
        file,
        line,
        after: now.clone(),
        before: now,
        error: None,
        fields,
        cookies: Vec::new(),
        store_call: None,
    }
}

pub(super) fn take(fields: &mut Vec<(String, String)>, name: &str) -> Option<String> {
    let at = fields.iter().position(|(key, _)| key == name)?;
    Some(fields.remove(at).1)
}

/// Collects fields as text.
#[derive(Default)]
pub(super) struct Fields(pub(super) Vec<(String, String)>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name().to_owned(), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push((field.name().to_owned(), format!("{value:?}")));
    }
}
