//! For the chapter on writing a store.

use std::fs;
use std::sync::Arc;

use carafe::clock::FixedClock;
use carafe::session::ServerSideSessionInterface;
use carafe::session::store::Store;
use carafe::{App, Error, Scaffold, session};

use super::Output;
use super::ids::Ids;
use crate::own_store::{Dir, STEPS, suite, table, told};

pub(crate) const OUTPUTS: &[Output] = &[
    ("own_store/lines", lines),
    ("own_store/letters", letters),
    ("own_store/sentences", sentences),
    ("own_store/table", || table().unwrap()),
    ("own_store/first", || told(&STEPS[0]).unwrap()),
    ("own_store/second", || told(&STEPS[1]).unwrap()),
];

// ANCHOR: app
fn app(store: Arc<dyn Store>) -> App {
    let mut app = App::new("shop");
    app.config()
        .set_clock(Arc::new(FixedClock::new(1_700_000_000)));
    app.session_interface(ServerSideSessionInterface::new(store).permanent(false));
    app.get("/login", || {
        session().insert("username", "jack")?;
        Ok::<_, Error>("welcome")
    });
    app.get("/", || session().get::<String>("username"));
    app.get("/logout", || {
        session().clear()?;
        Ok::<_, Error>("bye")
    });
    app
}
// ANCHOR_END: app

// ANCHOR: lines
fn lines() -> String {
    let dir = Dir::new().unwrap();
    let mut client = app((STEPS[0].open)(dir.file())).test_client();
    let mut ids = Ids::default();
    for path in ["/login", "/", "/logout"] {
        client.get(path).send().unwrap();
        client.get_cookie("session").map(|id| ids.stand_in(id));
    }
    ids.replaced(&fs::read_to_string(dir.file()).unwrap())
}
// ANCHOR_END: lines

/// The sentences of the suite, after those of any session interface.
fn sentences() -> String {
    let of_any = crate::memory_sessions::suite::CHECKS;
    let is_own = |sentence: &&str| of_any.iter().all(|(of_any, _)| of_any != sentence);
    suite::sentences()
        .filter(is_own)
        .collect::<Vec<_>>()
        .join("\n")
}

// ANCHOR: letters
fn letters() -> String {
    let dir = Dir::new().unwrap();
    let app = app((STEPS[0].open)(dir.file()));
    app.test_client().get("/login").send().unwrap();
    let letters = ('A'..='Z')
        .chain('a'..='z')
        .chain('0'..='9')
        .chain(['-', '_']);
    let welcome = letters.filter(|letter| {
        let mut thief = app.test_client();
        thief.set_cookie("session", &letter.to_string());
        thief.get("/").send().unwrap().text() == "jack"
    });
    format!("of 64 cookies of one letter, {} is jack's", welcome.count())
}
// ANCHOR_END: letters
