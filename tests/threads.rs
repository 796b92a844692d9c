//! Threads: a context belongs to one thread, and `copy_current_request_context` takes it to another.
//!
//! The code: `src/context/copy.rs` and `src/context/local.rs`. Next: `config.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use std::thread;

use carafe::{
    Error, Scaffold, copy_current_request_context, current_app, g, has_app_context,
    has_request_context, request, session,
};
use common::{Log, app, get};

#[test]
fn another_thread_has_none_of_this_threads_contexts() {
    let app = app();
    app.test_request_context("/")
        .unwrap()
        .with(|| {
            let there = thread::spawn(|| (has_app_context(), has_request_context()));
            assert_eq!(there.join().unwrap(), (false, false));
            assert!(has_app_context() && has_request_context());
        })
        .unwrap();
}

#[test]
fn a_copy_takes_the_request_and_the_session_along_but_not_g() {
    let mut app = app();
    app.route("/user/<int:id>", |_id: i64| {
        g().set("here", true);
        session().insert("username", "jack").unwrap();
        let work = copy_current_request_context(|| {
            let endpoint = request().endpoint().map(str::to_owned);
            let name: Option<String> = session().get("username");
            format!(
                "{} {endpoint:?} {name:?} {} {}",
                request().path(),
                current_app().name(),
                g().contains("here")
            )
        });
        thread::spawn(work).join().unwrap()
    });
    assert_eq!(
        get(&app, "/user/7").1,
        "/user/7 Some(\"user_id\") Some(\"jack\") shop false"
    );
}

#[test]
fn what_the_thread_puts_into_the_session_before_the_response_is_saved() {
    let mut app = app();
    app.route("/", || {
        let work = copy_current_request_context(|| session().insert("from", "afar"));
        thread::spawn(work).join().unwrap()??;
        Ok::<_, Error>("done")
    });
    let mut client = app.test_client();
    client.get("/").send().unwrap();
    let from = client.session_transaction(|session| Ok(session.get::<String>("from")));
    assert_eq!(from.unwrap().as_deref(), Some("afar"));
}

#[test]
fn a_copy_is_torn_down_on_its_thread_when_its_work_is_done() {
    let log = Log::default();
    let mut app = app();
    let seen = log.clone();
    app.teardown_request(move |_: Option<&Error>| {
        let name = thread::current().name().unwrap_or("test").to_owned();
        seen.add(format!(
            "teardown on {}",
            if name == "worker" { "worker" } else { "server" }
        ));
    });
    let seen = log.clone();
    app.route("/", move || {
        let seen = seen.clone();
        let work = copy_current_request_context(move || seen.add("work"));
        let worker = thread::Builder::new().name("worker".to_owned());
        worker.spawn(work).unwrap().join().unwrap()?;
        Ok::<_, Error>("done")
    });
    assert_eq!(get(&app, "/").1, "done");
    assert_eq!(
        log.take(),
        ["work", "teardown on worker", "teardown on server"]
    );
}

#[test]
fn a_copy_may_outlive_its_request() {
    let (send, receive) = std::sync::mpsc::channel();
    let mut app = app();
    app.route("/cart", move || {
        let work = copy_current_request_context(|| request().path().to_owned());
        send.send(work).map_or("lost", |()| "sent")
    });
    assert_eq!(get(&app, "/cart").1, "sent");
    let work = receive.recv().unwrap();
    assert!(!has_request_context());
    assert_eq!(thread::spawn(work).join().unwrap().unwrap(), "/cart");
}

#[test]
fn a_panic_on_the_thread_is_that_threads_and_its_contexts_are_popped() {
    let mut app = app();
    app.route("/", || {
        let work = copy_current_request_context(|| -> () { panic!("the floor is gone") });
        let there = thread::spawn(|| {
            let result = carafe::error::catch(|| work());
            (result.is_err(), has_request_context(), has_app_context())
        });
        format!("{:?}", there.join().unwrap())
    });
    assert_eq!(get(&app, "/"), (200, "(true, false, false)".to_owned()));
}

#[test]
fn outside_a_request_there_is_nothing_to_copy() {
    let outside = carafe::error::catch(|| {
        drop(copy_current_request_context(|| ()));
        Ok(())
    });
    assert_eq!(
        outside.unwrap_err().to_string(),
        "'copy_current_request_context' can only be used when a request context is active, such \
         as in a view function."
    );
}
