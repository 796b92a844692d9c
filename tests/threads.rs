//! Threads: every thread has its own contexts, and a request may take one along.
//!
//! The code: `src/context/copy.rs` and the `thread_local!` in `src/context/globals.rs`; for the first
//! request `try_trigger_before_first_request_functions` in `src/lifecycle.rs`. Next: `streaming.rs`.
#![allow(clippy::unwrap_used)]

#[path = "common/alone.rs"]
mod alone;
mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use alone::alone;
use carafe::error::catch;
use carafe::{
    App, Error, Scaffold, context, copy_current_request_context, current_app, g, has_app_context,
    has_request_context, request, session, trace,
};
use common::{DbError, Log, app, get, hello, subtree, visit};

/// Notes which contexts a function has: of the request `/` if it has one.
fn contexts() -> String {
    let app = has_app_context().then(|| current_app().name().to_owned());
    let path = has_request_context().then(|| request().path().to_owned());
    format!("{app:?} {path:?}")
}

#[test]
fn a_thread_that_a_view_starts_has_no_contexts() {
    let mut app = app();
    app.route("/", || thread::spawn(contexts).join().unwrap());
    assert_eq!(get(&app, "/").1, "None None");
}

#[test]
fn a_copied_context_takes_the_request_and_the_session_to_another_thread() {
    let log = Log::default();
    let mut app = app();
    let seen = log.clone();
    app.teardown_request(move |error: Option<&Error>| {
        seen.add(format!("teardown_request {} {error:?}", request().path()));
    });
    let seen = log.clone();
    app.teardown_appcontext(move |error: Option<&Error>| {
        seen.add(format!("teardown_appcontext {error:?}"));
    });
    let seen = log.clone();
    app.route("/copy", move || {
        session().insert("username", "jack")?;
        g().set("mine", 1);
        let log = seen.clone();
        let work = copy_current_request_context(move || {
            let username: Option<String> = session().get("username");
            let endpoint = request().endpoint().map(str::to_owned);
            log.add(format!("thread: {} {endpoint:?} {username:?}", contexts()));
            log.add(format!("thread: g has mine: {}", g().contains("mine")));
            session().insert("from the thread", true)
        });
        thread::spawn(work).join().unwrap()??;
        seen.add(format!(
            "view: {:?}",
            session().get::<bool>("from the thread")
        ));
        Ok::<_, Error>("done")
    });

    let mut client = app.test_client();
    assert_eq!(client.get("/copy").send().unwrap().text(), "done");

    // Its `g` is new, its session the same; its teardown runs when it is done.
    let lines = log.take();
    println!("{}", lines.join("\n"));
    assert_eq!(
        lines,
        [
            r#"thread: Some("shop") Some("/copy") Some("copy") Some("jack")"#,
            "thread: g has mine: false",
            "teardown_request /copy None",
            "teardown_appcontext None",
            "view: Some(true)",
            "teardown_request /copy None",
            "teardown_appcontext None",
        ]
    );
    let saved = client
        .session_transaction(|session| Ok(session.get::<bool>("from the thread")))
        .unwrap();
    assert_eq!(saved, Some(true));
}

#[test]
fn a_copy_of_a_context_is_made_as_a_context_is() {
    let mut app = app();
    app.route("/copy", || {
        let work = copy_current_request_context(contexts);
        thread::spawn(work).join().unwrap()
    });
    let (_, trace) = visit(&app, "/copy");
    assert_eq!(
        subtree(&trace, "view <lambda>"),
        [
            "view <lambda>",
            "  RequestContext.__init__",
            "    Flask.create_url_adapter",
        ]
    );
}

#[test]
fn a_copied_context_may_outlive_its_request() {
    let (send, receive) = channel::<Box<dyn FnOnce() -> Result<String, Error> + Send>>();
    let mut app = app();
    app.route("/late", move || {
        let work = copy_current_request_context(contexts);
        send.send(Box::new(work))
            .map_err(|_unsent| Error::runtime("nobody waits for it"))?;
        Ok::<_, Error>("later")
    });

    assert_eq!(get(&app, "/late").1, "later");
    drop(app);

    let work = receive.recv().unwrap();
    let seen = thread::spawn(work).join().unwrap().unwrap();
    assert_eq!(seen, r#"Some("shop") Some("/late")"#);
}

#[test]
fn a_panic_in_a_copied_context_pops_it_and_goes_on() {
    let log = Log::default();
    let mut app = app();
    let seen = log.clone();
    app.teardown_request(move |error: Option<&Error>| seen.add(format!("{error:?}")));
    let ctx = app.test_request_context("/").unwrap();
    let work = ctx
        .with(|| copy_current_request_context(|| -> &str { panic!("the floor is gone") }))
        .unwrap();
    assert_eq!(log.take(), ["None"]);

    let after = thread::spawn(|| {
        let error = catch(work).unwrap_err();
        (error.to_string(), contexts())
    });
    let (message, contexts) = after.join().unwrap();
    assert_eq!(message, "the floor is gone");
    assert_eq!(contexts, "None None");
    assert_eq!(log.take(), ["Some(Panic: the floor is gone)"]);
}

#[test]
fn copying_takes_a_request_context() {
    let error = catch(|| {
        drop(copy_current_request_context(|| ()));
        Ok(())
    });
    assert_eq!(
        error.unwrap_err().to_string(),
        "'copy_current_request_context' can only be used when a request context is active, such as \
         in a view function."
    );
}

#[test]
fn two_requests_at_the_same_time_do_not_see_each_other() {
    // Both views are at work at the same time, because each waits for the other, twice.
    let barrier = Arc::new(Barrier::new(2));
    let mut app = app();
    app.route("/<name>", move |name: String| {
        barrier.wait();
        session().insert("name", &name)?;
        g().set("name", name);
        barrier.wait();
        let in_session: Option<String> = session().get("name");
        let in_g: Option<String> = g().get("name");
        Ok::<_, Error>(format!("{} {in_session:?} {in_g:?}", request().path()))
    });
    let visit = |path: &'static str| {
        let app = app.clone();
        thread::spawn(move || get(&app, path).1)
    };
    let (jack, jill) = (visit("/jack"), visit("/jill"));
    let (jack, jill) = (jack.join().unwrap(), jill.join().unwrap());
    println!("{jack}\n{jill}");
    assert_eq!(jack, r#"/jack Some("jack") Some("jack")"#);
    assert_eq!(jill, r#"/jill Some("jill") Some("jill")"#);
}

/// Sends this many first requests from as many threads at once.
fn first_requests(app: &App, threads: usize) -> Vec<u16> {
    let start = Arc::new(Barrier::new(threads));
    let visits: Vec<_> = (0..threads)
        .map(|_| {
            let (app, start) = (app.clone(), start.clone());
            thread::spawn(move || {
                start.wait();
                get(&app, "/").0
            })
        })
        .collect();
    let mut statuses: Vec<u16> = visits
        .into_iter()
        .map(|visit| visit.join().unwrap())
        .collect();
    statuses.sort_unstable();
    statuses
}

#[test]
fn many_threads_first_requests_run_before_first_request_once_and_wait_for_it() {
    let (runs, ready) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(false)));
    let mut app = app();
    let (count, done) = (runs.clone(), ready.clone());
    app.before_first_request(move || {
        count.fetch_add(1, Ordering::SeqCst);
        for _ in 0..1000 {
            thread::yield_now();
        }
        *done.lock().unwrap() = true;
    });
    app.route("/", move || {
        if *ready.lock().unwrap() {
            ("ready", 200)
        } else {
            ("too early", 500)
        }
    });
    assert_eq!(first_requests(&app, 16), [200; 16]);
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[test]
fn a_before_first_request_that_fails_runs_again_for_the_next_thread() {
    let runs = Arc::new(AtomicUsize::new(0));
    let mut app = app();
    let count = runs.clone();
    app.before_first_request(move || match count.fetch_add(1, Ordering::SeqCst) {
        0 => Err(DbError("not yet")),
        _ => Ok(()),
    });
    app.route("/", hello);
    let mut expected = [200; 8];
    expected[7] = 500;
    assert_eq!(first_requests(&app, 8), expected);
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

#[test]
fn a_before_first_request_that_panics_does_not_lock_the_others_out() {
    let runs = Arc::new(AtomicUsize::new(0));
    let mut app = app();
    let count = runs.clone();
    app.before_first_request(move || {
        assert!(count.fetch_add(1, Ordering::SeqCst) > 0, "not yet");
    });
    app.route("/", hello);
    assert_eq!(first_requests(&app, 4), [200, 200, 200, 500]);
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

/// What no span or event has been asked for yet takes a process in which no other test has run.
#[test]
fn a_trace_is_whole_though_a_thread_without_a_recorder_comes_first() {
    alone(|| {
        let mut app = app();
        app.route("/", hello);
        let (status, trace) = trace::record(|| {
            let other = app.clone();
            thread::spawn(move || get(&other, "/")).join().unwrap();
            get(&app, "/").0
        });
        assert_eq!(status, 200);
        assert_eq!(trace.hooks(), ["view hello"]);
        assert_eq!(trace.signals().len(), 6);
    });
}

/// A value that asks for its context when it is dropped.
struct Curious;

impl Drop for Curious {
    fn drop(&mut self) {
        println!("{} {}", contexts(), context::try_g().is_err());
    }
}

/// A panic at the end of a thread would end the process.
#[test]
fn what_is_left_on_a_stack_at_the_end_of_its_thread_has_no_context_any_more() {
    alone(|| {
        let app = app();
        let thread = thread::spawn(move || {
            app.app_context().push().unwrap();
            app.test_request_context("/").unwrap().push().unwrap();
            g().set("value", Arc::new(Curious));
        });
        thread.join().unwrap();
    });
}
