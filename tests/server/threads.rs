//! Which thread a request runs on: an I/O thread where it is quick, one of the pool where it may wait.
//!
//! The code: `Bridge::answer` in `src/bridge/mod.rs`, `src/pace.rs`. Next: `listeners.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use carafe::config::Settings;
use carafe::routing::{Converter, ValidationError};
use carafe::session::{Session, SessionInterface};
use carafe::wsgi::{self, Environ, Pace, StartResponse, WsgiApp};
use carafe::{App, Error, Request, Response, Route, Scaffold, Value, current_app, g};

use crate::support::{Client, Gate, HELLO, Served, app, serve, wait};

fn thread_name() -> String {
    thread::current().name().unwrap_or("").to_owned()
}

/// A view that says its thread: each a view of its own, since a declaration is one of a view, whatever rules lead to it.
fn says_thread() -> impl Fn() -> String + Send + Sync + 'static {
    || thread_name()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n")
}

/// Asks for `path`, whose view says its thread, until it is learned to be quick.
fn learn(server: &Served, path: &str) {
    let mut client = server.connect();
    for _ in 0..10_000 {
        client.write(get(path));
        if client.answer().text() == "carafe-io" {
            return;
        }
    }
    panic!("{path} was never taken for a quick one");
}

/// Views that say their thread, and wait from when they are told to.
struct Waiting {
    app: App,
    waits: Arc<AtomicBool>,
    gate: Gate,
    entered: Receiver<String>,
}

fn waiting() -> Waiting {
    let waits = Arc::new(AtomicBool::new(false));
    let gate = Gate::default();
    let (enters, entered) = channel();
    let mut app = app();
    let (now, pass) = (Arc::clone(&waits), gate.clone());
    app.get("/thread", move || {
        let name = thread_name();
        if now.load(Ordering::Relaxed) {
            enters.send(name.clone()).unwrap();
            pass.pass();
        }
        name
    });
    app.get("/quick", thread_name);
    Waiting {
        app,
        waits,
        gate,
        entered,
    }
}

#[test]
fn a_declared_route_runs_where_it_was_declared_to() {
    let mut app = app();
    app.get(Route::new("/quick").blocking(false), says_thread());
    app.get(Route::new("/waits").blocking(true), says_thread());
    let server = serve(app, |server| server);
    // The first request of an app ends its setup, and may take its time.
    server.still_answers();
    for _ in 0..100 {
        assert_eq!(server.ask(get("/quick")).text(), "carafe-io");
        assert_eq!(server.ask(get("/waits")).text(), "carafe-pool");
    }
    server.still_answers();
}

#[test]
fn the_first_request_of_all_runs_in_the_pool() {
    let mut app = app();
    app.get(Route::new("/quick").blocking(false), thread_name);
    let server = serve(app, |server| server);
    assert_eq!(server.ask(get("/quick")).text(), "carafe-pool");
    server.still_answers();
}

#[test]
fn a_route_that_nobody_declared_starts_in_the_pool_and_is_learned() {
    let server = serve(waiting().app, |server| server);
    assert_eq!(server.ask(get("/quick")).text(), "carafe-pool");
    learn(&server, "/quick");
    server.still_answers();
}

#[test]
fn a_body_that_is_still_arriving_is_read_in_the_pool() {
    let mut app = app();
    app.post(
        Route::new("/upload").blocking(false),
        || -> Result<_, Error> {
            let length = carafe::request().get_data()?.len();
            Ok(format!("{length} {}", thread_name()))
        },
    );
    let server = serve(app, |server| server);
    server.still_answers();
    let head = "POST /upload HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\n";
    assert_eq!(server.ask(format!("{head}pear")).text(), "4 carafe-io");
    let mut client = server.send(head.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n"));
    assert_eq!(client.head().status, 100);
    client.write("pear");
    assert_eq!(client.answer().text(), "4 carafe-pool");
    server.still_answers();
}

#[test]
fn a_stream_is_made_in_the_pool() {
    let mut app = app();
    app.get(Route::new("/stream").blocking(false), || {
        let view = thread_name();
        Response::stream(std::iter::once_with(move || {
            format!("{view} {}", thread_name())
        }))
    });
    let server = serve(app, |server| server);
    server.still_answers();
    assert_eq!(server.ask(get("/stream")).text(), "carafe-io carafe-pool");
    server.still_answers();
}

#[test]
fn a_route_that_begins_to_wait_keeps_nobody_waiting() {
    let Waiting {
        app,
        waits,
        gate,
        entered,
    } = waiting();
    let server = serve(app, |server| server);
    learn(&server, "/thread");
    learn(&server, "/quick");
    waits.store(true, Ordering::Relaxed);
    let mut clients: Vec<Client> = (0..32).map(|_| server.send(get("/thread"))).collect();
    let names: Vec<String> = clients.iter().map(|_| wait(&entered)).collect();
    // Some of them had been thought to be quick.
    assert!(names.iter().any(|name| name == "carafe-io"), "{names:?}");
    for _ in 0..100 {
        server.still_answers();
        assert_eq!(server.ask(get("/quick")).status, 200);
    }
    gate.open();
    for client in &mut clients {
        assert_eq!(client.answer().status, 200);
    }
    // It is known now.
    let (mut client, mut inline) = (server.connect(), 0);
    for _ in 0..20 {
        client.write(get("/thread"));
        inline += usize::from(client.answer().text() == "carafe-io");
        wait(&entered);
    }
    assert_eq!(inline, 0);
    server.still_answers();
}

#[test]
fn a_route_that_begins_to_wait_keeps_no_open_connection_waiting() {
    let Waiting {
        app,
        waits,
        gate,
        entered,
    } = waiting();
    let server = serve(app, |server| server);
    learn(&server, "/thread");
    // Connections that are driven by the threads that will wait.
    let mut open: Vec<Client> = (0..32)
        .map(|_| {
            let mut client = server.send(HELLO);
            assert_eq!(client.answer().status, 200);
            client
        })
        .collect();
    waits.store(true, Ordering::Relaxed);
    let clients: Vec<Client> = (0..16).map(|_| server.send(get("/thread"))).collect();
    for _ in &clients {
        wait(&entered);
    }
    for _ in 0..20 {
        for client in &mut open {
            client.write(HELLO);
        }
        for client in &mut open {
            assert_eq!(client.answer().status, 200);
        }
    }
    gate.open();
    drop(clients);
    server.still_answers();
}

#[test]
fn more_requests_may_wait_than_there_are_threads_and_all_finish() {
    let Waiting {
        app,
        waits,
        gate,
        entered,
    } = waiting();
    waits.store(true, Ordering::Relaxed);
    let server = serve(app, |server| server.pool(4));
    let mut clients: Vec<Client> = (0..60).map(|_| server.send(get("/thread"))).collect();
    for _ in 0..4 {
        assert_eq!(wait(&entered), "carafe-pool");
    }
    gate.open();
    for client in &mut clients {
        assert_eq!(client.answer().status, 200);
    }
    server.still_answers();
}

/// No sessions, as of a store that may have to be waited for.
struct Far;

impl SessionInterface for Far {
    fn open_session(&self, _: &Arc<Settings>, _: &Request) -> Result<Option<Session>, Error> {
        Ok(None)
    }

    fn save_session(&self, _: &Arc<Settings>, _: &Session, _: &mut Response) -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn with_a_session_store_that_may_wait_nothing_runs_on_an_io_thread() {
    let mut app = App::new("far");
    app.session_interface(Far);
    app.get("/thread", says_thread());
    app.get(Route::new("/quick").blocking(false), says_thread());
    let server = serve(app, |server| server);
    let mut client = server.connect();
    for _ in 0..100 {
        for path in ["/thread", "/quick"] {
            client.write(get(path));
            assert_eq!(client.answer().text(), "carafe-pool");
        }
    }
    // A missing page opens a session, too.
    client.write(get("/nowhere"));
    assert_eq!(client.answer().status, 404);
}

/// Leaves a context behind at `/early`, as it does where the app's answer is an error.
struct Forgetful(App);

impl WsgiApp for Forgetful {
    fn call(
        &self,
        environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<wsgi::Body, Error> {
        if environ.path_info != "/early" {
            return self.0.call(environ, start_response);
        }
        self.0.app_context().push()?;
        g().set("user", "jack".to_owned());
        Err(Error::runtime("before the pop"))
    }

    fn pace(&self, environ: &Environ) -> Option<&Arc<Pace>> {
        WsgiApp::pace(&self.0, environ)
    }
}

#[test]
fn a_context_that_was_left_on_a_thread_is_not_the_next_visitors() {
    for blocking in [false, true] {
        let mut app = app();
        let route = move |rule| Route::new(rule).blocking(blocking);
        app.get(route("/early"), || "not reached");
        let handle = app.clone();
        app.get(route("/stream"), move || {
            let handle = handle.clone();
            let chunk = move || {
                handle.test_request_context("/").unwrap().push().unwrap();
                g().set("user", "jack".to_owned());
                "chunk"
            };
            Response::stream(std::iter::repeat_with(chunk).take(2))
        });
        app.get(route("/close"), || {
            let mut response = Response::new("closed");
            let handle = current_app();
            response.call_on_close(move || {
                handle.app_context().push().unwrap();
                g().set("user", "jack".to_owned());
            });
            response
        });
        app.get(route("/whoami"), || {
            format!("{:?}", g().get::<String>("user"))
        });
        app.get(Route::new("/pooled").blocking(true), || {
            format!("{:?}", g().get::<String>("user"))
        });

        let server = serve(Forgetful(app.clone()), |server| server.pool(1));
        assert_eq!(server.ask(get("/hello")).status, 200);
        for path in ["/early", "/stream", "/close"] {
            server.ask(get(path));
            assert_eq!(server.ask(get("/whoami")).text(), "None", "{path}");
            assert_eq!(server.ask(get("/pooled")).text(), "None", "{path}");
        }
    }
}

/// Panics for one text.
struct Fragile;

impl Converter for Fragile {
    fn to_python(&self, text: &str) -> Result<Value, ValidationError> {
        assert_ne!(text, "broken");
        Ok(text.into())
    }
}

#[test]
fn a_converter_that_panics_is_a_500_each_time() {
    let mut app = app();
    app.add_converter("fragile", |_args| Ok(Fragile));
    app.get("/of/<fragile:text>", |text: String| text);
    let server = serve(app, |server| server);
    // Before the first request there is no pace to ask for, and so no match for it.
    for _ in 0..3 {
        assert_eq!(server.ask(get("/of/broken")).status, 500);
        assert_eq!(server.ask(get("/of/pears")).text(), "pears");
    }
}
