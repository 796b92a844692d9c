//! What becomes of visits while a real Redis is killed, paused and started again: recorded for the book.
//!
//! `failing.rs` checks the same for each store. Here every line is kept, in
//! `book/src/generated/wire/down`. A port is replaced by 16379.

use std::sync::{Arc, Mutex};

use serde_json::json;

use carafe::testing::TestClient;
use carafe::trace::{self, Kind, Trace};
use carafe::{App, Error, Scaffold, session};

use crate::expect::expect_file;
use crate::failing;
use crate::redis::{cli, url};
use crate::servers::{self, Paused, Server, wait_until};
use crate::sharing::{Browser, Flask};

/// The lines of one file.
struct Recording {
    app: App,
    client: TestClient,
    address: String,
    lines: Vec<String>,
}

impl Recording {
    fn new(app: App, server: &Server) -> Self {
        Recording {
            client: app.test_client(),
            app,
            address: server.address(),
            lines: Vec::new(),
        }
    }

    fn say(&mut self, line: &str) {
        self.lines.push(format!("-- {line}"));
    }

    // ANCHOR: visit
    /// One visit: the answer, what became of the browser's cookie, and what Redis was asked.
    fn visit(&mut self, path: &str) {
        let before = self.client.get_cookie("session").map(str::to_owned);
        let (answer, trace) = trace::record(|| self.client.get(path).send());
        let answer = answer.unwrap();
        let after = self.client.get_cookie("session");
        let cookie = match (answer.header("Set-Cookie"), before.as_deref() == after) {
            (None, _) => "no Set-Cookie",
            (Some(_), true) => "the same id",
            (Some(_), false) => "a new id",
        };
        let text = match answer.status_code() {
            200 => answer.text(),
            _ => String::new(),
        };
        let line = format!(
            "{path:<16} {} {text:<6} {cookie:<14} {}",
            answer.status_code(),
            commands(&trace)
        );
        self.lines.push(line.trim_end().to_owned());
        if let Some(error) = first_error(&trace) {
            let error = format!("    {}", error.replace(&self.address, "127.0.0.1:16379"));
            // The same words again say nothing new.
            if !self.lines.contains(&error) {
                self.lines.push(error);
            }
        }
    }
    // ANCHOR_END: visit

    fn keep(&self, name: &str) {
        let file = format!("book/src/generated/wire/down/{name}.txt");
        expect_file(&file, &self.lines.join("\n"));
    }
}

/// What the store said went wrong, without what its client adds to it.
fn first_error(trace: &Trace) -> Option<&str> {
    let mut errors = trace.iter().filter(|step| step.kind == Kind::Store);
    let error = errors.find_map(|step| step.error.as_deref())?;
    error.lines().next()
}

/// What Redis was asked; a cross where no answer came.
fn commands(trace: &Trace) -> String {
    let calls = trace.steps().iter().enumerate();
    let calls = calls.filter(|(_, step)| step.kind == Kind::Store);
    let commands = calls.map(|(index, call)| {
        let inside = &trace.steps()[index..call.end];
        let command = inside.iter().find(|step| step.kind == Kind::Command);
        let cross = if call.error.is_some() { " ✗" } else { "" };
        command.map_or(String::new(), |command| format!("{}{cross}", command.name))
    });
    commands.collect::<Vec<_>>().join(", ")
}

/// A Redis that has on disk what it has acknowledged.
fn careful_redis() -> Option<Server> {
    servers::redis(&["--appendonly", "yes", "--appendfsync", "always"])
}

// ANCHOR: killed
#[test]
fn a_redis_that_is_killed_and_comes_back() {
    let Some(server) = careful_redis() else {
        return;
    };
    let app = failing::app(&url(&server.address()));
    let mut recording = Recording::new(app, &server);
    recording.visit("/set/color/red");
    recording.visit("/get/color");
    server.kill();
    recording.say("Redis is killed");
    for path in ["/get/color", "/set/color/blue", "/logout", "/plain"] {
        recording.visit(path);
    }
    let regular = std::mem::replace(&mut recording.client, recording.app.test_client());
    recording.say("another browser, without a cookie");
    recording.visit("/plain");
    recording.visit("/set/color/green");
    recording.client = regular;
    server.restart();
    recording.say("Redis is started again; the first browser");
    recording.visit("/get/color");
    server.kill();
    server.restart();
    recording.say("Redis is killed and started again between two visits");
    recording.visit("/get/color");
    recording.keep("killed");
}
// ANCHOR_END: killed

#[test]
fn a_redis_that_is_paused_and_goes_on() {
    let Some(server) = careful_redis() else {
        return;
    };
    let mut app = failing::app(&(url(&server.address()) + "?timeout=1"));
    let server = Arc::new(server);
    let paused: Arc<Mutex<Option<Paused>>> = Arc::default();
    let (to_pause, guard) = (Arc::clone(&server), Arc::clone(&paused));
    app.get("/set-late", move || {
        *guard.lock().unwrap() = Some(to_pause.pause());
        session().insert("color", "blue")?;
        Ok::<_, Error>("set")
    });
    let mut recording = Recording::new(app, &server);
    recording.visit("/set/color/red");
    *paused.lock().unwrap() = Some(server.pause());
    recording.say("Redis is paused (SIGSTOP); the store's timeout is 1 second");
    recording.visit("/get/color");
    recording.visit("/logout");
    paused.lock().unwrap().take();
    recording.say("Redis goes on (SIGCONT)");
    recording.visit("/get/color");
    recording.say("Redis is paused while the view runs");
    recording.visit("/set-late");
    paused.lock().unwrap().take();
    recording.say("Redis goes on, and does what it was told in the meantime");
    // It reads the other connection's command before ours; that takes no time, but it is not ours to say.
    let key = cli(&server, &["KEYS", "session:*"]);
    wait_until("the save that was given up is done", || {
        cli(&server, &["GET", key.trim()]).contains("blue")
    });
    recording.visit("/get/color");
    recording.keep("paused");
}

#[test]
fn a_redis_that_forgets() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let app = failing::app(&url(&server.address()));
    let mut recording = Recording::new(app, &server);
    recording.visit("/set/color/red");
    recording.visit("/get/color");
    server.kill();
    server.restart();
    recording.say("a Redis that keeps nothing on disk is killed and started again");
    recording.visit("/get/color");
    recording.visit("/set/color/blue");
    recording.keep("forgets");
}

#[test]
fn flask_session_while_its_redis_is_killed() {
    let Some(server) = careful_redis() else {
        return;
    };
    let config = json!({
        "SESSION_TYPE": "redis",
        "SESSION_REDIS": url(&server.address()),
        "QUIET": true,
    });
    let Some(mut flask) = Flask::start(&config) else {
        return;
    };
    let browser = &mut Browser::default();
    let mut lines = Vec::new();
    let mut visit = |lines: &mut Vec<String>, path: &str| {
        let before = browser.cookie.clone();
        let answer = flask.answer(browser, path);
        let cookie = match (&answer.set_cookie, before == browser.cookie) {
            (None, _) => "no Set-Cookie",
            (Some(_), true) => "the same id",
            (Some(_), false) => "a new id",
        };
        let text = match answer.status {
            200 => &*answer.text,
            _ => "",
        };
        lines.push(format!("{path:<16} {} {text:<6} {cookie}", answer.status));
    };
    visit(&mut lines, "/set/color/red");
    server.kill();
    lines.push("-- Redis is killed".to_owned());
    visit(&mut lines, "/get/color");
    visit(&mut lines, "/");
    server.restart();
    lines.push("-- Redis is started again".to_owned());
    visit(&mut lines, "/get/color");
    let file = "book/src/generated/wire/down/flask_session.txt";
    expect_file(file, &lines.join("\n"));
}
