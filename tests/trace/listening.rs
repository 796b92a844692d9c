//! Who hears a request: which thread, and who begins to listen in the middle of one.

use std::cell::Cell;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use carafe::trace::{Kind, Recorder, record};
use carafe::{App, Scaffold};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, registry};

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

/// Runs a test in a process of its own: whether anybody listens is known, and remembered, for all threads of one.
fn alone(name: &str, test: impl FnOnce()) {
    const INSIDE: &str = "CARAFE_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let mut process = Command::new(std::env::current_exe().unwrap());
    let output = process.args(["--exact", name]).env(INSIDE, "1").output();
    let output = output.unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(told.contains("1 passed"), "{told}");
}

#[test]
fn a_thread_that_nobody_records_does_not_silence_another() {
    alone(
        "listening::a_thread_that_nobody_records_does_not_silence_another",
        || {
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
        },
    );
}

thread_local! {
    /// Keeps a subscriber at work when the view that came with it has ended.
    static LISTENING: Cell<Option<DefaultGuard>> = const { Cell::new(None) };
}

#[test]
fn a_recording_that_begins_in_a_view_hears_the_rest_of_the_request() {
    alone(
        "listening::a_recording_that_begins_in_a_view_hears_the_rest_of_the_request",
        || {
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
        },
    );
}

#[test]
fn a_recording_that_has_ended_is_no_listener() {
    alone(
        "listening::a_recording_that_has_ended_is_no_listener",
        || {
            assert_eq!(LevelFilter::current(), LevelFilter::OFF);
            let (heard, _) = record(LevelFilter::current);
            assert_eq!(heard, LevelFilter::TRACE);
            assert_eq!(LevelFilter::current(), LevelFilter::OFF);
        },
    );
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
    alone(
        "listening::any_other_listener_hears_requests_from_their_beginning",
        || {
            let inner = app();
            let (mut outer, count) = (App::new("outer"), Count::default());
            let heard = count.clone();
            outer.route("/", move || {
                LISTENING.set(Some(set_default(registry().with(heard.clone()))));
                inner.test_client().get("/login").send().unwrap();
                heard.spans().to_string()
            });
            let response = outer.test_client().get("/").send().unwrap();
            let of_inner: usize = response.text().parse().unwrap();
            assert!(of_inner > 20, "{of_inner}");
            assert_eq!(count.spans(), of_inner, "nothing of the one around it");
            outer.app_context().with(|| ()).unwrap();
            assert!(count.spans() > of_inner, "what is in no request asks");
            drop(LISTENING.take());
        },
    );
}
