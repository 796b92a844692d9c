//! What is in the store, what is none of a session, and who cleans up.

use std::sync::Arc;

use carafe::session::store::{Ability, Lifetime, MemoryStore, Store, StoreErrorKind};
use carafe::session::{Format, ServerSideSessionInterface};
use carafe::signing::{KeyDerivation, Signer, SignerOptions};
use carafe::{Error, Scaffold, Value, current_app, session};

use crate::{Fragile, app, app_of, get, id};

const NOW: u64 = 1_700_000_000;
const LIFETIME: Lifetime = Lifetime {
    now: NOW,
    seconds: 60,
};

#[test]
fn what_cannot_be_read_is_an_error_and_stays() {
    let (app, _, store) = app();
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
            .set("session:some-id", rubbish, LIFETIME)
            .unwrap();
        let mut client = app.test_client();
        client.set_cookie("session", "some-id");
        let answer = get(&mut client, "/get");
        assert_eq!(
            (answer.status_code(), answer.header("Set-Cookie")),
            (500, None)
        );
        let stored = store.memory.get("session:some-id", NOW).unwrap();
        assert_eq!(stored.as_deref(), Some(rubbish));
        let error = Format::default().decode(rubbish).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unreadable);
        assert!(error.to_string().contains(words), "{error}");
    }
    for format in [Format::MessagePack, Format::Json, Format::Pickle] {
        let error = format.decode(b"\x80\x04cos\n(S'").unwrap_err();
        assert!(error.to_string().contains("pickle"), "{format}: {error}");
    }
}

#[test]
fn nothing_and_none_are_no_session_and_their_id_is_not_taken() {
    let (app, _, store) = app();
    // Nothing; None in MessagePack, in JSON, and in a pickle.
    for stored in [&b""[..], b"\xc0", b"null", b"\x80\x04N.", b"N."] {
        let key = "session:some-id";
        store.memory.set(key, stored, LIFETIME).unwrap();
        let mut client = app.test_client();
        client.set_cookie("session", "some-id");
        assert_eq!(get(&mut client, "/get").text(), "none");
        get(&mut client, "/set/x");
        assert_ne!(client.get_cookie("session"), Some("some-id"));
        assert_eq!(get(&mut client, "/get").text(), "x");
        let found = store.memory.get(key, NOW).unwrap();
        assert_eq!(found.as_deref(), Some(stored));
    }
}

#[test]
fn what_flask_keeps_under_odd_keys_is_not_seen_and_not_lost() {
    let (app, _, store) = app();
    let session = b"\x82\x01\x02\xa5value\xa3red";
    let set = store.memory.set("session:some-id", session, LIFETIME);
    set.unwrap();
    let mut client = app.test_client();
    client.set_cookie("session", "some-id");
    assert_eq!(get(&mut client, "/get").text(), "red");
    get(&mut client, "/set/blue");
    let stored = || store.memory.get("session:some-id", NOW).unwrap();
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
fn an_id_is_signed_as_flask_session_signs_it_and_never_with_an_empty_key() {
    let interface = ServerSideSessionInterface::new(MemoryStore::new()).use_signer(true);
    let (app, _) = app_of(interface);
    let mut client = app.test_client();
    get(&mut client, "/set/red");
    let options = SignerOptions {
        key_derivation: KeyDerivation::Hmac,
        ..SignerOptions::default()
    };
    let signer = Signer::with_options("adavafa", "flask-session", &options).unwrap();
    assert_eq!(signer.unsign(id(&client).as_bytes()).unwrap().len(), 43);

    app.config().set("SECRET_KEY", "").unwrap();
    assert_eq!(get(&mut client, "/get").status_code(), 500);
}

#[test]
fn an_id_that_could_not_be_ours_is_not_looked_for() {
    let (app, _, store) = app();
    let mut client = app.test_client();
    for (id, calls) in [
        ("made-up", 1),
        (&*"x".repeat(255), 1),
        (&*"x".repeat(256), 0),
        ("made up", 0),
        ("m\u{e4}de-up", 0),
        ("", 0),
    ] {
        client.set_cookie("session", id);
        get(&mut client, "/get");
        assert_eq!(store.calls(), calls, "{id:?}");
    }
}

#[test]
fn an_id_is_as_long_as_the_app_wants_it() {
    let interface = ServerSideSessionInterface::new(MemoryStore::new()).id_length(256);
    let (app, _) = app_of(interface);
    let mut client = app.test_client();
    get(&mut client, "/set/red");
    assert_eq!(id(&client).len(), 342, "256 bytes in base64");
    assert_eq!(get(&mut client, "/get").text(), "red");
}

#[test]
fn a_lifetime_of_nothing_is_a_second_to_the_store_as_nothing_may_mean_forever() {
    let (app, _, store) = app();
    app.config().set("PERMANENT_SESSION_LIFETIME", 0).unwrap();
    let mut client = app.test_client();
    let cookie = get(&mut client, "/set/red").header("Set-Cookie").unwrap();
    let key = format!(
        "session:{}",
        cookie["session=".len()..].split(';').next().unwrap()
    );
    let now = app.config().settings().clock.now();
    assert!(store.memory.get(&key, now + 1).unwrap().is_some());
    assert!(store.memory.get(&key, now + 2).unwrap().is_none());
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

#[test]
fn the_current_app_can_log_a_user_out_everywhere() {
    let interface = ServerSideSessionInterface::from_url("memory:").unwrap();
    let (mut app, _) = app_of(interface.clone());
    let stores = interface.clone();
    app.route("/logout-everywhere", move || {
        let is_jack = |session: &carafe::Dict| session.get("username") == Some(&"jack".into());
        let deleted = interface.delete_sessions(&current_app(), is_jack)?;
        Ok::<_, Error>(deleted.to_string())
    });
    let mut clients = [app.test_client(), app.test_client()];
    for client in &mut clients {
        get(client, "/login");
    }
    get(&mut app.test_client(), "/set/red");
    let found = stores.sessions(&app, |session| session.contains_key("username"));
    let mut ids: Vec<_> = found.unwrap().into_iter().map(|found| found.id).collect();
    let mut wanted = clients.each_ref().map(|client| Some(id(client)));
    ids.sort();
    wanted.sort();
    assert_eq!(ids, wanted);
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
