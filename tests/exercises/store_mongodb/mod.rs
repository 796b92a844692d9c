//! The exercise of the chapter on MongoDB.
//!
//! A server that deletes what has expired does so late: once a minute. Until then the document is there,
//! and a store of it must not find it, nor give it a new life. It is the store that has to say so, in its
//! filters.

mod solution;
mod start;

use std::sync::{Arc, Mutex};

use carafe::clock::FixedClock;
use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{Lifetime, Store};
use carafe::{App, Error, Scaffold, session};

use crate::harness::fails;

// ANCHOR: collection
/// A session as the server keeps it.
#[derive(Clone)]
pub(crate) struct Document {
    pub(crate) id: String,
    pub(crate) val: Vec<u8>,
    /// The last second of its life.
    pub(crate) expiration: u64,
}

/// A server with one collection.
#[derive(Default)]
pub(crate) struct Server {
    documents: Mutex<Vec<Document>>,
    /// What another request writes as soon as one has looked.
    meanwhile: Mutex<Option<Document>>,
}

impl Server {
    /// The first document that the filter takes.
    pub(crate) fn find(&self, filter: impl Fn(&Document) -> bool) -> Option<Document> {
        let documents = self.documents.lock().unwrap();
        let found = documents.iter().find(|it| filter(it)).cloned();
        drop(documents);
        if let Some(new) = self.meanwhile.lock().unwrap().take() {
            self.upsert(|it| it.id == new.id, &new);
        }
        found
    }

    /// Changes the first document that the filter takes. Tells whether there was one.
    pub(crate) fn update(
        &self,
        filter: impl Fn(&Document) -> bool,
        set: impl Fn(&mut Document),
    ) -> bool {
        let mut documents = self.documents.lock().unwrap();
        let found = documents.iter_mut().find(|it| filter(it));
        found.map(set).is_some()
    }

    /// The same; where there was none, puts a new one there.
    pub(crate) fn upsert(&self, filter: impl Fn(&Document) -> bool, new: &Document) {
        let set = |document: &mut Document| document.clone_from(new);
        if !self.update(filter, set) {
            self.documents.lock().unwrap().push(new.clone());
        }
    }

    /// Deletes all documents that the filter takes.
    pub(crate) fn delete(&self, filter: impl Fn(&Document) -> bool) {
        self.documents.lock().unwrap().retain(|it| !filter(it));
    }

    /// What the server does by itself, once a minute.
    fn delete_expired(&self, now: u64) {
        self.delete(|document| document.expiration < now);
    }
}
// ANCHOR_END: collection

/// A store over such a server.
trait OverServer: Store + 'static {
    fn over(server: Arc<Server>) -> Self;
}

// ANCHOR: check
fn check<S: OverServer>() {
    const NOW: u64 = 1_700_000_000;
    let (server, clock) = (Arc::new(Server::default()), Arc::new(FixedClock::new(NOW)));
    let app = create_app(S::over(server.clone()), clock.clone());
    let mut browser = app.test_client();
    browser.get("/login").send().unwrap();
    let mut hello = || browser.get("/").send().unwrap().text();
    clock.advance(3600);
    assert_eq!(hello(), "jack", "the last second of the hour is one of it");
    // That visit has set the hour anew.
    server.delete_expired(NOW + 3601);
    clock.advance(3630);
    assert_eq!(
        hello(),
        "nobody",
        "the session ended 30 seconds ago, and is found, since the server has not deleted it yet"
    );

    // One request finds a session in its last second, and has come to its end one second later.
    let store = S::over(server.clone());
    let lifetime = |now| Lifetime { now, seconds: 3600 };
    store.set("session:late", b"data", lifetime(NOW)).unwrap();
    assert!(store.get("session:late", NOW + 3600).unwrap().is_some());
    let is_there = store.touch("session:late", lifetime(NOW + 3601)).unwrap();
    assert!(!is_there, "a session that has ended was given a new life");
    server.delete_expired(NOW + 3601);
    assert!(store.get("session:late", NOW + 3600).unwrap().is_none());
    store.touch("session:late", lifetime(NOW)).unwrap();
    let found = server.find(|document| document.id == "session:late");
    assert!(
        found.is_none(),
        "a touch has brought a deleted session back"
    );

    // While one request touches a session, another saves it.
    store.set("session:both", b"old", lifetime(NOW)).unwrap();
    let saved = Document {
        id: "session:both".to_owned(),
        val: b"new".to_vec(),
        expiration: NOW + 3600,
    };
    *server.meanwhile.lock().unwrap() = Some(saved);
    store.touch("session:both", lifetime(NOW)).unwrap();
    let _ = server.find(|_| false);
    let there = store.get("session:both", NOW).unwrap();
    assert_eq!(
        there.as_deref(),
        Some(&b"new"[..]),
        "a touch has undone what another request had saved"
    );
}
// ANCHOR_END: check

fn create_app(store: impl Store + 'static, clock: Arc<FixedClock>) -> App {
    let mut app = App::new("exercise");
    app.config().set_clock(clock);
    app.config()
        .set("PERMANENT_SESSION_LIFETIME", 3600)
        .unwrap();
    app.session_interface(ServerSideSessionInterface::new(store));
    app.get("/login", || {
        session().insert("user", "jack")?;
        Ok::<_, Error>("welcome")
    });
    app.get("/", || {
        let user: Option<String> = session().get("user");
        user.unwrap_or("nobody".to_owned())
    });
    app
}

#[test]
fn the_solution_passes() {
    check::<solution::Sessions>();
}

#[test]
fn the_start_fails() {
    fails("store_mongodb", check::<start::Sessions>);
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check::<start::Sessions>();
}
