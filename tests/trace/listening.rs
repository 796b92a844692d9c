//! Who hears a request: which thread, and who begins to listen in the middle of one.
//!
//! Whether anybody listens is known, and remembered, for all threads of a process: most of these have one of their own.

use std::cell::Cell;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use carafe::trace::{Kind, Recorder, record};
use carafe::{App, Response, Scaffold, stream_with_context};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::subscriber::{DefaultGuard, set_default, with_default};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, Registry, registry, reload};

use super::alone::alone;
use super::common::{app, assert_well_formed};

#[test]
fn each_thread_is_recorded_for_itself() {
    let threads: Vec<_> = (0..4)
        .map(|n| {
            std::thread::spawn(move || {
                let mut app = App::new(format!("app {n}"));
                app.route("/", || "hello");
                let (_, trace) = record(|| {
                    for _ in 0..20 {
                        app.test_client().get("/").send().unwrap();
                    }
                });
                (n, trace)
            })
        })
        .collect();
    for thread in threads {
        let (n, trace) = thread.join().unwrap();
        assert_well_formed(&trace);
        let views: Vec<_> = trace.iter().filter(|s| s.kind == Kind::Hook).collect();
        assert_eq!(views.len(), 20);
        for view in views {
            assert_eq!(view.before.app_contexts, [format!("app {n}")]);
        }
    }
}

#[test]
fn a_thread_that_nobody_records_does_not_silence_another() {
    alone(|| {
        let app = app();
        let recorder = Recorder::new();
        let guard = set_default(registry().with(recorder.layer()));
        // It gets to each span first.
        let other = app.clone();
        std::thread::spawn(move || other.test_client().get("/login").send().unwrap())
            .join()
            .unwrap();
        app.test_client().get("/login").send().unwrap();
        drop(guard);
        let trace = recorder.take();
        assert_well_formed(&trace);
        let hooks = trace.hooks();
        assert!(hooks.iter().any(|hook| hook == "view login"), "{trace}");
    });
}

thread_local! {
    /// Keeps a subscriber at work when the view that came with it has ended.
    static LISTENING: Cell<Option<DefaultGuard>> = const { Cell::new(None) };
}

#[test]
fn a_recording_that_begins_in_a_view_hears_the_rest_of_the_request() {
    alone(|| {
        let recorder = Recorder::new();
        let (mut app, layer) = (app(), recorder.layer());
        app.route("/", move || {
            LISTENING.set(Some(set_default(registry().with(layer.clone()))));
            "hello"
        });
        app.test_client().get("/").send().unwrap();
        drop(LISTENING.take());
        let trace = recorder.take();
        assert_well_formed(&trace);
        assert_eq!(trace.names()[0], "Flask.finalize_request");
        assert_eq!(trace.names().last().unwrap(), "appcontext_popped");
        let (_, trace) = record(|| app.test_client().get("/login").send());
        assert_eq!(trace.names()[0], "Flask.wsgi_app");
    });
}

#[test]
fn a_recording_that_has_ended_is_no_listener() {
    alone(|| {
        assert_eq!(LevelFilter::current(), LevelFilter::OFF);
        let (heard, _) = record(LevelFilter::current);
        assert_eq!(heard, LevelFilter::TRACE);
        assert_eq!(LevelFilter::current(), LevelFilter::OFF);
        let panicked = catch_unwind(|| record(|| panic!("in the middle")));
        assert!(panicked.is_err());
        assert_eq!(LevelFilter::current(), LevelFilter::OFF);
    });
}

/// A subscriber that is no Recorder: it counts the spans.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn spans(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl<S: Subscriber> Layer<S> for Count {
    fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn any_other_listener_hears_requests_from_their_beginning() {
    alone(|| {
        let (mut app, count) = (app(), Count::default());
        let heard = count.clone();
        app.route("/", move || {
            LISTENING.set(Some(set_default(registry().with(heard.clone()))));
            "hello"
        });
        app.test_client().get("/").send().unwrap();
        assert_eq!(count.spans(), 0);
        app.app_context().with(|| ()).unwrap();
        let outside = count.spans();
        assert!(outside > 0, "what is in no request asks");
        app.test_client().get("/login").send().unwrap();
        assert!(count.spans() > outside + 20);
        drop(LISTENING.take());
    });
}

#[test]
fn a_request_inside_of_another_is_heard_until_its_stream_ends() {
    alone(|| {
        let (mut inner, mut outer) = (App::new("inner"), App::new("outer"));
        inner.route("/", || Response::stream(stream_with_context(["a", "b"])));
        let asked = inner.clone();
        let ask = move || {
            let count = Count::default();
            with_default(registry().with(count.clone()), || {
                asked.test_client().get("/").send().unwrap();
            });
            count.spans()
        };
        let alone = ask();
        // It ends with nobody who listens.
        record(|| ());
        assert_eq!(LevelFilter::current(), LevelFilter::OFF);
        outer.route("/", move || ask().to_string());
        let response = outer.test_client().get("/").send().unwrap();
        assert_eq!(response.text(), alone.to_string());
    });
}

#[test]
fn a_recording_that_begins_in_an_inner_request_hears_the_rest_of_the_outer_one() {
    alone(|| {
        let recorder = Recorder::new();
        let (mut inner, mut outer) = (App::new("inner"), App::new("outer"));
        let layer = recorder.layer();
        inner.route("/", move || {
            LISTENING.set(Some(set_default(registry().with(layer.clone()))));
            "hello"
        });
        outer.route("/", move || inner.clone());
        outer.test_client().get("/").send().unwrap();
        drop(LISTENING.take());
        let trace = recorder.take();
        assert_well_formed(&trace);
        let signals = [
            "request_finished",
            "request_tearing_down",
            "appcontext_tearing_down",
            "appcontext_popped",
        ];
        assert_eq!(trace.signals(), [signals, signals].concat());
    });
}

/// Has nobody listen any more when this stage has been told of, and is about to run.
struct Leave(&'static str, reload::Handle<LevelFilter, Registry>);

impl<S: Subscriber> Layer<S> for Leave {
    fn on_new_span(&self, attrs: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        if attrs.metadata().name() == self.0 {
            self.1.reload(LevelFilter::OFF).unwrap();
        }
    }
}

#[test]
fn a_listener_who_leaves_between_two_stages_takes_nothing_from_the_next_recording() {
    alone(|| {
        let _ = Recorder::new();
        let (inner, mut outer) = (app(), App::new("outer"));
        outer.route("/", move || {
            let (_, trace) = record(|| inner.test_client().get("/login").send());
            trace.names()[0].clone()
        });
        for stage in ["Flask.wsgi_app", "Flask.dispatch_request"] {
            let (filter, handle) = reload::Layer::new(LevelFilter::TRACE);
            let subscriber = registry().with(filter).with(Leave(stage, handle));
            let response = with_default(subscriber, || outer.test_client().get("/").send());
            assert_eq!(response.unwrap().text(), "Flask.wsgi_app", "after {stage}");
        }
    });
}
