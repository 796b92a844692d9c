//! The trace: what a request really went through, recorded from the code itself.
//!
//! Flask has no such file; one would reach for `sys.setprofile`. Here every function of the lifecycle
//! is a [`tracing`] span named as Flask names it, every user function runs in a span that says where
//! it was registered, and every signal is an event. [`Recorder`] is a layer that collects these into
//! a [`Trace`], so there is no second list of stages that could be wrong.
//!
//! Spans hold no secrets: a production log of them is safe. What is in the session and in its cookie
//! the Recorder reads by itself, from the contexts of the thread, at each enter and exit; and it only
//! looks: a recorded request goes the way that any other does.
//!
//! All of them have the level DEBUG. The target is `carafe::lifecycle` for a stage and for an error that it returns,
//! `carafe::hook` for a user function, `carafe::signal` for a signal, and `carafe::store` for the calls of a session store
//! and its commands. A filter for the whole subscriber, like `EnvFilter::new("info")`, is the Recorder's too, which then
//! has nothing; `with_filter` is for one layer.
//!
//! A request asks once, where it begins, whether anybody listens. A subscriber that comes in the middle of one hears the
//! next from its beginning. A [`Recorder`] that the request's own thread adds to a subscriber by `with` hears the rest of
//! this one, too.
//!
//! Read next: `recorder.rs`, then `tree.rs`, which prints a trace.

mod changes;
mod cookie;
mod html;
mod json;
mod mermaid;
mod recorder;
mod stage;
mod state;
mod step;
mod store_call;
mod tree;

pub use cookie::Cookie;
pub(crate) use html::{DEEPEST, escaped, place, visible};
pub use recorder::{Moment, Recorder};
pub(crate) use stage::{Outcome, ask_once, in_span, in_stage, opens_span, somebody_listens, stage};
pub(crate) use state::show_response;
pub use state::{SessionState, State};
pub(crate) use store_call::show_call;
pub use store_call::{StoreAnswer, StoreCall, Stored};
pub use tree::Tree;

use tracing_subscriber::layer::SubscriberExt;

/// Runs `f`, and records what happens in it on this thread.
///
/// The thread's own subscriber, if it has one, hears nothing in the meantime. Where it should, add a
/// [`Recorder`] to it instead.
///
/// ```
/// use carafe::{App, Scaffold, trace};
/// let mut app = App::new("shop");
/// app.route("/", || "hello");
/// let (response, trace) = trace::record(|| app.test_client().get("/").send());
/// assert_eq!(response?.status_code(), 200);
/// assert_eq!(trace.stages()[0], (0, "Flask.wsgi_app"));
/// assert_eq!(trace.hooks(), ["view <lambda>"]);
/// println!("{trace}");
/// # Ok::<(), carafe::Error>(())
/// ```
// ANCHOR: record
pub fn record<R>(f: impl FnOnce() -> R) -> (R, Trace) {
    let recorder = Recorder::new();
    let subscriber = tracing_subscriber::registry().with(recorder.clone());
    let _ended = Ended;
    let result = tracing::subscriber::with_default(subscriber, f);
    (result, recorder.take())
}
// ANCHOR_END: record

/// Dropped when a listener has gone: `tracing` works out whether anybody listens when one comes, but not when one goes.
struct Ended;

impl Drop for Ended {
    fn drop(&mut self) {
        tracing::callsite::rebuild_interest_cache();
    }
}

/// What was recorded: the steps, in the order in which they were entered.
///
/// It prints as a tree, and serializes to all that a program needs to show the request step by step.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    steps: Vec<Step>,
}

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A function of the lifecycle, by the name it has in Flask.
    Stage,
    /// A function of the app's: a view, a before function, an error handler.
    Hook,
    /// A signal that was sent.
    Signal,
    /// A call of a session store's method, like `Store.get`.
    Store,
    /// A command that a store gives to its server or its system, like `GET`.
    Command,
    /// A line that was logged: any of Carafe's, and of others those that are not DEBUG or TRACE.
    Log,
    /// Any other span, such as one of the app's own.
    Span,
}

/// One step of a trace: a span from its enter to its exit, or an event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// How many steps it is inside of.
    pub depth: usize,
    /// The index just past the last step inside it; its own index + 1 where there is none.
    pub end: usize,
    /// What it is.
    pub kind: Kind,
    /// The stage's, function's or signal's name; of a log line, its text.
    pub name: String,
    /// The file: of a stage its function's, of a hook the one where it was registered. Relative to
    /// where its crate was compiled.
    pub file: Option<String>,
    /// The line in that file, from 1.
    pub line: Option<u32>,
    /// What was there when it was entered.
    pub before: State,
    /// What was there when it was left.
    pub after: State,
    /// What it returned as an error, like `NotFound: 404 Not Found: ...`, or that it panicked.
    pub error: Option<String>,
    /// All else that it says of itself, like `kind` for a hook, or `endpoint` for the match.
    pub fields: Vec<(String, String)>,
    /// Session cookies: of `open_session` the one that the request brought, of `save_session` the one
    /// that it set.
    pub cookies: Vec<Cookie>,
    /// Of a call of a session store, what it was about.
    pub store_call: Option<StoreCall>,
}

impl Step {
    /// What a line about the step starts with: a stage's or signal's name, or `before_request load_user`.
    #[must_use]
    pub fn label(&self) -> String {
        match (self.kind, self.field("kind")) {
            (Kind::Hook, Some(kind)) => format!("{kind} {}", self.name),
            (Kind::Command, _) => {
                let store = self.field("store").unwrap_or_default();
                format!("{store} {}", self.name)
            }
            _ => self.name.clone(),
        }
    }

    /// The value of one of the [`fields`](Step::fields).
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Trace {
    /// All steps, in the order in which they were entered.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The same, to loop over.
    pub fn iter(&self) -> std::slice::Iter<'_, Step> {
        self.steps.iter()
    }

    /// The first step with this [`label`](Step::label) or name.
    #[must_use]
    pub fn find(&self, label: &str) -> Option<&Step> {
        let mut steps = self.steps.iter();
        steps.find(|step| step.name == label || step.label() == label)
    }

    /// The stages alone, each with how many stages it is inside of.
    #[must_use]
    pub fn stages(&self) -> Vec<(usize, &str)> {
        let mut stages = Vec::new();
        let mut ends: Vec<usize> = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            if step.kind != Kind::Stage {
                continue;
            }
            ends.retain(|end| *end > index);
            stages.push((ends.len(), step.name.as_str()));
            ends.push(step.end);
        }
        stages
    }

    /// The app's functions that ran: `before_request load_user`, `view index`, ...
    #[must_use]
    pub fn hooks(&self) -> Vec<String> {
        self.labels(|kind| kind == Kind::Hook)
    }

    /// The signals that were sent.
    #[must_use]
    pub fn signals(&self) -> Vec<String> {
        self.labels(|kind| kind == Kind::Signal)
    }

    /// Stages, hooks and signals by their [labels](Step::label), in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.labels(|kind| matches!(kind, Kind::Stage | Kind::Hook | Kind::Signal))
    }

    fn labels(&self, wanted: impl Fn(Kind) -> bool) -> Vec<String> {
        let steps = self.steps.iter().filter(|step| wanted(step.kind));
        steps.map(Step::label).collect()
    }
}

impl<'a> IntoIterator for &'a Trace {
    type Item = &'a Step;
    type IntoIter = std::slice::Iter<'a, Step>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
