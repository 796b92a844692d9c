//! What a step consists of: the steps inside it and, between them, what it changed itself.
//!
//! A recording has the state at each enter and exit. Where two neighbours differ, the change was made
//! between them, by the innermost step that was open then: so a change is told where it happened.
//!
//! Read next: `tree.rs`.

use super::{Kind, SessionState, State, Step, StoreAnswer, Trace};
use crate::json;

/// One line of what a step consists of.
pub(super) enum Item<'a> {
    /// The step at this index.
    Step(usize),
    Note(Note<'a>),
}

/// Something that happened in a step and is no step of its own.
pub(super) struct Note<'a> {
    pub(super) topic: Topic,
    pub(super) text: String,
    /// What was there right after it.
    pub(super) state: &'a State,
}

/// What a note is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Context,
    Session,
    G,
    Cookie,
    Store,
    Match,
    Error,
}

/// The indices of the steps that are inside no other.
pub(super) fn roots(trace: &Trace) -> Vec<usize> {
    children(trace, 0, trace.steps().len())
}

fn children(trace: &Trace, from: usize, to: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = from;
    while let Some(step) = trace.steps().get(at).filter(|_| at < to) {
        found.push(at);
        // Always further, whatever a step says about its end.
        at = step.end.max(at + 1);
    }
    found
}

/// What the step at `index` consists of, in order.
pub(super) fn inside(trace: &Trace, index: usize) -> Vec<Item<'_>> {
    let Some(step) = trace.steps().get(index) else {
        return Vec::new();
    };
    let mut items = Vec::new();
    let is_save = step.name == "save_session";
    if !is_save {
        cookies(step, &step.before, &mut items);
    }
    if let Some(call) = &step.store_call {
        let (topic, state) = (Topic::Store, &step.before);
        let told = call.told().into_iter();
        items.extend(told.map(|text| Item::Note(Note { topic, text, state })));
    }
    let mut last = &step.before;
    let mut told_by_child = false;
    for child_index in children(trace, index + 1, step.end) {
        let child = &trace.steps()[child_index];
        changes(last, &child.before, &mut items);
        items.push(Item::Step(child_index));
        last = &child.after;
        told_by_child |= child.error.is_some() && child.error == step.error;
    }
    changes(last, &step.after, &mut items);
    if is_save {
        cookies(step, &step.after, &mut items);
    }
    let mut note = |topic, text| {
        let state = &step.after;
        items.push(Item::Note(Note { topic, text, state }));
    };
    let answer = step
        .store_call
        .as_ref()
        .and_then(|call| call.answer.as_ref());
    if let Some(text) = answer.and_then(StoreAnswer::told) {
        note(Topic::Store, text);
    }
    if let Some(endpoint) = step.field("endpoint") {
        let rule = step.field("rule").unwrap_or_default();
        note(Topic::Match, format!("rule {rule}, endpoint {endpoint}"));
    }
    if let Some(error) = step.field("routing_exception") {
        note(Topic::Match, format!("{error}, kept for dispatch_request"));
    }
    if let (Some(error), false) = (&step.error, told_by_child) {
        let raised = if error == "panicked" { "" } else { "raised " };
        note(Topic::Error, format!("{raised}{error}"));
    }
    if let (Kind::Log, Some(error)) = (step.kind, step.field("error")) {
        note(Topic::Error, error.to_owned());
    }
    items
}

fn cookies<'a>(step: &Step, state: &'a State, items: &mut Vec<Item<'a>>) {
    let topic = Topic::Cookie;
    if step.name == "open_session" && step.kind == Kind::Stage && step.cookies.is_empty() {
        let text = "no session cookie came".to_owned();
        items.push(Item::Note(Note { topic, text, state }));
    }
    for cookie in &step.cookies {
        if cookie.is_id {
            let verb = if step.name == "save_session" {
                "sets"
            } else {
                "brought"
            };
            let text = format!("{verb} a cookie with the session's id");
            items.push(Item::Note(Note { topic, text, state }));
            continue;
        }
        let date = cookie.date().unwrap_or_else(|| "no date".to_owned());
        let text = if step.name == "save_session" {
            format!("sets a cookie signed {date}")
        } else if cookie.signed_with.is_some() {
            format!("cookie signed {date}, signature right")
        } else {
            format!("cookie signed {date}, signature WRONG")
        };
        items.push(Item::Note(Note { topic, text, state }));
    }
}

fn changes<'a>(from: &State, to: &'a State, items: &mut Vec<Item<'a>>) {
    let mut note = |topic, text| {
        items.push(Item::Note(Note {
            topic,
            text,
            state: to,
        }));
    };
    stack(
        &from.request_contexts,
        &to.request_contexts,
        "request context",
        &mut note,
    );
    stack(
        &from.app_contexts,
        &to.app_contexts,
        "app context",
        &mut note,
    );
    // Of a context that came or went its g and session come and go with it: no news of their own.
    if from.app_contexts == to.app_contexts && from.g != to.g {
        note(Topic::G, format!("g holds {}", names(&to.g)));
    }
    if from.request_contexts == to.request_contexts
        && from.session != to.session
        && let Some(session) = &to.session
    {
        note(Topic::Session, session_note(from.session.as_ref(), session));
    }
}

fn stack(from: &[String], to: &[String], what: &str, note: &mut impl FnMut(Topic, String)) {
    let same = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    for gone in from.iter().skip(same).rev() {
        note(Topic::Context, format!("pops {what} {gone}"));
    }
    for new in to.iter().skip(same) {
        note(Topic::Context, format!("pushes {what} {new}"));
    }
}

fn names(names: &[String]) -> String {
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}

fn session_note(from: Option<&SessionState>, to: &SessionState) -> String {
    let Some(from) = from else {
        return if to.null {
            "null session: there is no secret key".to_owned()
        } else if to.new {
            format!("new session: {}", to.text())
        } else {
            format!("session holds {}", to.text())
        };
    };
    let mut words = Vec::new();
    if from.data != to.data {
        words.push(format!("session holds {}", to.text()));
    }
    let modified = to.modified && !from.modified;
    if modified {
        words.push("modified".to_owned());
    } else if to.accessed && !from.accessed {
        words.push("session is accessed".to_owned());
    }
    if words.is_empty() {
        words.push("session flags change".to_owned());
    }
    words.join(", ")
}

impl SessionState {
    /// What is in it, as Python's JSON.
    pub(super) fn text(&self) -> String {
        json::dumps(&self.data).unwrap_or_else(|error| format!("({error})"))
    }
}
