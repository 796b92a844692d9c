//! For the chapter on sharing stored sessions: what one session is in each format.

use std::sync::Arc;

use carafe::clock::FixedClock;
use carafe::session::store::{Lifetime, MemoryStore, Store};
use carafe::session::{Format, ServerSideSessionInterface};
use carafe::{App, Dict, Error, Scaffold, session};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[
    ("sharing_stores/formats", formats),
    ("sharing_stores/old", old),
];

// ANCHOR: formats
fn formats() -> String {
    let session = Dict::from_iter([
        ("_permanent".to_owned(), true.into()),
        ("username".to_owned(), "jack".into()),
    ]);
    let lines = [Format::MessagePack, Format::Json, Format::Pickle].map(|format| {
        let bytes = format.encode(&session).unwrap();
        format!("{:<8} {}", format.to_string(), bytes.escape_ascii())
    });
    lines.join("\n")
}
// ANCHOR_END: formats

const NOW: u64 = 1_700_000_000;

// ANCHOR: old
/// What Flask-Session 0.5 had written for `{"_permanent": True, "username": "jack"}`.
const PICKLE: &[u8] =
    b"\x80\x04\x95%\0\0\0\0\0\0\0}\x94(\x8c\n_permanent\x94\x88\x8c\x08username\x94\x8c\x04jack\x94u.";

fn old() -> String {
    let store = Arc::new(MemoryStore::new());
    let lifetime = Lifetime {
        now: NOW,
        seconds: 60,
    };
    store.set("session:some-id", PICKLE, lifetime).unwrap();
    let mut app = App::new("beside flask");
    app.config().set_clock(Arc::new(FixedClock::new(NOW)));
    app.session_interface(ServerSideSessionInterface::new(Arc::clone(&store)));
    app.get("/name", || {
        session().get::<String>("username").unwrap_or_default()
    });
    app.get("/red", || {
        session().insert("color", "red")?;
        Ok::<_, Error>("red it is")
    });
    let mut client = app.test_client();
    client.set_cookie("session", "some-id");
    let mut lines = Vec::new();
    for path in ["/name", "/red"] {
        let text = client.get(path).send().unwrap().text();
        let stored = store.get("session:some-id", NOW).unwrap().unwrap();
        lines.push(format!(
            "{path}: {text}\n  stored now: {}",
            stored.escape_ascii()
        ));
    }
    lines.join("\n")
}
// ANCHOR_END: old
