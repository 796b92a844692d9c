//! Stage 3, `Flask.app_context`: which app is at work, and its `g`, with or without a request.
//!
//! The code: `src/context/app_context.rs`. Next: `push.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::thread;

use carafe::context::{LocalProxy, try_current_app, try_g};
use carafe::error::catch;
use carafe::{App, Error, Scaffold, current_app, g, has_app_context, url_for};
use common::{DbError, Log, app, hello, record, tree};

#[test]
fn a_context_is_made_pushed_and_popped() {
    fn close_db(_error: Option<&Error>) {}
    let mut app = app();
    app.teardown_appcontext(close_db);

    let (name, trace) = record(|| {
        app.app_context()
            .with(|| current_app().name().to_owned())
            .unwrap()
    });

    assert_eq!(name, "shop");
    assert_eq!(
        tree(&trace),
        [
            "Flask.app_context",
            "  AppContext.__init__",
            "    Flask.create_url_adapter",
            "AppContext.push",
            "  signal appcontext_pushed",
            "AppContext.pop",
            "  Flask.do_teardown_appcontext",
            "    teardown_appcontext close_db",
            "    signal appcontext_tearing_down",
            "  signal appcontext_popped",
        ]
    );
}

#[test]
fn outside_a_context_the_proxies_say_so_in_flasks_words() {
    let message = "Working outside of application context.\n\n\
        This typically means that you attempted to use functionality that needed\n\
        the current application. To solve this, set up an application context\n\
        with app.app_context(). See the documentation for more information.";
    assert_eq!(try_current_app().unwrap_err().to_string(), message);
    assert_eq!(try_g().unwrap_err().to_string(), message);
    let panic = carafe::error::catch(|| Ok(g())).unwrap_err();
    assert_eq!(panic.to_string(), message);
    assert!(!has_app_context());
}

#[test]
fn every_context_has_a_g_of_its_own() {
    let app = app();
    app.app_context()
        .with(|| {
            g().set("user", "jack");
            let inner = app.app_context().with(|| {
                let seen = g().get::<&str>("user");
                g().set("user", "jill");
                seen
            });
            assert_eq!(inner.unwrap(), None);
            assert_eq!(g().get::<&str>("user"), Some("jack"));
        })
        .unwrap();
}

#[test]
fn g_is_new_for_every_request() {
    let mut app = app();
    app.route("/", || {
        let seen = g().contains("user");
        g().set("user", "jack");
        format!("{seen}")
    });
    let mut client = app.test_client();
    assert_eq!(client.get("/").send().unwrap().text(), "false");
    assert_eq!(client.get("/").send().unwrap().text(), "false");
}

#[test]
fn g_has_the_methods_of_a_namespace() {
    app()
        .app_context()
        .with(|| {
            g().set("b", 1_i64);
            g().set("a", "text");
            assert_eq!(g().names(), ["a", "b"]);
            assert_eq!(g().get::<i64>("b"), Some(1));
            assert_eq!(g().get::<i64>("a"), None, "it is no i64");
            assert_eq!(g().setdefault("b", || -> i64 { unreachable!() }), 1);
            assert_eq!(g().setdefault("c", || 3_i64), 3);
            assert_eq!(g().setdefault("a", || 4_i64), 4, "that was no i64");
            assert_eq!(g().get::<i64>("a"), Some(4));
            assert_eq!(g().pop::<String>("b"), None, "it is no text, and stays");
            assert_eq!(g().pop::<i64>("b"), Some(1));
            assert_eq!(g().pop::<i64>("b"), None);
            assert!(!g().contains("b"));
        })
        .unwrap();
}

#[test]
fn threads_that_share_a_g_get_the_same_value_from_setdefault() {
    let ctx = app().app_context();
    let slow = || {
        // While this one is made another thread is quicker.
        let shared = Arc::clone(ctx.g());
        let quick = thread::spawn(move || shared.setdefault("value", || 1));
        assert_eq!(quick.join().unwrap(), 1);
        2
    };
    assert_eq!(ctx.g().setdefault("value", slow), 1);
    assert_eq!(ctx.g().get::<i32>("value"), Some(1));
}

#[test]
fn what_an_extension_keeps_for_an_app_is_there_in_each_of_its_contexts_and_in_no_other_apps() {
    let counter = |app: &App| app.extensions().get::<Arc<AtomicU32>>("counter");
    let mut shop = app();
    shop.route("/", move || counter(&current_app()).is_some().to_string());
    let kept = Arc::new(AtomicU32::new(0));
    shop.clone().extensions().set("counter", Arc::clone(&kept));
    assert_eq!(shop.test_client().get("/").send().unwrap().text(), "true");
    let job = shop.clone();
    let in_job = move || job.app_context().with(|| counter(&current_app())).unwrap();
    let found = thread::spawn(in_job).join().unwrap().unwrap();
    assert!(Arc::ptr_eq(&found, &kept));
    assert!(counter(&App::new("another")).is_none());
}

#[test]
fn a_proxy_of_the_apps_own_leads_to_whatever_is_current() {
    static USER: LocalProxy<&str> = LocalProxy::new(
        "current_user",
        || try_g().ok()?.get("user"),
        "Nobody is logged in.",
    );
    for name in ["jack", "jill"] {
        let in_context = || {
            assert!(!USER.is_bound());
            g().set("user", name);
            assert_eq!(format!("{USER:?}"), "<LocalProxy current_user>");
            USER.get_current_object()
        };
        assert_eq!(app().app_context().with(in_context).unwrap(), name);
    }
    let error = USER.try_get_current_object().unwrap_err();
    assert_eq!(error.to_string(), "Nobody is logged in.");
    assert!(
        catch(|| Ok(USER.get_current_object()))
            .unwrap_err()
            .is_panic()
    );
}

/// A value that looks at `g` whenever it is cloned or dropped.
struct Curious(Log);

impl Curious {
    fn look(&self, when: &str) {
        self.0.add(format!("{when}: {:?}", g().names()));
    }
}

impl Clone for Curious {
    fn clone(&self) -> Self {
        self.look("cloned");
        Curious(self.0.clone())
    }
}

impl Drop for Curious {
    fn drop(&mut self) {
        self.look("dropped");
    }
}

/// It waits forever where `g` is locked meanwhile.
#[test]
fn what_is_in_g_may_use_g_when_it_is_cloned_or_dropped() {
    let log = Log::default();
    app()
        .app_context()
        .with(|| {
            g().set("value", Curious(log.clone()));
            g().set("value", Curious(log.clone()));
            assert_eq!(log.take(), [r#"dropped: ["value"]"#]);
            drop(g().pop::<Curious>("value"));
            let wanted = ["cloned: []", "dropped: []", "dropped: []"];
            assert_eq!(log.take(), wanted);
        })
        .unwrap();
}

#[test]
fn a_context_that_is_entered_again_is_torn_down_by_its_last_pop_only() {
    fn close_db(_error: Option<&Error>) {}
    let mut app = app();
    app.teardown_appcontext(close_db);
    let ctx = app.app_context();

    let ((), trace) = record(|| {
        ctx.with(|| {
            g().set("user", "jack");
            ctx.with(|| assert!(g().contains("user"))).unwrap();
            assert!(has_app_context());
        })
        .unwrap();
    });

    assert_eq!(
        tree(&trace),
        [
            "AppContext.push",
            "  signal appcontext_pushed",
            "AppContext.push",
            "  signal appcontext_pushed",
            "AppContext.pop",
            "  signal appcontext_popped",
            "AppContext.pop",
            "  Flask.do_teardown_appcontext",
            "    teardown_appcontext close_db",
            "    signal appcontext_tearing_down",
            "  signal appcontext_popped",
        ]
    );
}

#[test]
fn however_often_it_is_entered_it_is_torn_down_once() {
    let log = Log::default();
    let mut app = app();
    let seen = log.clone();
    app.teardown_appcontext(move |_error: Option<&Error>| seen.add("teardown"));
    let ctx = app.app_context();
    for _ in 0..3 {
        ctx.push().unwrap();
    }
    for torn_down in [&[][..], &[], &["teardown"]] {
        ctx.pop(None).unwrap();
        assert_eq!(log.take(), torn_down);
    }
}

#[test]
fn popping_the_wrong_one_is_an_error_and_goes_back_to_before_it_was_pushed() {
    let app = app();
    let (first, second) = (app.app_context(), app.app_context());
    first.push().unwrap();
    second.push().unwrap();

    let error = first.pop(None).unwrap_err();
    assert_eq!(error.type_name(), "AssertionError");
    assert!(error.to_string().starts_with("Popped wrong app context. ("));
    assert!(!has_app_context());

    let error = second.pop(None).unwrap_err();
    assert_eq!(error.type_name(), "AssertionError");
    assert!(!has_app_context());
}

#[test]
fn popping_what_was_never_pushed_is_an_error_too_and_takes_nothing_away() {
    let error = app().app_context().pop(None).unwrap_err();
    assert_eq!(error.type_name(), "AssertionError");

    let current = app().app_context();
    current.push().unwrap();
    let error = app().app_context().pop(None).unwrap_err();
    assert_eq!(error.type_name(), "AssertionError");
    assert!(has_app_context());
    current.pop(None).unwrap();
}

#[test]
fn the_teardown_functions_get_the_error_that_the_pop_was_given() {
    let mut app = app();
    let log = Log::default();
    let seen = log.clone();
    app.teardown_appcontext(move |error: Option<&Error>| {
        seen.add(error.map_or("None".to_owned(), |e| e.type_name().to_owned()));
    });

    let ctx = app.app_context();
    ctx.push().unwrap();
    ctx.pop(Some(&DbError("down").into())).unwrap();
    app.app_context().with(|| ()).unwrap();
    let panicked = std::panic::catch_unwind(|| app.app_context().with(|| panic!("no floor")));

    assert!(panicked.is_err());
    assert_eq!(log.take(), ["DbError", "None", "Panic"]);
    assert!(!has_app_context());
}

#[test]
fn a_teardown_function_still_finds_the_app_and_g() {
    let mut app = app();
    let log = Log::default();
    let seen = log.clone();
    app.teardown_appcontext(move |_error: Option<&Error>| {
        seen.add(current_app().name());
        seen.add(g().get::<&str>("db").unwrap_or("no db"));
    });
    app.app_context().with(|| g().set("db", "open")).unwrap();
    assert_eq!(log.take(), ["shop", "open"]);
}

#[test]
fn a_teardown_function_that_fails_does_not_keep_the_context_on_the_stack() {
    fn broken(_error: Option<&Error>) -> Result<(), Error> {
        Err(DbError("already closed").into())
    }
    fn explosive(_error: Option<&Error>) {
        panic!("the floor is gone");
    }
    let mut failing = app();
    failing.teardown_appcontext(broken);
    let mut panicking = app();
    panicking.teardown_appcontext(explosive);

    for (app, type_name) in [(failing, "DbError"), (panicking, "Panic")] {
        let error = app.app_context().with(|| ()).unwrap_err();
        assert_eq!(error.type_name(), type_name);
        assert!(!has_app_context());
    }
}

#[test]
fn urls_are_built_where_the_server_name_is_known() {
    let mut app = app();
    app.route("/hello", hello);

    let without = app.app_context().with(|| url_for("hello").build()).unwrap();
    assert_eq!(
        without.unwrap_err().to_string(),
        "Unable to build URLs outside an active request without 'SERVER_NAME' configured. Also \
         configure 'APPLICATION_ROOT' and 'PREFERRED_URL_SCHEME' as needed."
    );

    app.config().set("SERVER_NAME", "shop.example").unwrap();
    let with = app.app_context().with(|| url_for("hello").build()).unwrap();
    assert_eq!(with.unwrap(), "http://shop.example/hello");
}

#[test]
fn a_request_uses_the_app_context_that_is_there() {
    let mut app = app();
    app.route("/", || g().get::<&'static str>("user").unwrap_or("nobody"));

    let (text, trace) = record(|| {
        let in_context = app.app_context().with(|| {
            g().set("user", "jack");
            app.test_client().get("/").send()
        });
        in_context.unwrap().unwrap().text()
    });

    assert_eq!(text, "jack");
    let made = trace.names();
    let made = made.iter().filter(|name| *name == "AppContext.__init__");
    assert_eq!(made.count(), 1);
}

#[test]
fn a_request_to_another_app_brings_a_context_of_its_own() {
    let mut blog = App::new("blog");
    blog.route("/", || current_app().name().to_owned());
    let shop = app();
    shop.app_context()
        .with(|| {
            assert_eq!(blog.test_client().get("/").send().unwrap().text(), "blog");
            assert_eq!(current_app().name(), "shop");
        })
        .unwrap();
}
