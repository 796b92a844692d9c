//! What is stored and when, and what the browser gets.

use std::sync::{Arc, Mutex};
use std::thread;

use carafe::session::store::{Lifetime, MemoryStore, Store, StoreError};
use carafe::session::{ServerSideSessionInterface, Session};
use carafe::{App, Error, Scaffold, session};

use crate::common::{subtree, visit_by};
use crate::{app, app_of, get, id};

#[test]
fn a_session_of_a_store_goes_the_way_of_any_other() {
    let (app, _, _) = app();
    let mut client = app.test_client();
    let (response, login) = visit_by(&mut client, "/login");
    assert_eq!(
        subtree(&login, "Flask.process_response"),
        ["Flask.process_response", "  save_session"]
    );
    let cookie = response.header("Set-Cookie").unwrap();
    let (id, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(id.len(), "session=".len() + 43, "32 random bytes in base64");
    assert_eq!(
        attributes,
        "Expires=Fri, 15 Dec 2023 22:13:20 GMT; HttpOnly; Path=/"
    );
    assert_eq!(response.header("Vary").as_deref(), Some("Cookie"));
}

#[test]
fn what_is_stored_is_msgpack_under_the_prefix_and_the_id() {
    let (app, _, store) = app();
    let mut client = app.test_client();
    get(&mut client, "/set/red");
    let key = format!("session:{}", id(&client));
    let stored = store.memory.get(&key, 0).unwrap().unwrap();
    assert_eq!(stored, b"\x82\xaa_permanent\xc3\xa5value\xa3red");
}

#[test]
fn a_session_that_was_never_written_takes_no_room_and_no_round_trip() {
    let (app, _, store) = app();
    let mut client = app.test_client();
    for path in ["/", "/get", "/logout"] {
        get(&mut client, path);
        assert_eq!((store.calls(), store.memory.len()), (0, 0), "{path}");
    }
    client.set_cookie("session", "made-up");
    for path in ["/", "/get", "/logout"] {
        get(&mut client, path);
        assert_eq!(
            (store.memory.len(), client.get_cookie("session").is_some()),
            (0, path != "/logout")
        );
    }
}

#[test]
fn permanent_is_no_content() {
    let (mut app, _, store) = {
        let (app, clock, store) = app();
        (app, clock, store)
    };
    app.route("/permanent", || {
        session().set_permanent(true)?;
        Ok::<_, Error>(session().is_empty().to_string())
    });
    let mut client = app.test_client();
    assert_eq!(get(&mut client, "/permanent").text(), "true");
    assert_eq!(store.memory.len(), 0);
}

/// Empties the session for another user, and says whether it is permanent then.
fn switch() -> Result<String, Error> {
    session().clear()?;
    session().insert("username", "jill")?;
    Ok(session().permanent().to_string())
}

#[test]
fn a_cleared_session_stays_as_permanent_as_it_was() {
    let (mut app, _, _) = app();
    app.route("/switch", switch);
    let mut client = app.test_client();
    get(&mut client, "/login");
    let answer = get(&mut client, "/switch");
    assert_eq!(answer.text(), "true");
    assert!(answer.header("Set-Cookie").unwrap().contains("; Expires="));
}

#[test]
fn one_that_was_not_permanent_is_not_made_so_by_clearing_it() {
    let interface = ServerSideSessionInterface::new(MemoryStore::new()).permanent(false);
    let (mut app, _) = app_of(interface);
    app.route("/switch", switch);
    let mut client = app.test_client();
    get(&mut client, "/login");
    let answer = get(&mut client, "/switch");
    assert_eq!(answer.text(), "false");
    assert!(!answer.header("Set-Cookie").unwrap().contains("; Expires="));
    assert_eq!(get(&mut client, "/get").header("Set-Cookie"), None);
}

#[test]
fn without_refresh_a_visit_that_changes_nothing_writes_nothing() {
    let (app, _, store) = app();
    let refresh = app.config().set("SESSION_REFRESH_EACH_REQUEST", false);
    refresh.unwrap();
    let mut client = app.test_client();
    get(&mut client, "/set/red");
    store.calls();
    let answer = get(&mut client, "/get");
    assert_eq!((store.calls(), answer.header("Set-Cookie")), (1, None));
}

#[test]
fn a_response_that_depends_on_a_session_varies_with_its_cookie() {
    let (app, _, _) = app();
    let refresh = app.config().set("SESSION_REFRESH_EACH_REQUEST", false);
    refresh.unwrap();
    let mut client = app.test_client();
    let mut vary = |path: &str| get(&mut client, path).header("Vary");
    let cookie = Some("Cookie".to_owned());
    assert_eq!(vary("/"), None);
    assert_eq!(vary("/get"), cookie, "read, and there is none");
    assert_eq!(vary("/set/red"), cookie, "written");
    assert_eq!(vary("/"), None, "not looked at");
    assert_eq!(vary("/get"), cookie, "read");
    // A cookie that is sent again is of the one who sent it.
    app.config()
        .set("SESSION_REFRESH_EACH_REQUEST", true)
        .unwrap();
    assert_eq!(vary("/"), cookie, "refreshed");
    assert_eq!(vary("/logout"), cookie, "deleted");
}

#[test]
fn a_session_knows_its_id_before_it_is_saved() {
    let (mut app, _, _) = app();
    app.route("/sid", || {
        let sid = session().sid().unwrap();
        session().insert("value", &sid)?;
        Ok::<_, Error>(sid)
    });
    app.route("/is-new", || session().is_new().to_string());
    let mut client = app.test_client();
    assert_eq!(get(&mut client, "/is-new").text(), "true");
    let sid = get(&mut client, "/sid").text();
    assert_eq!(sid, id(&client));
    assert_eq!(get(&mut client, "/sid").text(), sid);
    assert_eq!(get(&mut client, "/is-new").text(), "false");
    assert_eq!(carafe::Session::new().sid(), None);
}

/// A store in which another thread of the request asks for a new id, just when the session is written.
struct Meanwhile {
    memory: MemoryStore,
    session: Arc<Mutex<Option<Arc<Session>>>>,
}

impl Store for Meanwhile {
    fn name(&self) -> &'static str {
        "meanwhile"
    }

    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.memory.get(key, now)
    }

    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        if let Some(session) = self.session.lock().unwrap().take() {
            thread::spawn(move || session.regenerate()).join().unwrap();
        }
        self.memory.set(key, value, lifetime)
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.memory.delete(key)
    }

    fn touch(&self, key: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        self.memory.touch(key, lifetime)
    }
}

#[test]
fn a_new_id_that_is_asked_for_while_the_session_is_saved_comes_too_late_and_loses_nothing() {
    let shared = Arc::default();
    let mut app = App::new("shop");
    app.session_interface(ServerSideSessionInterface::new(Meanwhile {
        memory: MemoryStore::new(),
        session: Arc::clone(&shared),
    }));
    app.route("/set", move || -> Result<&str, Error> {
        session().insert("color", "red")?;
        *shared.lock().unwrap() = Some(session());
        Ok("set")
    });
    app.route("/get", || session().get::<String>("color"));
    let mut client = app.test_client();
    for _ in 0..2 {
        get(&mut client, "/set");
        assert_eq!(get(&mut client, "/get").text(), "red");
    }
}
