//! What a session costs in each store: `cargo bench --bench stores --features redis,memcached,sqlite,postgres`.
//!
//! A request opens a session, changes it and saves it. Beside it stands the floor: the same client library
//! reads and writes the same bytes under a key, and nothing else. Beside Redis and Memcached also stand
//! Flask-Session, and beside Redis actix-session. All take turns, some requests each, and the medians are of single
//! requests; then the round trips of a request are counted, through a relay. `-- --quick` takes fewer turns.
//!
//! Starts its own servers, and ends them. What is missing is named, and left out. Writes no file.
//! Read next: `stores/floor.rs` and `stores/child.rs`, who takes part.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark may give up"
)]

#[path = "stores/child.rs"]
mod child;
#[allow(dead_code, reason = "the other benchmarks use the rest")]
mod common;
#[path = "stores/files.rs"]
mod files;
#[path = "stores/floor.rs"]
mod floor;
#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/stores/relay.rs"]
mod relay;
#[cfg(any(feature = "redis", feature = "memcached"))]
#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/stores/servers.rs"]
mod servers;
#[cfg(feature = "postgres")]
#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/stores/servers_sql.rs"]
mod servers_sql;

use std::time::Instant;

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::open;
use carafe::{App, Scaffold, session};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, StatusCode};

use child::Child;

/// One who takes part: asked for so many requests, says how long each took, in nanoseconds.
pub(crate) struct Contestant {
    store: &'static str,
    name: &'static str,
    run: Box<dyn FnMut(usize) -> Vec<u64>>,
    times: Vec<u64>,
}

impl Contestant {
    /// One of this process, with one request.
    pub(crate) fn new(
        store: &'static str,
        name: &'static str,
        mut one: impl FnMut() + 'static,
    ) -> Self {
        let run = move |count| (0..count).map(|_| timed(&mut one)).collect();
        Contestant {
            store,
            name,
            run: Box::new(run),
            times: Vec::new(),
        }
    }

    fn of_child(store: &'static str, name: &'static str, mut child: Child) -> Self {
        let run = move |count| child.run(count);
        Contestant {
            store,
            name,
            run: Box::new(run),
            times: Vec::new(),
        }
    }

    /// In microseconds.
    fn median(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort_unstable();
        times[times.len() / 2] as f64 / 1000.0
    }
}

fn timed(one: &mut impl FnMut()) -> u64 {
    let begin = Instant::now();
    one();
    u64::try_from(begin.elapsed().as_nanos()).unwrap()
}

/// An app that keeps its sessions there, and a visitor of whom it has one.
struct Visitor {
    app: App,
    cookie: HeaderValue,
    /// The key of the session, and what is under it.
    key: String,
    bytes: Vec<u8>,
}

impl Visitor {
    fn of(url: &str) -> Self {
        let mut app = common::app(None);
        app.session_interface(ServerSideSessionInterface::from_url(url).unwrap());
        app.route("/login", || {
            session().insert("count", 41)?;
            session().insert("username", "jack")?;
            Ok::<_, carafe::Error>("welcome")
        });
        let mut id = String::new();
        let mut start = |status: StatusCode, headers: HeaderMap| {
            assert_eq!(status, StatusCode::OK);
            let cookie = headers[SET_COOKIE].to_str().unwrap();
            let cookie = cookie.strip_prefix("session=").unwrap();
            id = cookie.split(';').next().unwrap().to_owned();
        };
        let body = app
            .wsgi_app(common::environ("/login", None), &mut start)
            .unwrap();
        drop(body.into_bytes().unwrap());
        let key = format!("session:{id}");
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        // What is in this process's memory, another store does not see; its length is as any other's.
        let bytes = open(url).unwrap().get(&key, now.as_secs()).unwrap();
        Visitor {
            app,
            cookie: HeaderValue::try_from(format!("session={id}")).unwrap(),
            key,
            bytes: bytes.unwrap_or_default(),
        }
    }

    fn contestant(self, store: &'static str) -> Contestant {
        let count = move || {
            let environ = common::environ("/counter", Some(&self.cookie));
            common::request(&self.app, environ).unwrap();
        };
        Contestant::new(store, "Carafe", count)
    }
}

#[cfg(feature = "redis")]
fn redis(port: u16) -> Vec<Contestant> {
    let url = format!("redis://127.0.0.1:{port}");
    let visitor = Visitor::of(&url);
    let mut all = vec![
        floor::redis(&url, &visitor.key, &visitor.bytes),
        visitor.contestant("Redis"),
    ];
    let flask = Child::flask("redis", &url);
    all.extend(flask.map(|child| Contestant::of_child("Redis", "Flask-Session", child)));
    let actix = Child::actix(&url);
    all.extend(actix.map(|child| Contestant::of_child("Redis", "actix-session", child)));
    all
}

#[cfg(feature = "memcached")]
fn memcached(port: u16) -> Vec<Contestant> {
    let address = format!("127.0.0.1:{port}");
    let url = format!("memcached://{address}");
    let visitor = Visitor::of(&url);
    let floor = floor::memcached(&address, &visitor.key, &visitor.bytes);
    let mut all = vec![floor, visitor.contestant("Memcached")];
    let flask = Child::flask("memcached", &url);
    all.extend(flask.map(|child| Contestant::of_child("Memcached", "Flask-Session", child)));
    all
}

#[cfg(feature = "sqlite")]
fn sqlite(url: &str, path: &str) -> Vec<Contestant> {
    let visitor = Visitor::of(url);
    vec![
        floor::sqlite(path, &visitor.key, &visitor.bytes),
        visitor.contestant("SQLite"),
    ]
}

#[cfg(feature = "postgres")]
fn postgres(port: u16) -> Vec<Contestant> {
    let url = &format!("postgres://carafe@127.0.0.1:{port}/postgres");
    // One that listens may not be ready yet.
    servers_sql::eventually("a store that opens", || open(url).is_ok());
    let visitor = Visitor::of(url);
    vec![
        floor::postgres(url, &visitor.key, &visitor.bytes),
        visitor.contestant("PostgreSQL"),
    ]
}

/// The round trips of one request, after some that open connections and prepare statements.
#[cfg(any(feature = "redis", feature = "memcached", feature = "postgres"))]
fn count_round_trips(port: u16, contestants: impl Fn(u16) -> Vec<Contestant>) {
    let relay = relay::Relay::to(port);
    for mut contestant in contestants(relay.port()) {
        (contestant.run)(3);
        let before = relay.round_trips();
        (contestant.run)(20);
        let trips = (relay.round_trips() - before) as f64 / 20.0;
        println!("| {} | {} | {trips} |", contestant.store, contestant.name);
    }
}

fn main() {
    let is_quick = std::env::args().any(|arg| arg == "--quick");
    let (turns, batch) = if is_quick { (20, 20) } else { (100, 50) };
    let mut all = vec![Visitor::of("memory:").contestant("memory")];

    #[cfg(feature = "redis")]
    let redis_server = servers::redis(&[]);
    #[cfg(feature = "redis")]
    match &redis_server {
        Some(server) => all.extend(redis(server.port())),
        None => println!("Not measured: Redis; there is no redis-server."),
    }
    #[cfg(feature = "memcached")]
    let memcached_server = servers::memcached(&[]);
    #[cfg(feature = "memcached")]
    match &memcached_server {
        Some(server) => all.extend(memcached(server.port())),
        None => println!("Not measured: Memcached; there is no memcached."),
    }
    #[cfg(feature = "sqlite")]
    let dir = files::TempDir::new();
    #[cfg(feature = "sqlite")]
    {
        std::fs::create_dir_all(dir.path()).unwrap();
        let path = dir.path().join("sessions.db").display().to_string();
        all.extend(sqlite(&format!("sqlite://{path}"), &path));
    }
    #[cfg(feature = "postgres")]
    let postgres_server = servers_sql::Server::postgres();
    #[cfg(feature = "postgres")]
    match &postgres_server {
        Some(server) => all.extend(postgres(server.port())),
        None => println!("Not measured: PostgreSQL; it is not installed."),
    }
    println!("Not measured: MySQL and MongoDB, which have no floor here.\n");

    // The first turn is for caches and connections.
    for turn in 0..=turns {
        for contestant in &mut all {
            let times = (contestant.run)(batch);
            if turn > 0 {
                contestant.times.extend(times);
            }
        }
    }
    show(&all, turns * batch);

    println!("\n| store | | round trips per request |\n| --- | --- | --- |");
    #[cfg(feature = "redis")]
    if let Some(server) = &redis_server {
        count_round_trips(server.port(), redis);
    }
    #[cfg(feature = "memcached")]
    if let Some(server) = &memcached_server {
        count_round_trips(server.port(), memcached);
    }
    #[cfg(feature = "postgres")]
    if let Some(server) = &postgres_server {
        count_round_trips(server.port(), postgres);
    }
}

fn show(all: &[Contestant], count: usize) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("Medians of {count} requests each; load {load}");
    println!("| store | | µs | of the floor | of the floor and a request in memory |");
    println!("| --- | --- | --- | --- | --- |");
    let request = all[0].median();
    for contestant in all {
        let median = contestant.median();
        let same_store =
            |other: &&Contestant| other.store == contestant.store && other.name == "floor";
        let (of_floor, of_both) = match all.iter().find(same_store) {
            Some(floor) => {
                let floor = floor.median();
                (
                    format!("{:.2}", median / floor),
                    format!("{:.2}", median / (floor + request)),
                )
            }
            None => (String::new(), String::new()),
        };
        println!(
            "| {} | {} | {median:.1} | {of_floor} | {of_both} |",
            contestant.store, contestant.name
        );
    }
}
