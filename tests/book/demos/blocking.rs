//! For the chapter on views that block: who waits for whom, with views that wait until they are let go on.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use carafe::server::{Running, Server};
use carafe::wsgi::Pace;
use carafe::{App, Route, Scaffold, request};

use super::Output;
use super::lines::Lines;
use super::server::{Client, end, start};

pub(crate) const OUTPUTS: &[Output] = &[
    ("blocking/where", where_it_runs),
    ("blocking/pace", pace),
    ("blocking/wrong", wrong),
    ("blocking/starved", starved),
];

/// A server that lets nobody wait this long has not done it.
const PATIENCE: Duration = Duration::from_secs(60);

// ANCHOR: database
/// A database that answers when it is let, and a list of who waits for it.
struct Database {
    asked: Sender<String>,
    answers: Mutex<Receiver<()>>,
}

impl Database {
    /// Waits for the answer.
    fn ask(&self) {
        let _ = self.asked.send(thread_name());
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        // Once the other end is gone, everybody goes on.
        let _ = answers.recv();
    }
}

fn database() -> (Arc<Database>, Receiver<String>, Sender<()>) {
    let (asked, who) = mpsc::channel();
    let (let_go, answers) = mpsc::channel();
    let answers = Mutex::new(answers);
    (Arc::new(Database { asked, answers }), who, let_go)
}
// ANCHOR_END: database

fn thread_name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

/// A request of its own connection, whose answer is read later.
fn send(server: &Running, path: &str) -> Client {
    let mut client = Client::connect(server);
    client.send(&format!(
        "GET {path} HTTP/1.1\r\nHost: book.example\r\nConnection: close\r\n\r\n"
    ));
    client
}

/// The last line of the answer: a view's one line of text.
fn get(server: &Running, path: &str) -> String {
    let answer = send(server, path).rest();
    answer.lines().last().unwrap().to_owned()
}

// ANCHOR: where_it_runs
/// A view that answers with the name of its thread.
fn says_thread() -> impl Fn() -> String + Send + Sync + 'static {
    || thread_name()
}

fn where_it_runs() -> String {
    let mut app = App::new("demo");
    app.get(Route::new("/quick").blocking(false), says_thread());
    app.get(Route::new("/report").blocking(true), says_thread());
    app.get("/hello", says_thread());
    let server = start(app);

    let log = Lines::default();
    let say =
        |path: &str, what: &str, thread: &str| log.add(format!("{path:<8} {what:<28} {thread}"));
    say("/quick", "the app's first request", &get(&server, "/quick"));
    say("/quick", "declared not to wait", &get(&server, "/quick"));
    say("/report", "declared to wait", &get(&server, "/report"));
    say("/hello", "nobody knows yet", &get(&server, "/hello"));
    let mut thread = get(&server, "/hello");
    while thread != "carafe-io" {
        thread = get(&server, "/hello");
    }
    say("/hello", "it was seen not to wait", &thread);
    end(server);
    log.text()
}
// ANCHOR_END: where_it_runs

// ANCHOR: pace
fn pace() -> String {
    let log = Lines::default();
    let pace = Pace::learned();
    let say = |what: &str| {
        let may_wait = match (pace.may_block(), pace.is_known_to_block()) {
            (false, _) => "quick",
            (true, false) => "may wait, as far as anybody knows",
            (true, true) => "is known to wait",
        };
        log.add(format!("{what:<42}{may_wait}"));
    };
    // So many runs it takes until it is quick, each without a wait.
    let runs = || {
        let mut runs = 0;
        while pace.may_block() {
            pace.record(Duration::ZERO);
            runs += 1;
        }
        runs
    };
    say("nobody has seen it run");
    let first = runs();
    say(&format!("{first} runs without a wait"));
    for _ in 0..1_000 {
        pace.record(Duration::from_micros(150));
    }
    say("1,000 runs that wait 150 microseconds");
    pace.record(Duration::from_millis(90));
    say("one that waits 90 milliseconds");
    pace.record(Duration::from_millis(90));
    say("and one more");
    let again = runs();
    say(&format!("{again} runs without a wait"));
    log.text()
}
// ANCHOR_END: pace

// ANCHOR: wrong
fn wrong() -> String {
    let (database, who, let_go) = database();
    let mut app = App::new("demo");
    // Most pages it finds in its cache.
    app.get("/page", move || {
        if request().args().get("cached").is_none() {
            database.ask();
        }
        thread_name()
    });
    app.get("/hello", || "hello");
    let server = Server::new(app).threads(1).bind("127.0.0.1:0").unwrap();
    let server = server.start().unwrap();

    while get(&server, "/page?cached=yes") != "carafe-io" {}
    let log = Lines::default();
    log.add("/page is known to be quick. Then it waits:");
    let mut clients = Vec::new();
    for number in ["first", "second", "third"] {
        clients.push(send(&server, "/page"));
        log.add(format!(
            "    the {number:<6} on {}",
            who.recv_timeout(PATIENCE).unwrap()
        ));
    }
    log.add(format!("meanwhile, /hello: {}", get(&server, "/hello")));
    drop(let_go);
    for client in clients {
        let answer = client.rest();
        log.add(format!("let go: {}", answer.lines().next().unwrap()));
    }
    end(server);
    log.text()
}
// ANCHOR_END: wrong

// ANCHOR: starved
fn starved() -> String {
    let (database, who, let_go) = database();
    let mut app = App::new("demo");
    app.get(Route::new("/report").blocking(true), move || {
        database.ask();
        "report"
    });
    app.get(Route::new("/hello").blocking(false), || "hello");
    let server = Server::new(app).pool(2).queue(1);
    let server = server.bind("127.0.0.1:0").unwrap().start().unwrap();
    // The first request of an app ends its setup, wherever it runs.
    let _hello = get(&server, "/hello");

    let log = Lines::default();
    let mut clients = Vec::new();
    for _ in 0..2 {
        clients.push(send(&server, "/report"));
        log.add(format!("a report waits, on {}", who.recv().unwrap()));
    }
    log.add(format!("meanwhile, /hello: {}", get(&server, "/hello")));

    // Two more: no thread is free, and one of them may stand in line. Who is answered now is the other.
    let (answer, answers) = mpsc::channel();
    for client in [send(&server, "/report"), send(&server, "/report")] {
        let answer = answer.clone();
        thread::spawn(move || answer.send(client.rest()));
    }
    let refused = answers.recv().unwrap();
    let wanted = |line: &&str| line.starts_with("HTTP/") || line.starts_with("retry-after");
    let refused: Vec<&str> = refused.lines().filter(wanted).collect();
    log.add(format!(
        "of two more reports, one is told: {}",
        refused.join(", ")
    ));
    drop(let_go);
    for client in clients {
        let answer = client.rest();
        log.add(format!("let go: {}", answer.lines().next().unwrap()));
    }
    let last = answers.recv().unwrap();
    log.add(format!(
        "and the one in line: {}",
        last.lines().next().unwrap()
    ));
    end(server);
    log.text()
}
// ANCHOR_END: starved
