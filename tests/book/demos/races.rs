//! For the chapter on races: two requests on one session, one of which takes its time.

use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use carafe::session::store::{Ability, Lifetime, MemoryStore, Store, StoreError};
use carafe::session::{Format, ServerSideSessionInterface};
use carafe::testing::TestClient;
use carafe::{App, Error, Scaffold, request, session};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[
    ("races/lost", lost),
    ("races/looked", looked),
    ("races/conflict", conflict),
    ("races/again", again),
    ("races/logout", logout),
    ("races/cookie", cookie),
];

/// A store in memory that writes down what each page asks of it.
#[derive(Default)]
struct Told {
    memory: MemoryStore,
    log: Mutex<Vec<String>>,
}

impl Told {
    fn say(&self, what: &str) {
        let line = format!("{:<12} {what}", request().path());
        self.log.lock().unwrap().push(line);
    }

    /// What was written down since the last time.
    fn log(&self) -> String {
        let lines = std::mem::take(&mut *self.log.lock().unwrap());
        lines.join("\n")
    }

    /// What is stored at the end.
    fn content(&self) -> String {
        let mut all = Vec::new();
        let mut show = |entry: carafe::session::store::Entry<'_>| {
            all.push(text(entry.value).to_owned());
            carafe::session::store::Verdict::Keep
        };
        self.memory.visit("", 0, &mut show).unwrap();
        match all.is_empty() {
            true => "stored at the end: nothing".to_owned(),
            false => format!("stored at the end: {}", all.join(" and ")),
        }
    }
}

fn text(value: &[u8]) -> &str {
    std::str::from_utf8(value).unwrap()
}

impl Store for Told {
    fn name(&self) -> &'static str {
        "told"
    }
    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.memory.get(key, now)?;
        self.say(&format!(
            "reads  {}",
            found.as_deref().map_or("nothing", text)
        ));
        Ok(found)
    }
    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        self.say(&format!("writes {}", text(value)));
        self.memory.set(key, value, lifetime)
    }
    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.say("deletes it");
        self.memory.delete(key)
    }
    fn touch(&self, key: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        let is_there = self.memory.touch(key, lifetime)?;
        self.say(match is_there {
            true => "touches it",
            false => "touches it: not there",
        });
        Ok(is_there)
    }
    fn can(&self, ability: Ability) -> bool {
        self.memory.can(ability)
    }
    fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        lifetime: Lifetime,
    ) -> Result<bool, StoreError> {
        let is_done = self
            .memory
            .compare_and_set(key, expected, value, lifetime)?;
        let (old, new) = (expected.map_or("nothing", text), text(value));
        let verdict = if is_done { "yes" } else { "no" };
        self.say(&format!(
            "writes {new}\n{:12} if there is {old}: {verdict}",
            ""
        ));
        Ok(is_done)
    }
}

// ANCHOR: pages
/// Two requests meet here twice: once a slow one is in its view, and again before it goes on.
type Meeting = Arc<Barrier>;

fn shop(sessions: Option<ServerSideSessionInterface>) -> (App, Meeting) {
    let meeting = Arc::new(Barrier::new(2));
    let mut app = App::new("shop");
    app.config().set_secret_key("adavafa");
    if let Some(sessions) = sessions {
        app.session_interface(sessions);
    }
    let in_the_view = Arc::clone(&meeting);
    app.before_request(move || {
        if request().query_string() == "slow" {
            in_the_view.wait();
            in_the_view.wait();
        }
    });
    app.get("/look", || format!("{} things", session().len()));
    app.get("/set/<key>", |key: String| {
        session().insert(key, true)?;
        Ok::<_, Error>("set")
    });
    app.get("/logout", || {
        session().clear()?;
        Ok::<_, Error>("bye")
    });
    (app, meeting)
}
// ANCHOR_END: pages

/// An answer, as far as a browser minds it.
struct Answer {
    status: u16,
    set_cookie: Option<String>,
}

/// A visit with this cookie, which stays what it is.
fn visit(app: &App, cookie: &str, path: &str) -> Answer {
    let mut client = app.test_client().without_cookies();
    let answer = client.get(path).header("Cookie", cookie).send().unwrap();
    Answer {
        status: answer.status_code(),
        set_cookie: answer.header("Set-Cookie"),
    }
}

// ANCHOR: meanwhile
/// Sends `slow`, and while its view is at work, `quick`. Gives their answers in this order.
fn meanwhile(app: &App, meeting: &Meeting, cookie: &str, slow: &str, quick: &str) -> [Answer; 2] {
    thread::scope(|scope| {
        let slow = scope.spawn(|| visit(app, cookie, slow));
        meeting.wait(); // The slow one has opened the session.
        let quick = visit(app, cookie, quick);
        meeting.wait(); // It may go on now, and save it.
        [slow.join().unwrap(), quick]
    })
}
// ANCHOR_END: meanwhile

/// The cookie that a browser has after this page.
fn cookie_after(app: &App, path: &str) -> String {
    let mut client: TestClient = app.test_client();
    client.get(path).send().unwrap();
    format!("session={}", client.get_cookie("session").unwrap())
}

// ANCHOR: sessions
/// Sessions in a store that tells what it is asked; as JSON, to be read here.
fn sessions(store: &Arc<Told>) -> ServerSideSessionInterface {
    ServerSideSessionInterface::new(Arc::clone(store))
        .serialization_format(Format::Json)
        .permanent(false)
}
// ANCHOR_END: sessions

/// Makes an interface, to save in one way or another.
type Sessions = fn(&Arc<Told>) -> ServerSideSessionInterface;

fn race(sessions: Sessions, slow: &str, quick: &str) -> String {
    let store = Arc::new(Told::default());
    let (app, meeting) = shop(Some(sessions(&store)));
    let cookie = cookie_after(&app, "/set/jack");
    store.log();
    let [slow_answer, quick_answer] = meanwhile(&app, &meeting, &cookie, slow, quick);
    let (slow, _) = slow.split_once('?').unwrap();
    let answers = format!(
        "{quick} is answered {}, {slow} {}",
        quick_answer.status, slow_answer.status
    );
    [store.log(), store.content(), answers].join("\n")
}

// ANCHOR: lost
fn lost() -> String {
    race(sessions, "/set/red?slow", "/set/large")
}
// ANCHOR_END: lost

// ANCHOR: looked
fn looked() -> String {
    race(sessions, "/look?slow", "/set/large")
}
// ANCHOR_END: looked

// ANCHOR: conflict
fn optimistic(store: &Arc<Told>) -> ServerSideSessionInterface {
    sessions(store).optimistic(true).unwrap()
}

fn conflict() -> String {
    race(optimistic, "/set/red?slow", "/set/large")
}
// ANCHOR_END: conflict

// ANCHOR: again
/// Visits a page again where somebody else has saved the session in between.
fn insist(app: &App, cookie: &str, path: &str) -> Answer {
    let mut answer = visit(app, cookie, path);
    for _ in 0..5 {
        if answer.status != 409 {
            break;
        }
        answer = visit(app, cookie, path);
    }
    answer
}

fn again() -> String {
    let store = Arc::new(Told::default());
    let (app, meeting) = shop(Some(optimistic(&store)));
    let cookie = cookie_after(&app, "/set/jack");
    let [slow, _] = meanwhile(&app, &meeting, &cookie, "/set/red?slow", "/set/large");
    store.log();
    assert_eq!(slow.status, 409);
    insist(&app, &cookie, "/set/red");
    [store.log(), store.content()].join("\n")
}
// ANCHOR_END: again

// ANCHOR: logout
fn logout() -> String {
    let saves: [(&str, Sessions); 2] = [
        ("the last write wins", sessions),
        ("optimistic saves", optimistic),
    ];
    let mut lines = Vec::new();
    for (name, sessions) in saves {
        lines.push(name.to_owned());
        for slow in ["/look", "/set/red"] {
            let store = Arc::new(Told::default());
            let (app, meeting) = shop(Some(sessions(&store)));
            let cookie = cookie_after(&app, "/set/jack");
            let slow_one = format!("{slow}?slow");
            let [answer, _] = meanwhile(&app, &meeting, &cookie, &slow_one, "/logout");
            let status = answer.status;
            lines.push(format!("  {slow:<9} {status}, {}", store.content()));
        }
    }
    lines.join("\n")
}
// ANCHOR_END: logout

// ANCHOR: cookie
/// What is in a cookie that an answer set.
fn inside(app: &App, set_cookie: Option<&str>) -> String {
    let cookie = set_cookie.and_then(|header| header.split(';').next());
    let mut client = app.test_client();
    let value = cookie.and_then(|cookie| cookie.strip_prefix("session="));
    client.set_cookie("session", value.unwrap_or_default());
    let inside = client.session_transaction(|session| Ok(session.to_dict()));
    let keys: Vec<String> = inside.unwrap().keys().cloned().collect();
    keys.join(", ")
}

fn cookie() -> String {
    let (app, meeting) = shop(None);
    let cookie = cookie_after(&app, "/set/jack");
    let [slow, quick] = meanwhile(&app, &meeting, &cookie, "/set/red?slow", "/set/large");
    let slow = inside(&app, slow.set_cookie.as_deref());
    let quick = inside(&app, quick.set_cookie.as_deref());
    let [slow_logout, _] = meanwhile(&app, &meeting, &cookie, "/set/red?slow", "/logout");
    let after = inside(&app, slow_logout.set_cookie.as_deref());
    [
        format!("the answer of /set/red carries   {slow}"),
        format!("the answer of /set/large carries {quick}"),
        format!("the answer of /set/red, which comes after that of /logout: {after}"),
    ]
    .join("\n")
}
// ANCHOR_END: cookie
