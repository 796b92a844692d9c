//! A store that is down.

use std::sync::atomic::Ordering;

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{MemoryStore, StoreError};
use carafe::{
    App, Error, HttpException, Response, Scaffold, current_app, request, session, signals,
};

use crate::{app, app_of, get, id};

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
fn a_regenerate_that_cannot_write_leaves_all_as_it_was() {
    let (app, _, store) = app();
    let mut client = app.test_client();
    get(&mut client, "/set/red");
    let before = id(&client);
    store.set_fails.store(true, Ordering::Relaxed);
    assert_eq!(get(&mut client, "/login").status_code(), 503);
    store.set_fails.store(false, Ordering::Relaxed);
    assert_eq!(id(&client), before);
    assert_eq!(get(&mut client, "/get").text(), "red");
}

#[test]
fn a_regenerate_that_cannot_delete_has_moved_and_the_browser_knows() {
    let (app, _, store) = app();
    let mut client = app.test_client();
    get(&mut client, "/set/red");
    let before = id(&client);
    store.delete_fails.store(true, Ordering::Relaxed);
    let answer = get(&mut client, "/login");
    // Whether the old one is gone nobody knows: the store may have failed after it deleted it.
    assert_eq!(answer.status_code(), 503);
    assert_ne!(id(&client), before);
    assert_eq!(get(&mut client, "/get").text(), "red");
    assert_eq!(store.memory.len(), 2);
    let mut thief = app.test_client();
    thief.set_cookie("session", &before);
    let username = thief.session_transaction(|session| Ok(session.contains_key("username")));
    assert!(!username.unwrap(), "the old one is not logged in");
}

#[test]
fn a_regenerated_session_is_there_once() {
    let (app, _, store) = app();
    let mut client = app.test_client();
    get(&mut client, "/set/red");
    let before = id(&client);
    get(&mut client, "/login");
    assert_ne!(id(&client), before);
    assert_eq!(get(&mut client, "/get").text(), "red");
    assert_eq!(store.memory.len(), 1);
    let mut thief = app.test_client();
    thief.set_cookie("session", &before);
    assert_eq!(get(&mut thief, "/get").text(), "none");
}

#[test]
fn a_new_id_alone_reaches_the_browser_and_an_empty_session_needs_none() {
    let interface = ServerSideSessionInterface::new(MemoryStore::new()).permanent(false);
    let (mut app, _) = app_of(interface);
    app.route("/regenerate", || {
        session().regenerate();
        "x"
    });
    let mut client = app.test_client();
    assert_eq!(get(&mut client, "/regenerate").header("Set-Cookie"), None);
    get(&mut client, "/set/red");
    let before = id(&client);
    get(&mut client, "/regenerate");
    assert_ne!(id(&client), before);
    assert_eq!(get(&mut client, "/get").text(), "red");
}

#[test]
fn a_session_that_one_request_saves_twice_is_there() {
    for optimistic in [false, true] {
        let interface = ServerSideSessionInterface::new(MemoryStore::new());
        let (mut app, _) = app_of(interface.optimistic(optimistic).unwrap());
        app.route("/regenerate", || {
            session().regenerate();
            "x"
        });
        // It comes after the save, so that there is one more, with the 500.
        let fails = |_app: &App, response: &Response| match response.status_code() {
            200 => Err(Error::runtime("no")),
            _ => Ok(()),
        };
        let _failing = signals::REQUEST_FINISHED.connected_to(&app, fails);
        let mut client = app.test_client();
        for path in ["/set/red", "/set/blue", "/regenerate"] {
            let answer = get(&mut client, path);
            assert_eq!(answer.status_code(), 500, "{path}");
            assert!(
                answer.header("Set-Cookie").is_some(),
                "{path}, {optimistic}"
            );
            let value = client.session_transaction(|session| Ok(session.get::<String>("value")));
            let wanted = path.strip_prefix("/set/").unwrap_or("blue");
            assert_eq!(
                value.unwrap().as_deref(),
                Some(wanted),
                "{path}, {optimistic}"
            );
        }
    }
}

#[test]
fn an_optimistic_save_under_a_new_id_conflicts_like_any_other() {
    let interface = ServerSideSessionInterface::new(MemoryStore::new());
    let (mut app, _) = app_of(interface.optimistic(true).unwrap());
    app.route("/login-slowly", || {
        session().regenerate();
        // Another request of the same browser saves first.
        let mut other = current_app().test_client();
        other.set_cookie("session", &request().cookie("session").unwrap());
        other.get("/set/blue").send()?;
        Ok::<_, Error>("welcome")
    });
    let mut client = app.test_client();
    get(&mut client, "/set/red");
    let before = id(&client);
    assert_eq!(get(&mut client, "/login-slowly").status_code(), 409);
    assert_eq!(id(&client), before);
    assert_eq!(get(&mut client, "/get").text(), "blue");
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
