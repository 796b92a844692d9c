//! What becomes of requests and of sessions while a store's real server fails, and afterwards.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::StoreError;
use carafe::testing::TestClient;
use carafe::{App, Error, Scaffold, Value, session};

use crate::servers::{Proxy, Server, wait_until};
use crate::sharing::{Browser, Flask};

/// A store with a server that can be made to fail.
pub(crate) struct Subject {
    pub(crate) server: Server,
    /// The store's URL, for a server at this address.
    pub(crate) url: fn(&str) -> String,
    /// Whether what the server has acknowledged is there again when it was killed and restarted.
    pub(crate) lasts: bool,
    /// Whether the timeout holds however slowly an answer comes in.
    pub(crate) bears_drips: bool,
}

impl Subject {
    fn app(&self, options: &str) -> App {
        app(&format!("{}{options}", (self.url)(&self.server.address())))
    }

    fn app_behind(&self, proxy: &Proxy, options: &str) -> App {
        app(&format!("{}{options}", (self.url)(&proxy.address())))
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
    app.get("/logout", || {
        session().clear()?;
        Ok::<_, Error>("bye")
    });
    app
}

/// The page's text, of a visit that went well.
#[track_caller]
pub(crate) fn page(client: &mut TestClient, path: &str) -> String {
    let answer = client.get(path).send().unwrap();
    assert_eq!(answer.status_code(), 200, "{path}: {}", answer.text());
    answer.text()
}

/// Makes sure that a visit gets the store's error, in time, and that the browser's cookie stays.
#[track_caller]
fn fails(client: &mut TestClient, path: &str) {
    let before = client.get_cookie("session").map(str::to_owned);
    let start = Instant::now();
    let answer = client.get(path).send().unwrap();
    assert_eq!(answer.status_code(), 503, "{path}");
    assert_eq!(answer.header("Set-Cookie"), None, "{path}");
    assert_eq!(client.get_cookie("session"), before.as_deref());
    // Those that wait do so for a second. This is far more, and less than if nobody had said so.
    assert!(start.elapsed() < Duration::from_secs(4), "{path}: too late");
}

#[track_caller]
fn all_fail(app: &App, client: &mut TestClient) {
    for path in ["/get/color", "/set/color/blue", "/logout", "/plain"] {
        fails(client, path);
    }
    // Nobody who brings no cookie and writes nothing needs the store.
    let mut stranger = app.test_client();
    page(&mut stranger, "/get/color");
    fails(&mut stranger, "/set/color/red");
}

pub(crate) fn refuses(mut subject: Subject) {
    let app = subject.app("?timeout=60");
    let mut client = app.test_client();
    page(&mut client, "/set/color/red");

    subject.server.kill();
    all_fail(&app, &mut client);

    subject.server.restart();
    let color = if subject.lasts { "red" } else { "" };
    assert_eq!(page(&mut client, "/get/color"), color);
    page(&mut client, "/set/color/green");
    assert_eq!(page(&mut client, "/get/color"), "green");
}

pub(crate) fn is_down_at_first(mut subject: Subject) {
    subject.server.kill();
    let app = subject.app("?timeout=60");
    let mut client = app.test_client();
    fails(&mut client, "/set/color/red");
    subject.server.restart();
    page(&mut client, "/set/color/red");
    assert_eq!(page(&mut client, "/get/color"), "red");
}

pub(crate) fn hangs(subject: &Subject) {
    // One that is known, and one to which nobody is connected yet.
    let apps = ["?timeout=1", "?timeout=1&pool=2"].map(|options| subject.app(options));
    let mut clients = apps.each_ref().map(App::test_client);
    page(&mut clients[0], "/set/color/red");
    let cookie = clients[0].get_cookie("session").unwrap().to_owned();
    clients[1].set_cookie("session", &cookie);

    let paused = subject.server.pause();
    for client in &mut clients {
        fails(client, "/get/color");
        fails(client, "/set/color/blue");
    }
    // With more requests than connections too, each has its answer in time.
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let mut client = apps[1].test_client();
                client.set_cookie("session", &cookie);
                fails(&mut client, "/get/color");
            });
        }
    });
    drop(paused);

    for client in &mut clients {
        assert_eq!(page(client, "/get/color"), "red");
        page(client, "/set/color/red");
    }
}

pub(crate) fn is_slow(subject: &Subject) {
    let proxy = Proxy::before(&subject.server);
    let app = subject.app_behind(&proxy, "?timeout=1");
    let mut client = app.test_client();
    page(&mut client, "/set/color/red");

    proxy.delay(Duration::from_secs(3), false);
    fails(&mut client, "/get/color");
    fails(&mut client, "/logout");
    if subject.bears_drips {
        // Each byte comes in time, but not the last one.
        proxy.delay(Duration::from_millis(50), true);
        fails(&mut client, "/get/color");
    }
    // Slower than any server should be, but in time.
    proxy.delay(Duration::from_millis(20), false);
    assert_eq!(page(&mut client, "/get/color"), "red");
}

pub(crate) fn hangs_up(subject: &Subject) {
    let proxy = Proxy::before(&subject.server);
    let app = subject.app_behind(&proxy, "?timeout=10");
    let mut client = app.test_client();
    page(&mut client, "/set/color/red");
    for round in 0..5 {
        // Several connections wait in the pool, all of them ended by the other side.
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| page(&mut app.test_client(), "/set/color/blue"));
            }
        });
        proxy.hang_up();
        match round % 2 {
            0 => assert_eq!(page(&mut client, "/get/color"), "red"),
            _ => assert_eq!(page(&mut client, "/set/color/red"), "set"),
        }
    }
}

pub(crate) fn is_asked_by_200_at_once(subject: &Subject) {
    let proxy = Proxy::before(&subject.server);
    let app = subject.app_behind(&proxy, "?pool=8&timeout=60");
    proxy.delay(Duration::from_millis(1), false);
    thread::scope(|scope| {
        for n in 0..200 {
            let app = &app;
            scope.spawn(move || {
                let mut client = app.test_client();
                page(&mut client, &format!("/set/n/{n}"));
                assert_eq!(page(&mut client, "/get/n"), n.to_string());
            });
        }
    });
    assert!(proxy.most_open() <= 8, "{} connections", proxy.most_open());
    assert_eq!(
        proxy.connections(),
        proxy.most_open(),
        "they are used again"
    );
}

/// Kills the server again and again while four threads save sessions, and counts those that were
/// acknowledged.
pub(crate) fn is_killed_under_load(mut subject: Subject) {
    let app = subject.app("?timeout=30");
    let (is_over, saves, failures) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let acknowledged: Vec<(String, String)> = thread::scope(|scope| {
        let savers: Vec<_> = (0..4)
            .map(|thread| {
                let (app, is_over, saves, failures) = (&app, &is_over, &saves, &failures);
                scope.spawn(move || {
                    let mut acknowledged = Vec::new();
                    while !is_over.load(Ordering::SeqCst) {
                        let value = format!("{thread}-{}", acknowledged.len());
                        let mut client = app.test_client();
                        let answer = client.get(&format!("/set/n/{value}")).send().unwrap();
                        match answer.status_code() {
                            200 => {
                                let cookie = client.get_cookie("session").unwrap();
                                acknowledged.push((cookie.to_owned(), value));
                                saves.fetch_add(1, Ordering::SeqCst);
                            }
                            status => {
                                assert_eq!(status, 503);
                                assert_eq!(client.get_cookie("session"), None);
                                failures.fetch_add(1, Ordering::SeqCst);
                            }
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        let go_on = |count: &AtomicU64| {
            let before = count.load(Ordering::SeqCst);
            wait_until("saves that go on, or fail", || {
                count.load(Ordering::SeqCst) >= before + 50
            });
        };
        for _round in 0..3 {
            go_on(&saves);
            subject.server.kill();
            go_on(&failures);
            subject.server.restart();
            go_on(&saves);
        }
        is_over.store(true, Ordering::SeqCst);
        let savers = savers.into_iter().map(|saver| saver.join().unwrap());
        savers.flatten().collect()
    });
    if subject.lasts {
        subject.server.kill();
        subject.server.restart();
    }
    let mut lost = 0;
    for (cookie, value) in &acknowledged {
        let mut client = app.test_client();
        client.set_cookie("session", cookie);
        let found = page(&mut client, "/get/n");
        assert!(
            found == *value || found.is_empty(),
            "somebody else's session"
        );
        lost += usize::from(found.is_empty());
    }
    let failures = failures.into_inner();
    let saved = acknowledged.len();
    println!("{saved} acknowledged, {failures} refused, {lost} lost");
    if subject.lasts {
        assert_eq!(lost, 0, "of {saved}");
    }
}

/// Fills a server that has little memory. Tells whether a session that was there before still is.
pub(crate) fn is_full(subject: &Subject) -> bool {
    let app = subject.app("?timeout=30");
    let mut client = app.test_client();
    page(&mut client, "/set/color/red");
    let mut others = Vec::new();
    loop {
        let mut other = app.test_client();
        if other.get("/large/30000").send().unwrap().status_code() != 200 {
            break;
        }
        others.push(other);
        assert!(others.len() < 5_000, "it is never full");
    }
    assert!(!others.is_empty());
    // What is there can be read, and ended, and then there is room again.
    fails(&mut client, "/large/30000");
    fails(&mut app.test_client(), "/large/30000");
    let is_kept = page(&mut client, "/get/color") == "red";
    let last = others.last_mut().unwrap();
    assert_eq!(page(last, "/get/large").len(), 30_000);
    for other in others.iter_mut().rev().take(20) {
        page(other, "/logout");
    }
    page(&mut client, "/large/30000");
    assert_eq!(page(&mut client, "/get/large").len(), 30_000);
    is_kept
}

/// Counts the round trips of each visit, and makes sure that Flask-Session takes no fewer.
pub(crate) fn takes_few_round_trips(subject: &Subject, config: impl Fn(&str) -> Json) {
    let (proxy, flasks_proxy) = (
        Proxy::before(&subject.server),
        Proxy::before(&subject.server),
    );
    let app = subject.app_behind(&proxy, "?timeout=60");
    let mut client = app.test_client();
    let mut flask = Flask::start(&config(&flasks_proxy.address()));
    // Connections are opened once.
    page(&mut app.test_client(), "/set/color/red");
    if let Some(flask) = &mut flask {
        flask.visit(&mut Browser::default(), "/set/color/red");
    }
    proxy.requests();
    flasks_proxy.requests();
    let browser = &mut Browser::default();
    for (path, trips) in [
        ("/get/color", 0),
        ("/set/color/red", 1),
        ("/get/color", 2),
        ("/set/color/blue", 2),
        ("/logout", 2),
    ] {
        page(&mut client, path);
        assert_eq!(proxy.requests(), trips, "{path}");
        if let Some(flask) = &mut flask {
            flask.visit(browser, path);
            let flasks = flasks_proxy.requests();
            println!("{path}: {trips} round trips, Flask-Session {flasks}");
            assert!(trips <= flasks, "{path}: Flask-Session takes {flasks}");
        }
    }
}
