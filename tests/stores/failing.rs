//! What becomes of requests and of sessions while a store's real server fails, and afterwards: the checks
//! that each of them is put through.
//!
//! A request that needs the store is a 503 within the timeout, the browser keeps its cookie, and what was
//! acknowledged is there when the server is back. Nothing is restarted but the server.
//!
//! Read next: `failing/load.rs`, with many requests at once; `redis.rs`, which calls these.

mod load;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{StoreError, StoreErrorKind, open};
use carafe::testing::TestClient;
use carafe::{App, Error, Scaffold, Value, session};

pub(crate) use self::load::{is_asked_by_200_at_once, is_full, is_killed_under_load};
use crate::relay::Relay;
use crate::servers::{Server, wait_until};
use crate::sharing::{Browser, Carafe, Flask};

/// A store with a server that can be made to fail.
pub(crate) struct Subject {
    pub(crate) server: Arc<Server>,
    /// The store's URL, for a server at this port of 127.0.0.1.
    pub(crate) url: fn(u16) -> String,
    /// Whether what the server has acknowledged is there again when it was killed and restarted.
    pub(crate) lasts: bool,
    /// Whether the timeout holds however slowly an answer comes in.
    pub(crate) bears_drips: bool,
    /// Whether it is asked when the store is opened, which is an error while it is down.
    pub(crate) is_asked_at_first: bool,
    /// Whether it is known at once that the server is down. Otherwise that takes the timeout.
    pub(crate) is_missed_at_once: bool,
    /// How many connections a store with 8 may make, one more where one came later than it was wanted.
    pub(crate) connections: u64,
}

/// What a second may become on a machine that has much else to do.
const AT_MOST: Duration = Duration::from_secs(20);

impl Subject {
    fn url(&self, port: u16, options: &str) -> String {
        let url = (self.url)(port);
        let joint = if url.contains('?') { '&' } else { '?' };
        format!("{url}{joint}{options}")
    }

    fn app(&self, options: &str) -> App {
        app(&self.url(self.server.port(), options))
    }

    fn app_behind(&self, relay: &Relay, options: &str) -> App {
        app(&self.url(relay.port(), options))
    }

    /// A minute, where nobody has to wait for it.
    fn timeout_while_down(&self) -> &'static str {
        match self.is_missed_at_once {
            true => "timeout=60",
            false => "timeout=1",
        }
    }

    /// What a session has in it whose server was killed and restarted.
    fn left_of<'a>(&self, value: &'a str) -> &'a str {
        if self.lasts { value } else { "" }
    }
}

pub(crate) fn app(url: &str) -> App {
    with_pages(
        App::new("failing"),
        ServerSideSessionInterface::from_url(url),
    )
}

/// An app whose store is chosen by Flask-Session's config keys.
pub(crate) fn configured(config: Vec<(&str, Value)>) -> App {
    let app = App::new("configured");
    for (key, value) in config {
        app.config().set(key, value).unwrap();
    }
    let interface = ServerSideSessionInterface::from_config(&app);
    with_pages(app, interface)
}

fn with_pages(mut app: App, interface: Result<ServerSideSessionInterface, StoreError>) -> App {
    app.session_interface(interface.unwrap());
    app.get("/plain", || "plain");
    app.get("/get/<key>", |key: String| {
        session().get::<String>(&key).unwrap_or_default()
    });
    app.get("/set/<key>/<value>", |key: String, value: String| {
        session().insert(key, value)?;
        Ok::<_, Error>("set")
    });
    app.get("/large/<int:size>", |size: usize| {
        session().insert("large", "x".repeat(size))?;
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

/// The page's text; `None` for the store's error, which comes in time and leaves the browser its cookie.
#[track_caller]
fn visit(client: &mut TestClient, path: &str) -> Option<String> {
    let before = client.get_cookie("session").map(str::to_owned);
    let begin = Instant::now();
    let answer = client.get(path).send().unwrap();
    let took = begin.elapsed();
    assert!(took < AT_MOST, "{path} took {took:?}");
    match answer.status_code() {
        200 => Some(answer.text()),
        503 => {
            assert_eq!(answer.header("Set-Cookie"), None, "{path}");
            assert_eq!(client.get_cookie("session"), before.as_deref());
            None
        }
        status => panic!("{path} is a {status}: {}", answer.text()),
    }
}

/// The page's text, of a visit that went well.
#[track_caller]
pub(crate) fn page(client: &mut TestClient, path: &str) -> String {
    let text = visit(client, path);
    text.unwrap_or_else(|| panic!("{path} is a 503"))
}

/// Makes sure that a visit gets the store's error, in time, and that the browser's cookie stays.
#[track_caller]
fn fails(client: &mut TestClient, path: &str) {
    let begin = Instant::now();
    assert_eq!(visit(client, path), None, "{path}");
    // Those that wait do so for a second. This is far more, and less than if nobody had said so.
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(4), "{path} took {took:?}");
}

fn with_cookie(app: &App, cookie: &str) -> TestClient {
    let mut client = app.test_client();
    client.set_cookie("session", cookie);
    client
}

/// The cookies of twelve browsers, each with its number in its session. They came at the same time, so
/// that each of the eight connections is open.
fn visitors(app: &App) -> Vec<String> {
    thread::scope(|scope| {
        let come = |n| {
            let mut client = app.test_client();
            page(&mut client, &format!("/set/n/{n}"));
            client.get_cookie("session").unwrap().to_owned()
        };
        let visits: Vec<_> = (0..12).map(|n| scope.spawn(move || come(n))).collect();
        let cookies = visits.into_iter().map(|visit| visit.join().unwrap());
        cookies.collect()
    })
}

/// All that can be done to any server, to one after the other.
pub(crate) fn all(subject: &Subject) {
    is_down_at_first(subject);
    refuses(subject);
    hangs(subject);
    is_killed_in_a_request(subject);
    is_slow(subject);
    hangs_up(subject);
    is_asked_by_200_at_once(subject);
    is_killed_under_load(subject);
}

#[track_caller]
fn all_fail(app: &App, visitors: &[String]) {
    let paths = ["/get/n", "/set/n/lost", "/login", "/logout", "/plain"];
    thread::scope(|scope| {
        for (cookie, path) in visitors.iter().zip(paths) {
            scope.spawn(move || fails(&mut with_cookie(app, cookie), path));
        }
    });
    // Nobody who brings no cookie and writes nothing needs the store.
    let mut stranger = app.test_client();
    page(&mut stranger, "/get/color");
    fails(&mut stranger, "/set/color/red");
}

pub(crate) fn refuses(subject: &Subject) {
    let app = subject.app(subject.timeout_while_down());
    let visitors = visitors(&app);

    subject.server.kill();
    all_fail(&app, &visitors);

    subject.server.restart();
    for (n, cookie) in visitors.iter().enumerate() {
        let (mut client, n) = (with_cookie(&app, cookie), n.to_string());
        assert_eq!(page(&mut client, "/get/n"), subject.left_of(&n));
        page(&mut client, "/set/color/green");
        assert_eq!(page(&mut client, "/get/color"), "green");
    }
}

pub(crate) fn is_down_at_first(subject: &Subject) {
    subject.server.kill();
    let url = subject.url(subject.server.port(), subject.timeout_while_down());
    let early = match subject.is_asked_at_first {
        true => {
            let begin = Instant::now();
            let error = open(&url).err().unwrap();
            assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
            assert!(begin.elapsed() < AT_MOST);
            None
        }
        false => {
            let app = app(&url);
            fails(&mut app.test_client(), "/set/color/red");
            Some(app)
        }
    };
    subject.server.restart();
    let app = early.unwrap_or_else(|| app(&url));
    let mut client = app.test_client();
    page(&mut client, "/set/color/red");
    assert_eq!(page(&mut client, "/get/color"), "red");
}

pub(crate) fn hangs(subject: &Subject) {
    let app = subject.app("timeout=1");
    let visitors = visitors(&app);
    // Nobody is connected to this one yet.
    let fresh = subject.app("timeout=1&pool=2");
    let of_fresh = || with_cookie(&fresh, &visitors[0]);

    let paused = subject.server.pause();
    all_fail(&app, &visitors);
    fails(&mut of_fresh(), "/get/n");
    fails(&mut of_fresh(), "/set/n/lost");
    // With more requests than connections too, each has its answer in time.
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| fails(&mut of_fresh(), "/get/n"));
        }
    });
    drop(paused);

    for (n, cookie) in visitors.iter().enumerate() {
        let mut client = with_cookie(&app, cookie);
        assert_eq!(page(&mut client, "/get/n"), n.to_string());
        page(&mut client, "/set/color/red");
    }
    assert_eq!(page(&mut of_fresh(), "/get/n"), "0");
}

/// The session is opened, and the server is gone when it is to be saved.
pub(crate) fn is_killed_in_a_request(subject: &Subject) {
    let mut app = subject.app("timeout=1");
    let server = Arc::clone(&subject.server);
    app.get("/kill/<path>", move |path: String| {
        server.kill();
        match &*path {
            "set" => session().insert("n", "lost")?,
            "login" => session().regenerate(),
            _ => session().clear()?,
        }
        Ok::<_, Error>("done")
    });
    for path in ["set", "login", "clear"] {
        let mut client = app.test_client();
        page(&mut client, "/set/n/kept");
        fails(&mut client, &format!("/kill/{path}"));
        subject.server.restart();
        assert_eq!(page(&mut client, "/get/n"), subject.left_of("kept"));
    }
}

pub(crate) fn is_slow(subject: &Subject) {
    let relay = Relay::to(subject.server.port());
    let app = subject.app_behind(&relay, "timeout=1");
    let mut client = app.test_client();
    page(&mut client, "/set/color/red");

    relay.delay(Duration::from_secs(3), false);
    fails(&mut client, "/get/color");
    fails(&mut client, "/logout");
    if subject.bears_drips {
        // Each byte comes in time, but not the last one.
        relay.delay(Duration::from_millis(50), true);
        fails(&mut client, "/get/color");
    }
    // Slower than any server should be, but in time.
    relay.delay(Duration::from_millis(20), false);
    assert_eq!(page(&mut client, "/get/color"), "red");
}

/// Something holds up each command for longer than a request waits, until it is dropped.
pub(crate) fn is_held_up<T>(subject: &Subject, hold_up: impl FnOnce() -> T) {
    let app = subject.app("timeout=1");
    let mut client = app.test_client();
    page(&mut client, "/set/n/kept");
    let held = hold_up();
    fails(&mut client, "/get/n");
    drop(held);
    wait_until("it is as before", || {
        visit(&mut client, "/get/n").as_deref() == Some("kept")
    });
}

pub(crate) fn hangs_up(subject: &Subject) {
    let relay = Relay::to(subject.server.port());
    let app = subject.app_behind(&relay, "timeout=10");
    let mut client = app.test_client();
    page(&mut client, "/set/color/red");
    for round in 0..5 {
        // Several connections wait in the pool, all of them ended by the other side.
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| page(&mut app.test_client(), "/set/color/blue"));
            }
        });
        relay.hang_up();
        match round % 2 {
            0 => assert_eq!(page(&mut client, "/get/color"), "red"),
            _ => assert_eq!(page(&mut client, "/set/color/red"), "set"),
        }
    }
}

/// What the visits take of most stores, in round trips.
pub(crate) const TRIPS: [(&str, u64); 6] = [
    ("/get/color", 0),
    ("/set/color/red", 1),
    ("/get/color", 2),
    ("/set/color/blue", 2),
    ("/login/jack", 3),
    ("/logout", 2),
];

/// Counts the round trips of each visit, and makes sure that Flask-Session takes no fewer. `config` makes
/// Flask's, for a port.
pub(crate) fn takes_few_round_trips(
    subject: &Subject,
    config: impl Fn(u16) -> Json,
    wanted: &[(&str, u64)],
) {
    let port = subject.server.port();
    let (relay, flasks_relay) = (Relay::to(port), Relay::to(port));
    let url = subject.url(relay.port(), "pool=1&timeout=60");
    let mut carafe = Carafe::new(ServerSideSessionInterface::from_url(&url).unwrap());
    let mut flask = Flask::start(&config(flasks_relay.port()));
    // In the first round connections are opened, and statements prepared.
    for is_counted in [false, true] {
        let (browser, flasks_browser) = (&mut Browser::default(), &mut Browser::default());
        for (path, wanted) in wanted {
            relay.round_trips();
            carafe.visit(browser, path);
            let trips = relay.round_trips();
            flasks_relay.round_trips();
            let flasks = flask.as_mut().map(|flask| {
                flask.visit(flasks_browser, path);
                flasks_relay.round_trips()
            });
            if is_counted {
                println!("{path}: {trips} round trips, Flask-Session: {flasks:?}");
                assert_eq!(trips, *wanted, "{path}");
                assert!(trips <= flasks.unwrap_or(u64::MAX), "{path}: {flasks:?}");
            }
        }
    }
}
