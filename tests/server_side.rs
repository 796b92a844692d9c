//! Sessions in a store: what is stored and when, what the browser gets, and what a store that fails does.
//!
//! The code: `src/session/server_side.rs`. `stores/` puts each store through what they all should do;
//! here it is one in memory that can be told to fail.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use carafe::clock::FixedClock;
use carafe::session::store::{
    Ability, Lifetime, MemoryStore, Store, StoreError, StoreErrorKind, open, schemes,
};
use carafe::session::{Format, ServerSideSessionInterface};
use carafe::testing::{TestClient, TestResponse};
use carafe::{App, Error, HttpException, Response, Scaffold, Value, current_app, session};
use common::{app_and_clock, subtree, visit_by};

/// A store in memory of which any method can be made to fail.
#[derive(Default)]
struct Fragile {
    memory: MemoryStore,
    get_fails: AtomicBool,
    set_fails: AtomicBool,
    delete_fails: AtomicBool,
    calls: AtomicU64,
}

impl Fragile {
    fn ask(&self, fails: &AtomicBool) -> Result<&MemoryStore, StoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match fails.load(Ordering::Relaxed) {
            true => Err(StoreError::unavailable("fragile", "it is down")),
            false => Ok(&self.memory),
        }
    }

    fn all_fail(&self, fail: bool) {
        for fails in [&self.get_fails, &self.set_fails, &self.delete_fails] {
            fails.store(fail, Ordering::Relaxed);
        }
    }

    fn calls(&self) -> u64 {
        self.calls.swap(0, Ordering::Relaxed)
    }
}

impl Store for Fragile {
    fn name(&self) -> &'static str {
        "fragile"
    }
    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask(&self.get_fails)?.get(key, now)
    }
    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        self.ask(&self.set_fails)?.set(key, value, lifetime)
    }
    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.ask(&self.delete_fails)?.delete(key)
    }
    fn touch(&self, key: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        self.ask(&self.set_fails)?.touch(key, lifetime)
    }
    fn cleanup(&self, now: u64) -> Result<u64, StoreError> {
        self.ask(&self.delete_fails)?.cleanup(now)
    }
    fn expires_by_itself(&self) -> bool {
        false
    }
}

fn app_of(interface: ServerSideSessionInterface) -> (App, Arc<FixedClock>) {
    let (mut app, clock) = app_and_clock();
    app.session_interface(interface);
    app.route("/", || "hello");
    app.route("/get", || {
        session()
            .get::<String>("value")
            .unwrap_or_else(|| "none".to_owned())
    });
    app.route("/set/<value>", |value: String| {
        session().insert("value", value)?;
        Ok::<_, Error>("set")
    });
    app.route("/login", || {
        session().regenerate();
        session().insert("username", "jack")?;
        Ok::<_, Error>("welcome")
    });
    app.route("/logout", || {
        session().clear()?;
        Ok::<_, Error>("bye")
    });
    (app, clock)
}

fn app() -> (App, Arc<FixedClock>, Arc<Fragile>) {
    let store = Arc::new(Fragile::default());
    let interface = ServerSideSessionInterface::new(Arc::clone(&store));
    let (app, clock) = app_of(interface);
    (app, clock, store)
}

fn get(client: &mut TestClient, path: &str) -> TestResponse {
    client.get(path).send().unwrap()
}

fn id(client: &TestClient) -> String {
    client.get_cookie("session").unwrap().to_owned()
}

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

#[test]
fn a_cleared_session_stays_as_permanent_as_it_was() {
    let (mut app, _, _) = app();
    app.route("/switch", || {
        session().clear()?;
        session().insert("username", "jill")?;
        Ok::<_, Error>(session().permanent().to_string())
    });
    let mut client = app.test_client();
    get(&mut client, "/login");
    let answer = get(&mut client, "/switch");
    assert_eq!(answer.text(), "true");
    assert!(answer.header("Set-Cookie").unwrap().contains("; Expires="));
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
fn a_session_knows_its_id_before_it_is_saved() {
    let (mut app, _, _) = app();
    app.route("/sid", || {
        let sid = session().sid().unwrap();
        session().insert("value", &sid)?;
        Ok::<_, Error>(sid)
    });
    let mut client = app.test_client();
    let sid = get(&mut client, "/sid").text();
    assert_eq!(sid, id(&client));
    assert_eq!(get(&mut client, "/sid").text(), sid);
    assert_eq!(carafe::Session::new().sid(), None);
}

// A store that is down.

#[test]
fn a_store_that_is_down_is_a_503_and_touches_no_cookie() {
    let (app, _, store) = app();
    let mut client = app.test_client();
    get(&mut client, "/set/red");
    let before = id(&client);
    let newcomer = &mut app.test_client();

    store.all_fail(true);
    for path in ["/", "/get", "/set/blue", "/login", "/logout"] {
        let answer = get(&mut client, path);
        assert_eq!(answer.status_code(), 503, "{path}");
        assert_eq!(answer.header("Set-Cookie"), None, "{path}");
        assert!(answer.text().contains("<h1>Service Unavailable</h1>"));
    }
    let answer = get(newcomer, "/set/green");
    assert_eq!(
        (answer.status_code(), answer.header("Set-Cookie")),
        (503, None)
    );
    assert_eq!(get(newcomer, "/").status_code(), 200, "it needs no session");

    store.all_fail(false);
    assert_eq!(get(&mut client, "/get").text(), "red");
    assert_eq!(id(&client), before);
}

#[test]
fn a_save_that_fails_is_tried_once_and_sets_no_cookie() {
    let (app, _, store) = app();
    let mut client = app.test_client();
    get(&mut client, "/set/red");
    for (fails, path) in [
        (&store.set_fails, "/set/blue"),
        (&store.set_fails, "/get"),
        (&store.set_fails, "/login"),
        (&store.delete_fails, "/logout"),
    ] {
        store.calls();
        fails.store(true, Ordering::Relaxed);
        let answer = get(&mut client, path);
        assert_eq!(answer.status_code(), 503, "{path}");
        assert_eq!(answer.header("Set-Cookie"), None, "{path}");
        assert_eq!(store.calls(), 2, "{path}: one to open, one to save");
        fails.store(false, Ordering::Relaxed);
        assert_eq!(get(&mut client, "/get").text(), "red");
    }
}

#[test]
fn an_app_may_answer_for_its_store() {
    let (mut app, _, store) = app();
    app.errorhandler_for(|error: &StoreError| {
        (format!("no {} today", error.store()), error.kind().status())
    });
    app.after_request(|response: &mut Response| response.set_header("X-After", "ran"));
    store.all_fail(true);
    let mut client = app.test_client();
    client.set_cookie("session", "some-id");
    let answer = get(&mut client, "/");
    assert_eq!(
        (answer.status_code(), &*answer.text()),
        (503, "no fragile today")
    );
    assert_eq!(answer.header("X-After").as_deref(), Some("ran"));
    client.delete_cookie("session");
    let answer = get(&mut client, "/set/red");
    assert_eq!(
        (answer.status_code(), &*answer.text()),
        (503, "no fragile today")
    );
}

#[test]
fn or_for_all_503s_and_finds_the_error_in_it() {
    let (mut app, _, store) = app();
    app.errorhandler(503, |http: &HttpException| {
        let original = http.original_exception.as_ref();
        let kind = original.and_then(|error| error.downcast_ref::<StoreError>());
        (format!("{:?}", kind.map(StoreError::kind)), 503)
    });
    store.all_fail(true);
    let mut client = app.test_client();
    client.set_cookie("session", "some-id");
    assert_eq!(get(&mut client, "/").text(), "Some(Unavailable)");
}

#[test]
fn in_debug_mode_the_error_leaves_the_app_unless_it_has_a_handler() {
    let (mut app, _, store) = app();
    app.config().set("DEBUG", true).unwrap();
    store.all_fail(true);
    let mut client = app.test_client();
    client.set_cookie("session", "some-id");
    let error = client.get("/").send().unwrap_err();
    assert!(error.is::<StoreError>());
    app = {
        let (mut app, _) = app_of(ServerSideSessionInterface::new(store));
        app.config().set("DEBUG", true).unwrap();
        app.errorhandler_for(|_: &StoreError| ("handled", 503));
        app
    };
    let mut client = app.test_client();
    client.set_cookie("session", "some-id");
    assert_eq!(get(&mut client, "/").text(), "handled");
}

#[test]
fn regenerate_loses_nothing_whichever_step_fails() {
    let (app, _, store) = app();
    let mut client = app.test_client();
    get(&mut client, "/set/red");
    let before = id(&client);
    for fails in [&store.set_fails, &store.delete_fails] {
        fails.store(true, Ordering::Relaxed);
        assert_eq!(get(&mut client, "/login").status_code(), 503);
        fails.store(false, Ordering::Relaxed);
        assert_eq!(get(&mut client, "/get").text(), "red");
        assert_eq!(id(&client), before);
    }
    get(&mut client, "/login");
    assert_ne!(id(&client), before);
    assert_eq!(get(&mut client, "/get").text(), "red");
    let mut thief = app.test_client();
    thief.set_cookie("session", &before);
    assert_eq!(get(&mut thief, "/get").text(), "none");
}

#[test]
fn a_view_that_fails_after_regenerate_saves_under_the_new_id() {
    let (mut app, _, store) = app();
    app.route("/fails", || {
        session().regenerate();
        Err::<&str, _>(Error::runtime("no"))
    });
    let mut client = app.test_client();
    get(&mut client, "/set/red");
    let before = id(&client);
    assert_eq!(get(&mut client, "/fails").status_code(), 500);
    assert_ne!(id(&client), before);
    assert_eq!(get(&mut client, "/get").text(), "red");
    assert_eq!(store.memory.len(), 1);
}

#[test]
fn a_session_that_was_cleared_and_filled_again_is_not_under_its_old_id() {
    let (mut app, _, store) = app();
    app.route("/switch", || {
        session().clear()?;
        session().regenerate();
        session().insert("username", "jill")?;
        Ok::<_, Error>("welcome")
    });
    let mut client = app.test_client();
    get(&mut client, "/login");
    let before = id(&client);
    get(&mut client, "/switch");
    assert_ne!(id(&client), before);
    assert_eq!(store.memory.len(), 1);
}

// What is in the store and is no session.

#[test]
fn what_cannot_be_read_is_an_error_and_stays() {
    let (app, _, store) = app();
    let lifetime = Lifetime {
        now: 1_700_000_000,
        seconds: 60,
    };
    for (rubbish, words) in [
        (&b"rubbish"[..], "bytes are left behind the msgpack"),
        (b"\x93\x01\x02\x03", "a session is a dict, not a list"),
        (b"\x81", "the msgpack is cut off"),
        (
            b"\x80\x04cos\nsystem\n(S'id'\ntR.",
            "the pickle has the opcode 0x53",
        ),
    ] {
        store
            .memory
            .set("session:some-id", rubbish, lifetime)
            .unwrap();
        let mut client = app.test_client();
        client.set_cookie("session", "some-id");
        let answer = get(&mut client, "/get");
        assert_eq!(
            (answer.status_code(), answer.header("Set-Cookie")),
            (500, None)
        );
        let stored = store.memory.get("session:some-id", 1_700_000_000).unwrap();
        assert_eq!(stored.as_deref(), Some(rubbish));
        let error = Format::default().decode(rubbish).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unreadable);
        assert!(error.to_string().contains(words), "{error}");
    }
    store.memory.set("session:some-id", b"", lifetime).unwrap();
    let mut client = app.test_client();
    client.set_cookie("session", "some-id");
    assert_eq!(
        get(&mut client, "/get").text(),
        "none",
        "nothing is no session"
    );
}

#[test]
fn what_flask_keeps_under_odd_keys_is_not_seen_and_not_lost() {
    let (app, _, store) = app();
    let lifetime = Lifetime {
        now: 1_700_000_000,
        seconds: 60,
    };
    let session = b"\x82\x01\x02\xa5value\xa3red";
    let set = store.memory.set("session:some-id", session, lifetime);
    set.unwrap();
    let mut client = app.test_client();
    client.set_cookie("session", "some-id");
    assert_eq!(get(&mut client, "/get").text(), "red");
    get(&mut client, "/set/blue");
    let stored = || store.memory.get("session:some-id", 1_700_000_000).unwrap();
    assert_eq!(
        stored().as_deref(),
        Some(&b"\x82\xa5value\xa4blue\x01\x02"[..])
    );
    get(&mut client, "/logout");
    assert_eq!(stored(), None);
}

#[test]
fn what_the_format_cannot_hold_is_an_error_and_the_session_stays() {
    let (mut app, _, _) = app();
    app.route("/big", || {
        let digits = Value::from_digits("123456789012345678901234567890");
        session().insert("value", digits)?;
        Ok::<_, Error>("big")
    });
    let mut client = app.test_client();
    get(&mut client, "/set/red");
    assert_eq!(get(&mut client, "/big").status_code(), 500);
    assert_eq!(get(&mut client, "/get").text(), "red");
}

// Cleaning up.

#[test]
fn every_n_requests_what_has_expired_is_cleaned_up() {
    let store = Arc::new(Fragile::default());
    let interface = ServerSideSessionInterface::new(Arc::clone(&store)).cleanup_n_requests(3);
    let (app, clock) = app_of(interface);
    get(&mut app.test_client(), "/set/red");
    clock.advance(31 * 24 * 60 * 60 + 1);
    get(&mut app.test_client(), "/");
    assert_eq!(store.memory.len(), 1);
    get(&mut app.test_client(), "/");
    assert_eq!(store.memory.len(), 0, "this was the third");

    store.all_fail(true);
    for _request in 0..3 {
        let status = get(&mut app.test_client(), "/").status_code();
        assert_eq!(status, 200, "a request does not need the cleanup");
    }
}

#[test]
fn a_cleanup_can_be_called_for() {
    let store = Arc::new(MemoryStore::new());
    let interface = ServerSideSessionInterface::new(Arc::clone(&store));
    let (app, clock) = app_of(interface.clone());
    get(&mut app.test_client(), "/set/red");
    assert_eq!(interface.cleanup(&app).unwrap(), 0);
    clock.advance(31 * 24 * 60 * 60 + 1);
    assert_eq!(interface.cleanup(&app).unwrap(), 1);
    assert!(store.is_empty());
}

// The options.

#[test]
fn a_signed_id_needs_a_secret_key_and_an_older_one_does() {
    let interface = ServerSideSessionInterface::new(MemoryStore::new()).use_signer(true);
    let (app, _) = app_of(interface);
    let mut client = app.test_client();
    get(&mut client, "/set/red");
    app.config()
        .set("SECRET_KEY_FALLBACKS", vec!["adavafa"])
        .unwrap();
    app.config().set_secret_key("new");
    assert_eq!(get(&mut client, "/get").text(), "red");
    app.config()
        .set("SECRET_KEY_FALLBACKS", Value::Null)
        .unwrap();
    assert_eq!(get(&mut client, "/get").text(), "red", "it was signed anew");
    app.config().set("SECRET_KEY", Value::Null).unwrap();
    assert_eq!(get(&mut client, "/get").status_code(), 500);
}

#[test]
fn the_interface_waits_where_its_store_does() {
    use carafe::session::{SecureCookieSessionInterface, SessionInterface};
    let memory = ServerSideSessionInterface::new(MemoryStore::new());
    let fragile = ServerSideSessionInterface::new(Fragile::default());
    assert!(!memory.may_block() && fragile.may_block());
    assert!(!SecureCookieSessionInterface::new().may_block());
}

#[test]
fn a_store_without_an_ability_says_so_at_start_up() {
    let interface = ServerSideSessionInterface::new(Fragile::default());
    let error = interface.clone().optimistic(true).unwrap_err();
    assert_eq!(
        error.to_string(),
        "session store fragile: this store cannot compare and set in one step"
    );
    let (app, _) = app_of(interface.clone());
    let error = interface.sessions(&app, |_| true).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unsupported);
    assert!(!interface.store().can(Ability::Visit));
}

// Choosing one.

fn from_config(keys: &[(&str, Value)]) -> Result<ServerSideSessionInterface, StoreError> {
    let app = App::new("shop");
    for (key, value) in keys {
        app.config().set(key, value.clone()).unwrap();
    }
    ServerSideSessionInterface::from_config(&app)
}

#[test]
fn flask_sessions_config_keys_choose_a_store() {
    let dir = std::env::temp_dir().join(format!("carafe-config-{}", std::process::id()));
    let interface = from_config(&[
        ("SESSION_TYPE", "FileSystem".into()),
        ("SESSION_FILE_DIR", dir.display().to_string().into()),
        ("SESSION_FILE_THRESHOLD", 7.into()),
        ("SESSION_FILE_MODE", 0o640.into()),
        ("SESSION_PERMANENT", false.into()),
        ("SESSION_USE_SIGNER", true.into()),
        ("SESSION_KEY_PREFIX", "shop:".into()),
        ("SESSION_ID_LENGTH", 64.into()),
        ("SESSION_SERIALIZATION_FORMAT", "json".into()),
        ("SESSION_CLEANUP_N_REQUESTS", 100.into()),
        ("SESSION_STORE_TIMEOUT", 2.5.into()),
        ("SESSION_REDIS", Value::Null),
        ("SHOP_NAME", "mine".into()),
    ]);
    std::fs::remove_dir_all(dir).unwrap();
    assert_eq!(
        format!("{:?}", interface.unwrap()),
        "ServerSideSessionInterface { store: \"file\", options: Options { key_prefix: \"shop:\", \
         use_signer: true, permanent: false, id_length: 64, format: Json, cleanup_n_requests: \
         Some(100), optimistic: false }, .. }"
    );
}

#[test]
fn a_config_key_that_is_wrong_is_an_error_that_names_it() {
    let memory = ("SESSION_TYPE", Value::from("memory"));
    for (key, value, words) in [
        (
            "SESSION_TYP",
            "redis".into(),
            "unknown config key SESSION_TYP: the nearest is SESSION_TYPE",
        ),
        (
            "SESSION_COOKIE_SAMSITE",
            "Lax".into(),
            "unknown config key SESSION_COOKIE_SAMSITE: the nearest is SESSION_COOKIE_SAMESITE",
        ),
        (
            "SESION_REDIS",
            "x".into(),
            "unknown config key SESION_REDIS: the nearest is SESSION_REDIS",
        ),
        (
            "SESSION_PERMANENT",
            "yes".into(),
            "config key SESSION_PERMANENT takes true or false, not \"yes\"",
        ),
        (
            "SESSION_ID_LENGTH",
            8.into(),
            "config key SESSION_ID_LENGTH takes 16 to 128 bytes, not 8",
        ),
        (
            "SESSION_SERIALIZATION_FORMAT",
            "xml".into(),
            "config key SESSION_SERIALIZATION_FORMAT takes \"msgpack\" or \"json\", not \"xml\"",
        ),
        (
            "SESSION_TYPE",
            "null".into(),
            "config key SESSION_TYPE takes redis, memcached, filesystem, mongodb, sqlalchemy or \
             memory, not \"null\"",
        ),
        (
            "SESSION_TYPE",
            "dynamodb".into(),
            "config key SESSION_TYPE takes a store that Carafe has, not \"dynamodb\"",
        ),
        (
            "SESSION_SQLALCHEMY_BIND_KEY",
            "other".into(),
            "config key SESSION_SQLALCHEMY_BIND_KEY takes nothing: Carafe has no use for it, not \
             \"other\"",
        ),
    ] {
        let error = from_config(&[memory.clone(), (key, value)]).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Config, "{key}");
        assert_eq!(error.to_string(), format!("session store config: {words}"));
    }
    let error = from_config(&[]).unwrap_err().to_string();
    assert!(
        error.ends_with("sqlalchemy or memory, not nothing"),
        "{error}"
    );
    let error = from_config(&[
        ("SESSION_TYPE", "redis".into()),
        ("SESSION_REDIS", "http://user:password@localhost".into()),
    ]);
    assert_eq!(
        error.unwrap_err().to_string(),
        "session store config: config key SESSION_REDIS takes a redis: or rediss: or redis+cluster: \
         or rediss+cluster: URL, not \"http://...@localhost\""
    );
}

#[test]
fn a_store_whose_feature_is_off_names_the_feature() {
    for scheme in schemes() {
        let Err(error) = open(&format!("{}:?no-such-parameter=1", scheme.name)) else {
            panic!("{} took any parameter", scheme.name);
        };
        assert_eq!(error.kind(), StoreErrorKind::Config, "{error}");
        let off = error.to_string().contains("which is off");
        let feature = scheme
            .feature
            .is_some_and(|feature| error.to_string().contains(feature));
        assert!(!off || feature, "{error}");
    }
    assert!(open("").is_err());
}

#[test]
fn the_current_app_can_log_a_user_out_everywhere() {
    let interface = ServerSideSessionInterface::from_url("memory:").unwrap();
    let (mut app, _) = app_of(interface.clone());
    app.route("/logout-everywhere", move || {
        let is_jack = |session: &carafe::Dict| session.get("username") == Some(&"jack".into());
        let deleted = interface.delete_sessions(&current_app(), is_jack)?;
        Ok::<_, Error>(deleted.to_string())
    });
    let mut clients = [app.test_client(), app.test_client()];
    for client in &mut clients {
        get(client, "/login");
    }
    let answer = get(&mut clients[0], "/logout-everywhere");
    assert_eq!(answer.text(), "2");
    assert_eq!(
        answer.header("Set-Cookie"),
        None,
        "its own is gone, and is not brought back"
    );
    for client in &mut clients {
        client.get("/get").send().unwrap();
        let username = client.session_transaction(|session| Ok(session.contains_key("username")));
        assert!(!username.unwrap());
    }
}
