//! For the chapter on a store that is down: one that fails when it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{Lifetime, MemoryStore, Store, StoreError};
use carafe::testing::TestClient;
use carafe::trace::{self, Kind, Trace};
use carafe::{App, Error, Response, Scaffold, make_response, session};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[
    ("store_down/open", open),
    ("store_down/save", save),
    ("store_down/answer", answer),
    ("store_down/forgiving", forgiving),
];

// ANCHOR: fragile
/// A store in memory, with two switches.
#[derive(Default)]
struct Fragile {
    memory: MemoryStore,
    cannot_read: AtomicBool,
    cannot_write: AtomicBool,
}

impl Fragile {
    fn unless(&self, switch: &AtomicBool) -> Result<&MemoryStore, StoreError> {
        match switch.load(Ordering::Relaxed) {
            true => Err(StoreError::unavailable("fragile", "it is down")),
            false => Ok(&self.memory),
        }
    }
}

impl Store for Fragile {
    fn name(&self) -> &'static str {
        "fragile"
    }
    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.unless(&self.cannot_read)?.get(key, now)
    }
    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        let memory = self.unless(&self.cannot_write)?;
        memory.set(key, value, lifetime)
    }
    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.unless(&self.cannot_write)?.delete(key)
    }
}
// ANCHOR_END: fragile

fn load_user() {}
fn add_header(_response: &mut Response) {}
fn close_database(_error: Option<&Error>) {}

// ANCHOR: app
fn hello() -> String {
    let name: Option<String> = session().get("name");
    format!("hello, {}", name.unwrap_or("stranger".to_owned()))
}

fn log_in() -> Result<&'static str, Error> {
    session().insert("name", "jack")?;
    Ok("welcome")
}

fn choose_red() -> Result<&'static str, Error> {
    session().insert("color", "red")?;
    Ok("red it is")
}

fn shop(sessions: ServerSideSessionInterface) -> App {
    let mut app = App::new("shop");
    app.session_interface(sessions);
    app.before_request(load_user);
    app.get("/", hello);
    app.get("/login", log_in);
    app.get("/red", choose_red);
    app.after_request(add_header);
    app.teardown_request(close_database);
    app
}
// ANCHOR_END: app

/// A shop, its store, and a visitor who is logged in.
fn visited() -> (App, Arc<Fragile>, TestClient) {
    let store = Arc::new(Fragile::default());
    let app = shop(ServerSideSessionInterface::new(Arc::clone(&store)));
    let mut client = app.test_client();
    client.get("/login").send().unwrap();
    (app, store, client)
}

/// One visit: the answer's status and cookie, and the steps that led to it.
fn traced(client: &mut TestClient, path: &str) -> String {
    let (answer, trace) = trace::record(|| client.get(path).send());
    let answer = answer.unwrap();
    let cookie = answer.header("Set-Cookie").unwrap_or("none".to_owned());
    let status = answer.status_code();
    format!(
        "GET {path}: {status}, Set-Cookie: {cookie}\n\n{}",
        outline(&trace)
    )
}

/// All steps but the signals and what is not this chapter's. A cross is on each that an error left.
fn outline(trace: &Trace) -> String {
    const LEFT_OUT: &[&str] = &[
        "Flask.request_context",
        "Flask.app_context",
        "Flask.create_url_adapter",
        "RequestContext.__init__",
        "AppContext.__init__",
        "RequestContext.match_request",
        "Flask.try_trigger_before_first_request_functions",
        "Flask.should_ignore_error",
        "RequestContext.auto_pop",
    ];
    let mut lines = Vec::new();
    // Where the shown steps end that the next one is in.
    let mut ends: Vec<usize> = Vec::new();
    for (index, step) in trace.iter().enumerate() {
        ends.retain(|end| index < *end);
        if step.kind == Kind::Signal || LEFT_OUT.contains(&&*step.name) {
            continue;
        }
        let indent = "  ".repeat(ends.len());
        let cross = if step.error.is_some() { " ✗" } else { "" };
        let log = if step.kind == Kind::Log { "log: " } else { "" };
        lines.push(format!("{indent}{log}{}{cross}", step.label()));
        ends.push(step.end);
    }
    lines.join("\n")
}

// ANCHOR: open
fn open() -> String {
    let (_app, store, mut client) = visited();
    store.cannot_read.store(true, Ordering::Relaxed);
    traced(&mut client, "/")
}
// ANCHOR_END: open

// ANCHOR: save
fn save() -> String {
    let (_app, store, mut client) = visited();
    store.cannot_write.store(true, Ordering::Relaxed);
    traced(&mut client, "/red")
}
// ANCHOR_END: save

// ANCHOR: answer
fn sorry(error: &StoreError) -> Result<Response, Error> {
    let status = error.kind().status();
    let mut response = make_response((format!("no {} today", error.store()), status))?;
    response.set_header("Retry-After", "5")?;
    Ok(response)
}

fn answer() -> String {
    let store = Arc::new(Fragile::default());
    let mut app = shop(ServerSideSessionInterface::new(Arc::clone(&store)));
    app.errorhandler_for(sorry);
    store.cannot_write.store(true, Ordering::Relaxed);
    let answer = app.test_client().get("/login").send().unwrap();
    let retry = answer.header("Retry-After").unwrap();
    let status = answer.status_code();
    format!("{status}, Retry-After: {retry}\n{}", answer.text())
}
// ANCHOR_END: answer

// ANCHOR: forgiving_store
/// Says that there is nothing where it cannot look.
struct Forgiving(Arc<Fragile>);

impl Store for Forgiving {
    fn name(&self) -> &'static str {
        "forgiving"
    }
    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.get(key, now).unwrap_or(None))
    }
    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        self.0.set(key, value, lifetime)
    }
    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.delete(key)
    }
}
// ANCHOR_END: forgiving_store

// ANCHOR: forgiving
fn a_short_outage(store: &Fragile, sessions: ServerSideSessionInterface) -> String {
    let mut client = shop(sessions).test_client();
    let mut ids = Vec::new();
    let lines = ["/login", "/red", "/"].map(|path| {
        store.cannot_read.store(path == "/red", Ordering::Relaxed);
        let answer = client.get(path).send().unwrap();
        let text = match answer.status_code() {
            200 => answer.text(),
            status => status.to_string(),
        };
        let id = client.get_cookie("session").unwrap().to_owned();
        if !ids.contains(&id) {
            ids.push(id);
        }
        format!("  {path:<7} {text:<16} the browser has id {}", ids.len())
    });
    lines.join("\n")
}

fn forgiving() -> String {
    let store = || Arc::new(Fragile::default());
    let (one, other) = (store(), store());
    let fails = ServerSideSessionInterface::new(Arc::clone(&one));
    let forgives = ServerSideSessionInterface::new(Forgiving(Arc::clone(&other)));
    let lines = [
        "a store that fails".to_owned(),
        a_short_outage(&one, fails),
        "a store that forgives".to_owned(),
        a_short_outage(&other, forgives),
    ];
    lines.join("\n")
}
// ANCHOR_END: forgiving
