//! `Recorder`: the `tracing` layer that writes a trace down.
//!
//! It keeps the spans that are open on its thread, and adds a step for each enter and each event. Its
//! lock is never held while code of others runs.
//!
//! Read next: `step.rs`, what a span or an event becomes, and `state.rs`, what is looked at on each enter and exit.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

use super::stage::ask_again;
use super::state::{matched, request_cookie, set_cookies, want_response};
use super::step::{Fields, LIFECYCLE, step, take};
use super::store_call::shown_call;
use super::{Kind, State, Step, Trace};

/// When an observer is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// A span is entered, or an event happens.
    Enter,
    /// A span is left.
    Exit,
}

type Observer = dyn Fn(Moment, &Step) + Send + Sync;

/// Records a trace: a layer for any `tracing` subscriber. Clones share one recording.
///
/// It records the first thread that it hears of, and that one only.
///
/// ```
/// use carafe::{App, Scaffold, trace::Recorder};
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let mut app = App::new("shop");
/// app.route("/", || "hello");
/// let recorder = Recorder::new();
/// // Here one adds other layers too, such as one that prints.
/// let subscriber = tracing_subscriber::registry().with(recorder.layer());
/// let guard = tracing::subscriber::set_default(subscriber);
/// app.test_client().get("/").send()?;
/// drop(guard);
/// assert!(recorder.take().names().contains(&"open_session".to_owned()));
/// # Ok::<(), carafe::Error>(())
/// ```
#[derive(Clone)]
pub struct Recorder {
    recording: Arc<Mutex<Recording>>,
    observer: Option<Arc<Observer>>,
}

#[derive(Default)]
struct Recording {
    thread: Option<ThreadId>,
    trace: Trace,
    /// The spans that there are, whether entered or not.
    spans: HashMap<u64, Span>,
    /// Those that are entered now, the innermost last.
    open: Vec<Open>,
    last: State,
}

struct Span {
    metadata: &'static Metadata<'static>,
    fields: Vec<(String, String)>,
}

struct Open {
    id: u64,
    step: usize,
    /// Whether the thread was unwinding already: then a panic is no news at the exit.
    panicking: bool,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// A recorder with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        // `tracing` remembers for each span and event whether anybody wants it. While it knows of one
        // subscriber only, it asks the thread that gets there first, and a thread without a subscriber says
        // no for all threads. With a second one to know of it asks them all. This one wants nothing, and says so.
        static SECOND: OnceLock<Dispatch> = OnceLock::new();
        SECOND.get_or_init(|| Dispatch::new(tracing_subscriber::registry().with(LevelFilter::OFF)));
        Recorder {
            recording: Arc::default(),
            observer: None,
        }
    }

    /// Calls `observer` at each step as it happens, on the thread that it happens on: it can print, or
    /// wait for a key. At an enter the step's `after` is still its `before`. What it panics with goes through the request, and
    /// what is recorded after that is not whole. Where the step is an event, a signal or a log line or a command, it must
    /// not set a subscriber, as [`record`](super::record) does: `tracing` panics.
    #[must_use]
    pub fn observe(mut self, observer: impl Fn(Moment, &Step) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// The layer to give to a subscriber.
    #[must_use]
    pub fn layer(&self) -> Self {
        self.clone()
    }

    /// Takes what has been recorded. Spans that are still open end here, as far as this trace goes.
    #[must_use]
    pub fn take(&self) -> Trace {
        let after = self.now();
        let mut recording = self.lock();
        let mut trace = std::mem::take(&mut recording.trace);
        let end = trace.steps.len();
        for open in recording.open.drain(..) {
            let step = &mut trace.steps[open.step];
            step.end = end;
            step.after = after.clone();
        }
        trace
    }

    /// What the recorded thread has on its stacks now. Another thread, which cannot see them, is told what was there at
    /// the last step.
    fn now(&self) -> State {
        let (thread, last) = {
            let recording = self.lock();
            (recording.thread, recording.last.clone())
        };
        if thread == Some(thread::current().id()) {
            return State::now(&last);
        }
        last
    }

    fn lock(&self) -> MutexGuard<'_, Recording> {
        self.recording
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock, where this is the thread that is recorded.
    fn lock_here(&self) -> Option<MutexGuard<'_, Recording>> {
        let mut recording = self.lock();
        let here = thread::current().id();
        (*recording.thread.get_or_insert(here) == here).then_some(recording)
    }

    fn tell(&self, moment: Moment, step: Option<&Step>) {
        if let (Some(observer), Some(step)) = (&self.observer, step) {
            observer(moment, step);
        }
    }

    /// What a step is told to an observer as; without one there is nobody to copy it for.
    fn copy(&self, step: &Step) -> Option<Step> {
        self.observer.is_some().then(|| step.clone())
    }
}

impl Recording {
    fn add(&mut self, step: Step) -> usize {
        self.last = step.before.clone();
        self.trace.steps.push(step);
        self.trace.steps.len() - 1
    }

    /// The innermost open step of the lifecycle's or the app's: what an error event is about.
    fn innermost(&mut self) -> Option<&mut Step> {
        let steps = &mut self.trace.steps;
        let open = self.open.iter().rev().map(|open| open.step);
        let index = open
            .into_iter()
            .find(|index| matches!(steps[*index].kind, Kind::Stage | Kind::Hook | Kind::Store))?;
        steps.get_mut(index)
    }
}

impl<S: Subscriber> Layer<S> for Recorder {
    fn on_register_dispatch(&self, _: &Dispatch) {
        // A recording may begin in a view, where nobody had listened so far.
        ask_again();
    }

    fn on_new_span(&self, attrs: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let mut fields = Fields::default();
        attrs.record(&mut fields);
        if let Some(mut recording) = self.lock_here() {
            let (metadata, fields) = (attrs.metadata(), fields.0);
            let span = Span { metadata, fields };
            recording.spans.insert(id.into_u64(), span);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        let Some(mut recording) = self.lock_here() else {
            return;
        };
        let id = id.into_u64();
        let entered = recording.open.iter().rfind(|open| open.id == id);
        if let Some(step) = entered.map(|open| open.step) {
            let step = &mut recording.trace.steps[step];
            step.fields.extend(fields.0.iter().cloned());
        }
        if let Some(span) = recording.spans.get_mut(&id) {
            span.fields.extend(fields.0);
        }
    }

    fn on_enter(&self, id: &Id, _: Context<'_, S>) {
        let id = id.into_u64();
        let Some((metadata, fields, last)) = self.lock_here().and_then(|recording| {
            let span = recording.spans.get(&id)?;
            Some((span.metadata, span.fields.clone(), recording.last.clone()))
        }) else {
            return;
        };
        let mut step = step(metadata, fields, State::now(&last));
        if step.kind == Kind::Stage {
            match step.name.as_str() {
                "open_session" => step.cookies = request_cookie(),
                "save_session" => want_response(),
                _ => {}
            }
        }
        if step.kind == Kind::Store {
            step.store_call = shown_call();
        }
        let told = self.lock_here().and_then(|mut recording| {
            step.depth = recording.open.len();
            step.end = recording.trace.steps.len() + 1;
            let told = self.copy(&step);
            let step = recording.add(step);
            let panicking = thread::panicking();
            recording.open.push(Open {
                id,
                step,
                panicking,
            });
            told
        });
        self.tell(Moment::Enter, told.as_ref());
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        let id = id.into_u64();
        let Some((index, name, kind, last)) = self.lock_here().and_then(|recording| {
            let open = recording.open.iter().rfind(|open| open.id == id)?;
            let step = &recording.trace.steps[open.step];
            let name = step.name.clone();
            Some((open.step, name, step.kind, recording.last.clone()))
        }) else {
            return;
        };
        let after = State::now(&last);
        let (mut cookies, mut fields) = (Vec::new(), Vec::new());
        if kind == Kind::Stage {
            match name.as_str() {
                "save_session" => cookies = set_cookies(),
                "RequestContext.match_request" => fields = matched(),
                _ => {}
            }
        }
        let answer = match kind {
            Kind::Store => shown_call().and_then(|call| call.answer),
            _ => None,
        };
        let told = self.lock_here().and_then(|mut recording| {
            let at = recording
                .open
                .iter()
                .rposition(|open| open.step == index && open.id == id)?;
            // A span of the app's that is still open inside of it ends with it here: steps make a tree.
            let inner = recording.open.split_off(at);
            recording.last = after.clone();
            let end = recording.trace.steps.len();
            for open in &inner {
                let step = &mut recording.trace.steps[open.step];
                step.end = end;
                step.after = after.clone();
            }
            let step = &mut recording.trace.steps[index];
            step.cookies.append(&mut cookies);
            step.fields.append(&mut fields);
            if let Some(call) = &mut step.store_call {
                call.answer = answer;
            }
            if thread::panicking() && !inner[0].panicking {
                step.error.get_or_insert_with(|| "panicked".to_owned());
            }
            self.copy(step)
        });
        self.tell(Moment::Exit, told.as_ref());
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        if let Some(mut recording) = self.lock_here() {
            recording.spans.remove(&id.into_u64());
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        // The debug lines of other crates are no part of the story.
        if !metadata.target().starts_with("carafe") && *metadata.level() > Level::INFO {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut fields = fields.0;
        if metadata.target() == LIFECYCLE {
            if let (Some(mut recording), Some(error)) =
                (self.lock_here(), take(&mut fields, "error"))
                && let Some(step) = recording.innermost()
            {
                step.error = Some(error);
            }
            return;
        }
        let Some(last) = self.lock_here().map(|recording| recording.last.clone()) else {
            return;
        };
        let mut step = step(metadata, fields, State::now(&last));
        let told = self.lock_here().and_then(|mut recording| {
            step.depth = recording.open.len();
            step.end = recording.trace.steps.len() + 1;
            let told = self.copy(&step);
            recording.add(step);
            told
        });
        self.tell(Moment::Enter, told.as_ref());
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("steps", &self.lock().trace.steps.len())
            .finish_non_exhaustive()
    }
}
