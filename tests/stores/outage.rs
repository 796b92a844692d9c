//! What an app does while its store fails, and after it: the checks that each server is put through.
//!
//! A request that needs the store is a 503 within the timeout, the browser keeps its cookie, and what was
//! acknowledged is there when the server is back. Nothing is restarted but the server.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{StoreErrorKind, open};
use carafe::{App, Error, Scaffold, session};

use crate::relay::Relay;
use crate::servers_sql::{Server, eventually};
use crate::sharing::{Browser, Carafe, Flask};

/// A server to treat badly, and how to reach it.
pub(crate) struct Subject {
    pub(crate) server: Server,
    /// A URL with this port, and a `?` in it.
    pub(crate) url: fn(u16) -> String,
    /// Returns once the server can be used.
    pub(crate) wait_until_ready: fn(&Server),
}

/// A second, in a URL: how long a request waits.
const HASTY: &str = "&timeout=1&pool=8";
/// What a second may become on a machine that has much else to do.
const AT_MOST: Duration = Duration::from_secs(20);

impl Subject {
    fn url(&self, query: &str) -> String {
        (self.url)(self.server.port()) + query
    }
}

fn app(url: &str) -> App {
    let mut app = App::new("outage");
    app.session_interface(ServerSideSessionInterface::from_url(url).unwrap());
    app.get("/get/<key>", |key: String| {
        session().get::<String>(&key).unwrap_or_default()
    });
    app.get("/set/<key>/<value>", |key: String, value: String| {
        session().insert(key, value)?;
        Ok::<_, Error>("set")
    });
    app.get("/login", || {
        session().regenerate();
        session().insert("user", "jack")?;
        Ok::<_, Error>("welcome")
    });
    app.get("/logout", || {
        session().clear()?;
        Ok::<_, Error>("bye")
    });
    app
}

/// A browser that can be taken to another thread.
struct Visitor {
    app: App,
    cookie: String,
}

impl Visitor {
    fn of(app: &App) -> Self {
        let (app, cookie) = (app.clone(), String::new());
        Visitor { app, cookie }
    }

    /// A visit that is answered, or is a 503 that leaves the cookie alone.
    fn visit(&mut self, path: &str) -> Option<String> {
        let begin = Instant::now();
        let mut client = self.app.test_client().without_cookies();
        let request = client.get(path).header("Cookie", &self.cookie);
        let answer = request.send().unwrap();
        let took = begin.elapsed();
        assert!(took < AT_MOST, "{path} took {took:?}");
        let set_cookie = answer.header("Set-Cookie");
        match answer.status_code() {
            200 => {
                if let Some((cookie, _attributes)) =
                    set_cookie.as_deref().and_then(|set| set.split_once(';'))
                {
                    cookie.clone_into(&mut self.cookie);
                }
                Some(answer.text())
            }
            503 => {
                assert_eq!(set_cookie, None, "{path} changes the cookie");
                None
            }
            status => panic!("{path} is a {status}"),
        }
    }
}

/// All of it.
pub(crate) fn run(mut subject: Subject) {
    refused(&mut subject);
    killed_and_paused(&mut subject);
    killed_in_a_request(&mut subject);
    under_load(&mut subject);
    many_at_once(&subject);
}

fn refused(subject: &mut Subject) {
    subject.server.kill();
    let begin = Instant::now();
    let error = open(&subject.url(HASTY)).err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    assert!(begin.elapsed() < AT_MOST);
    subject.server.start();
    (subject.wait_until_ready)(&subject.server);
}

fn killed_and_paused(subject: &mut Subject) {
    let app = app(&subject.url(HASTY));
    // At the same time, so that each of the eight connections is open when the server goes.
    let threads: Vec<_> = (0..12)
        .map(|n| {
            let mut visitor = Visitor::of(&app);
            thread::spawn(move || {
                visitor.visit(&format!("/set/n/{n}")).unwrap();
                visitor
            })
        })
        .collect();
    let mut visitors: Vec<_> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    for is_killed in [true, false] {
        match is_killed {
            true => subject.server.kill(),
            false => subject.server.pause(),
        }
        let paths = ["/get/n", "/set/n/lost", "/login", "/logout"];
        for (visitor, path) in visitors.iter_mut().zip(paths) {
            assert_eq!(visitor.visit(path), None, "{path}");
        }
        match is_killed {
            true => subject.server.start(),
            false => subject.server.resume(),
        }
        (subject.wait_until_ready)(&subject.server);
        for (n, visitor) in visitors.iter_mut().enumerate() {
            let found = visitor.visit("/get/n").expect("the next request works");
            assert_eq!(found, n.to_string());
        }
    }
}

/// The session is opened, and the server is gone when it is to be saved.
fn killed_in_a_request(subject: &mut Subject) {
    let mut app = app(&subject.url(HASTY));
    let server = Arc::new(Mutex::new(Server::none()));
    let to_kill = Arc::clone(&server);
    app.get("/kill/<path>", move |path: String| {
        to_kill.lock().unwrap().kill();
        match &*path {
            "set" => session().insert("n", "lost")?,
            "login" => session().regenerate(),
            _ => session().clear()?,
        }
        Ok::<_, Error>("done")
    });
    let mut visitor = Visitor::of(&app);
    visitor.visit("/set/n/kept").unwrap();
    for path in ["set", "login", "clear"] {
        std::mem::swap(&mut subject.server, &mut server.lock().unwrap());
        let answer = visitor.visit(&format!("/kill/{path}"));
        std::mem::swap(&mut subject.server, &mut server.lock().unwrap());
        assert_eq!(answer, None, "{path}");
        subject.server.start();
        (subject.wait_until_ready)(&subject.server);
        assert_eq!(visitor.visit("/get/n").as_deref(), Some("kept"));
    }
}

/// What a visitor who writes all the time has seen.
#[derive(Default)]
struct Seen {
    acknowledged: AtomicU64,
    failures: AtomicU64,
}

fn under_load(subject: &mut Subject) {
    let app = app(&subject.url(HASTY));
    let is_over = Arc::new(AtomicBool::new(false));
    let mut seen = Vec::new();
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let mut client = Visitor::of(&app);
            let is_over = Arc::clone(&is_over);
            let of_this: Arc<Seen> = Arc::default();
            seen.push(Arc::clone(&of_this));
            thread::spawn(move || {
                let mut n = 0;
                while !is_over.load(Ordering::SeqCst) {
                    n += 1;
                    match client.visit(&format!("/set/n/{n}")) {
                        Some(_) => of_this.acknowledged.store(n, Ordering::SeqCst),
                        None => {
                            of_this.failures.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                }
                (client, n)
            })
        })
        .collect();
    let read = |what: fn(&Seen) -> &AtomicU64| -> Vec<u64> {
        let numbers = seen.iter().map(|seen| what(seen).load(Ordering::SeqCst));
        numbers.collect()
    };
    // Waits until each of the writers has come further.
    let further = |what: fn(&Seen) -> &AtomicU64, by: u64| {
        let before = read(what);
        eventually("each writer gets further", || {
            let now = read(what);
            before.iter().zip(&now).all(|(a, b)| b - a >= by)
        });
    };
    for is_killed in [true, false, true] {
        further(|seen| &seen.acknowledged, 10);
        match is_killed {
            true => subject.server.kill(),
            false => subject.server.pause(),
        }
        further(|seen| &seen.failures, 1);
        match is_killed {
            true => subject.server.start(),
            false => subject.server.resume(),
        }
    }
    further(|seen| &seen.acknowledged, 10);
    is_over.store(true, Ordering::SeqCst);
    for (writer, seen) in writers.into_iter().zip(&seen) {
        let (mut client, tried) = writer.join().unwrap();
        let found = client.visit("/get/n").unwrap().parse::<u64>().unwrap();
        let acknowledged = seen.acknowledged.load(Ordering::SeqCst);
        assert!(
            (acknowledged..=tried).contains(&found),
            "{found} is stored, {acknowledged} was acknowledged, {tried} was tried"
        );
    }
}

fn many_at_once(subject: &Subject) {
    let relay = Relay::to(subject.server.port());
    let app = app(&((subject.url)(relay.port()) + "&pool=8&timeout=60"));
    let begin = Arc::new(Barrier::new(200));
    let visitors: Vec<_> = (0..200)
        .map(|n| {
            let mut client = Visitor::of(&app);
            let begin = Arc::clone(&begin);
            thread::spawn(move || {
                begin.wait();
                client.visit(&format!("/set/n/{n}")).expect("it is saved");
                client.visit("/get/n").expect("it is found")
            })
        })
        .collect();
    for (n, visitor) in visitors.into_iter().enumerate() {
        assert_eq!(visitor.join().unwrap(), n.to_string());
    }
    let connections = relay.connections();
    // Eight commands at once; a connection more where one came later than it was wanted.
    assert!(connections <= 16, "{connections} connections were made");
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
/// Something holds up each command for longer than a request waits, until it is dropped.
pub(crate) fn slow<T>(subject: &Subject, hold_up: impl FnOnce() -> T) {
    let app = app(&subject.url(HASTY));
    let mut visitor = Visitor::of(&app);
    visitor.visit("/set/n/kept").unwrap();
    let held = hold_up();
    assert_eq!(visitor.visit("/get/n"), None);
    drop(held);
    eventually("it is as before", || {
        visitor.visit("/get/n").as_deref() == Some("kept")
    });
}

/// Counts what each visit takes, in Carafe and in Flask. `config` makes Flask's, for a port.
pub(crate) fn count_round_trips(
    subject: &Subject,
    flask_config: impl Fn(u16) -> serde_json::Value,
    wanted: &[(&str, u64)],
) {
    let relay = Relay::to(subject.server.port());
    let interface =
        ServerSideSessionInterface::from_url(&((subject.url)(relay.port()) + "&pool=1")).unwrap();
    let mut carafe = Carafe::new(interface);
    let flask_relay = Relay::to(subject.server.port());
    let mut flask = Flask::start(&flask_config(flask_relay.port()));
    // In the first round the statements are prepared.
    for is_counted in [false, true] {
        let (browser, flask_browser) = (&mut Browser::default(), &mut Browser::default());
        for (path, wanted) in wanted {
            let before = relay.round_trips();
            carafe.visit(browser, path);
            let carafes = relay.round_trips() - before;
            let before = flask_relay.round_trips();
            let flasks = flask.as_mut().map(|flask| {
                flask.visit(flask_browser, path);
                flask_relay.round_trips() - before
            });
            if is_counted {
                println!("{path}: {carafes} round trips, Flask-Session: {flasks:?}");
                assert_eq!(carafes, *wanted, "{path}");
                assert!(carafes <= flasks.unwrap_or(u64::MAX), "{path}: {flasks:?}");
            }
        }
    }
}
