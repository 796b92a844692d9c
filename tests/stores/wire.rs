//! What goes over the wire in the visits that each store's chapter of the book plays.
//!
//! A [`Wire`] is an app with a store, a browser, and a relay before the store's real server. It plays
//! visits, keeps what the app's store and the server said to each other in each of them, and writes it
//! into `book/src/generated/wire/<store>/<visit>.txt`, which the chapter includes.
//!
//! A store's own file, `wire/redis.rs` for one, starts the server, has a `Wire` play, and makes what was
//! said readable:
//!
//! ```ignore
//! let relay = Relay::to(server.port());
//! let url = format!("redis://127.0.0.1:{}/?pool=1", relay.port());
//! let mut wire = Wire::new(ServerSideSessionInterface::from_url(&url).unwrap(), relay);
//! wire.play();
//! wire.write("redis", |said| shown(said));
//! ```
//!
//! What is random, or is another one in the next run, has a stand-in of the same length, so that lengths
//! in the protocol stay true. A `Wire` knows the session's ids by itself; a store's file names the rest:
//! `wire.stand_ins.put(random, stand_in)`.
//!
//! Read next: `relay.rs`, which listens; `wire/redis.rs`, a store.

#[cfg(any(
    feature = "postgres",
    feature = "mysql",
    feature = "mongodb",
    feature = "sqlite"
))]
mod bytes;
#[cfg(feature = "memcached")]
mod memcached;
#[cfg(feature = "mongodb")]
mod mongodb;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value as Json;

use carafe::clock::FixedClock;
use carafe::session::{Format, ServerSideSessionInterface};
use carafe::testing::{TestClient, TestResponse};
use carafe::{App, Error, Scaffold, Value, request, session};

use crate::expect::expect_file;
use crate::relay::{Relay, Said, Side};
use crate::sharing::{Browser, Flask};

/// The app's clock: 2033-05-18 03:33:20 UTC. It is so late that no server's own clock finds a session of
/// the visits expired, and before 2038.
pub(crate) const NOW: u64 = 2_000_000_000;

/// A session's lifetime by default, in seconds: 31 days.
pub(crate) const LIFETIME: u64 = 31 * 24 * 60 * 60;

/// The visits of every store's chapter, by the name of the file that each is written to.
pub(crate) const VISITS: &[(&str, &str)] = &[
    // Touches no session, and the browser has no cookie.
    ("page", "GET /"),
    // Writes a new session.
    ("login", "POST /login username=jack"),
    // Reads it and changes nothing.
    ("read", "GET /hello"),
    // Changes it.
    ("change", "POST /color color=red"),
    // Gives it a new id, and another name.
    ("regenerate", "POST /login username=jill"),
    // Empties it.
    ("logout", "POST /logout"),
];

/// An app, its browser, and what was heard of its store.
pub(crate) struct Wire {
    app: App,
    client: TestClient,
    relay: Relay,
    visits: Vec<Visit>,
    pub(crate) stand_ins: StandIns,
}

/// What stands for what is random. The longer a secret, the less it can be something else by chance:
/// nothing of fewer than four bytes is replaced.
#[derive(Default)]
pub(crate) struct StandIns {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    /// How many of them are sessions' ids.
    ids: usize,
}

/// A visit, as it was.
struct Visit {
    name: String,
    /// What the browser sends, without its body's `Content-Type` and such.
    asked: String,
    answered: String,
    said: Vec<Said>,
}

impl Wire {
    /// An app that keeps its sessions in a store whose server is behind this relay.
    pub(crate) fn new(interface: ServerSideSessionInterface, relay: Relay) -> Self {
        let app = app(interface);
        Wire {
            client: app.test_client(),
            app,
            relay,
            visits: Vec::new(),
            stand_ins: StandIns::default(),
        }
    }

    /// Plays all of [`VISITS`].
    #[track_caller]
    pub(crate) fn play(&mut self) {
        for (name, visit) in VISITS {
            self.visit(name, visit);
        }
    }

    /// One visit of the browser, which keeps its cookies: `POST /login username=jack` is a method, a path
    /// and the fields of a form. What is said from now on until the answer is this visit's.
    #[track_caller]
    pub(crate) fn visit(&mut self, name: &str, visit: &str) {
        let mut words = visit.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let fields: Vec<(&str, &str)> = words.map(|it| it.split_once('=').unwrap()).collect();
        let mut asked = format!("{method} {path}\n");
        if let Some(id) = self.client.get_cookie("session") {
            writeln!(asked, "Cookie: session={id}").unwrap();
        }
        let mut request = self.client.open(method, path);
        if !fields.is_empty() {
            let body: Vec<_> = fields
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            writeln!(asked, "\n{}", body.join("&")).unwrap();
            request = request.form(fields);
        }
        let answer = request.send().unwrap();
        assert_eq!(answer.status_code(), 200, "{visit}: {}", answer.text());
        self.visits.push(Visit {
            name: name.to_owned(),
            asked,
            answered: answered(&answer),
            said: self.relay.take_said(),
        });
        if let Some(id) = self.client.get_cookie("session") {
            self.stand_ins.name_id(id);
        }
    }

    /// Adds to the last visit what was said without a relay.
    pub(crate) fn heard(&mut self, text: String) {
        let said = Said {
            connection: 0,
            side: Side::Client,
            bytes: text.into_bytes(),
        };
        let last = self.visits.last_mut().unwrap();
        last.said.extend((!said.bytes.is_empty()).then_some(said));
    }

    /// Forgets what was said so far outside of visits: what opened a connection, say.
    pub(crate) fn forget(&self) {
        self.relay.take_said();
    }

    /// The app, for another browser, or for a visit that nobody is to hear of.
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// The relay, to hear what is said outside of visits.
    pub(crate) fn relay(&self) -> &Relay {
        &self.relay
    }

    /// All that was said in the visit of this name, with the stand-ins.
    #[track_caller]
    pub(crate) fn said(&self, name: &str) -> Vec<Said> {
        let visit = self.visits.iter().find(|visit| visit.name == name);
        let visit = visit.unwrap_or_else(|| panic!("there was no visit {name}"));
        self.stand_ins.said(&visit.said)
    }

    /// Writes, or compares, a file for each visit: what the browser asked, what was said, as lines of
    /// `shown`, each indented by two spaces, and what the browser was answered.
    #[track_caller]
    pub(crate) fn write(&self, store: &str, shown: impl Fn(&[Said]) -> String) {
        for visit in &self.visits {
            let text = |text: &str| self.stand_ins.text(text);
            let said = self.said(&visit.name);
            let shown = match said.is_empty() {
                true => String::from("(nothing is said to the server)"),
                false => shown(&said),
            };
            let wire: String = shown.lines().map(|line| format!("  {line}\n")).collect();
            let (asked, answered) = (text(&visit.asked), text(&visit.answered));
            write(store, &visit.name, &format!("{asked}\n{wire}\n{answered}"));
        }
    }
}

impl StandIns {
    /// Puts `stand_in` in the place of `random`, wherever it was said or will be.
    ///
    /// # Panics
    /// Where one is longer than the other.
    #[track_caller]
    pub(crate) fn put(&mut self, random: impl AsRef<[u8]>, stand_in: impl AsRef<[u8]>) {
        let (random, stand_in) = (random.as_ref().to_vec(), stand_in.as_ref().to_vec());
        assert_eq!(
            random.len(),
            stand_in.len(),
            "a stand-in has the same length"
        );
        assert!(random.len() >= 4, "{random:?} may be there by chance");
        if !self.pairs.iter().any(|(known, _)| *known == random) {
            self.pairs.push((random, stand_in));
        }
    }

    /// A session's id has a stand-in: the first one, `the-first-id` and hyphens.
    #[track_caller]
    pub(crate) fn name_id(&mut self, id: &str) {
        const ORDINALS: [&str; 4] = ["first", "second", "third", "fourth"];
        if self.pairs.iter().any(|(known, _)| known == id.as_bytes()) {
            return;
        }
        let stand_in = format!("the-{}-id", ORDINALS[self.ids]);
        self.ids += 1;
        self.put(id, format!("{stand_in:-<width$}", width = id.len()));
    }

    /// These bytes, with the stand-ins for what is random in them.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for (random, stand_in) in &self.pairs {
            let mut from = 0;
            while let Some(at) = find(&bytes[from..], random) {
                let end = from + at + random.len();
                bytes[from + at..end].copy_from_slice(stand_in);
                from = end;
            }
        }
        bytes
    }

    /// The same for a text.
    pub(crate) fn text(&self, text: &str) -> String {
        String::from_utf8(self.bytes(text.as_bytes())).unwrap()
    }

    /// The same for what was said.
    pub(crate) fn said(&self, said: &[Said]) -> Vec<Said> {
        let said = said.iter().map(|said| Said {
            bytes: self.bytes(&said.bytes),
            ..*said
        });
        said.collect()
    }
}

/// Prints this, and writes or compares `book/src/generated/wire/<store>/<name>.txt`. For what a store shows beside the
/// visits; what is random is to be replaced before.
#[track_caller]
pub(crate) fn write(store: &str, name: &str, text: &str) {
    println!("{text}\n");
    expect_file(&format!("book/src/generated/wire/{store}/{name}.txt"), text);
}

/// What a Flask app with Flask-Session and this config says to its store in a visit that writes a new
/// session, in one that reads it, and in one that changes it, with stand-ins for ids. `None`, and a line
/// that is seen, where there is no Python.
#[track_caller]
pub(crate) fn flask(
    config: &Json,
    relay: &Relay,
    stand_ins: &mut StandIns,
) -> Option<[Vec<Said>; 3]> {
    let mut flask = Flask::start(config)?;
    // What a connection begins with is not a visit's.
    flask.visit(&mut Browser::default(), "/get/username");
    flask.visit(&mut Browser::default(), "/set/username/nobody");
    relay.take_said();
    let mut browser = Browser::default();
    let paths = ["/set/username/jack", "/get/username", "/set/color/red"];
    let said = paths.map(|path| {
        flask.visit(&mut browser, path);
        stand_ins.name_id(&browser.cookie);
        relay.take_said()
    });
    Some(said.map(|said| stand_ins.said(&said)))
}

/// Where `part` is in `bytes`.
fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    let mut windows = bytes.windows(part.len().max(1));
    windows.position(|window| window == part)
}

/// What a browser sees of an answer.
fn answered(answer: &TestResponse) -> String {
    let mut text = String::from("200 OK\n");
    if let Some(cookie) = answer.header("set-cookie") {
        writeln!(text, "Set-Cookie: {cookie}").unwrap();
    }
    write!(text, "\n{}", answer.text()).unwrap();
    text
}

// ANCHOR: app
/// The app that is visited.
fn app(interface: ServerSideSessionInterface) -> App {
    let mut app = App::new("wire");
    app.config().set_clock(Arc::new(FixedClock::new(NOW)));
    app.session_interface(interface);
    app.get("/", || "a page for everybody");
    app.post("/login", || {
        let username = request().form()?.require("username")?.to_owned();
        session().regenerate();
        session().insert("username", &username)?;
        Ok::<_, Error>(format!("welcome, {username}"))
    });
    app.get("/hello", || {
        let username: Option<String> = session().get("username");
        format!("hello, {}", username.unwrap_or_default())
    });
    app.post("/color", || {
        session().insert("color", request().form()?.require("color")?)?;
        Ok::<_, Error>("a good choice")
    });
    app.post("/logout", || {
        session().clear()?;
        Ok::<_, Error>("goodbye")
    });
    app
}
// ANCHOR_END: app

/// `C:` or `S:`, before what was said.
pub(crate) fn mark(side: Side) -> &'static str {
    match side {
        Side::Client => "C:",
        Side::Server => "S:",
    }
}

/// Bytes as text: what is no printable ASCII as `\x81`, as Rust and Python write it.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// What a stored session says, as JSON.
///
/// # Panics
/// Where the bytes are no session.
#[track_caller]
pub(crate) fn decoded(bytes: &[u8]) -> String {
    let session = Format::MessagePack.decode(bytes).unwrap();
    serde_json::to_string(&Value::from(session)).unwrap()
}
