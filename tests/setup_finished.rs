//! Setup: over with the first request, and strict about what is there twice.
//!
//! The code: `src/app.rs`, `check_setup_finished`. Next: `test_client.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::error::catch;
use carafe::{App, Blueprint, Dict, Error, Response, Scaffold, ViewArgs};
use common::{DbError, app, get, hello};

/// What setting up fails with.
fn refusal(app: &mut App, setup: impl FnOnce(&mut App)) -> Option<String> {
    let result = catch(|| {
        setup(app);
        Ok(())
    });
    result.err().map(|error| error.to_string())
}

fn too_late(method: &str) -> String {
    format!(
        "The setup method '{method}' can no longer be called on the application. It has already \
         handled its first request, any changes will not be applied consistently.\nMake sure all \
         imports, decorators, functions, etc. needed to set up the application are done before \
         running it."
    )
}

type Setup = fn(&mut App);

#[test]
fn after_the_first_request_every_setup_method_is_refused_in_flasks_words() {
    let mut app = app();
    app.route("/", hello);
    get(&app, "/");
    let methods: [(&str, Setup); 11] = [
        ("add_url_rule", |app| app.add_url_rule("/x", "x", hello)),
        ("before_request", |app| app.before_request(common::before)),
        ("after_request", |app| app.after_request(common::after)),
        ("teardown_request", |app| {
            app.teardown_request(common::teardown)
        }),
        ("teardown_appcontext", |app| {
            app.teardown_appcontext(common::teardown);
        }),
        ("url_value_preprocessor", |app| {
            app.url_value_preprocessor(|_: Option<&str>, _: Option<&mut ViewArgs>| ());
        }),
        ("url_defaults", |app| {
            app.url_defaults(|_: &str, _: &mut Dict| ());
        }),
        ("errorhandler", |app| app.errorhandler(404, |_| "x")),
        ("errorhandler", |app| {
            app.errorhandler_for(|_: &DbError| "x")
        }),
        ("endpoint", |app| app.endpoint("x", hello)),
        ("register_blueprint", |app| {
            app.register_blueprint(Blueprint::new("x"));
        }),
    ];
    for (name, setup) in methods {
        assert_eq!(refusal(&mut app, setup), Some(too_late(name)), "{name}");
    }
    // Flask 1.1 has this one.
    assert_eq!(
        refusal(&mut app, |app| app.before_first_request(common::before)),
        Some(too_late("before_first_request"))
    );
    assert_eq!(get(&app, "/x").0, 404, "nothing of it is in force");
}

#[test]
fn until_then_setup_may_go_on_even_after_a_test_request_context() {
    let mut app = app();
    app.test_request_context("/").unwrap().with(|| ()).unwrap();
    app.test_client()
        .session_transaction(|session| session.insert("a", 1))
        .unwrap();
    assert!(!app.got_first_request());
    app.route("/", hello);
    assert_eq!(get(&app, "/").0, 200);
}

#[test]
fn a_request_that_fails_before_the_first_functions_are_done_ends_no_setup() {
    let mut app = app();
    app.before_first_request(|| Err::<(), Error>(DbError("not yet").into()));
    get(&app, "/");
    assert!(!app.got_first_request());
    app.route("/", hello);
}

#[test]
fn config_may_be_changed_at_any_time() {
    let mut app = app();
    app.route("/", hello);
    get(&app, "/");
    app.config().set("TESTING", true).unwrap();
    assert!(app.config().settings().testing);
}

#[test]
fn a_view_cannot_set_up_the_app_that_serves_it() {
    let mut app = app();
    app.route("/", || {
        let mut app = carafe::current_app();
        let late = refusal(&mut app, |app| app.after_request(|_: &mut Response| ()));
        late.unwrap_or_else(|| "taken".to_owned())
    });
    assert_eq!(get(&app, "/").1, too_late("after_request"));
}

#[test]
fn two_views_for_one_endpoint_are_refused() {
    let mut app = app();
    app.add_url_rule("/a", "page", || "a");
    assert_eq!(
        refusal(&mut app, |app| app.add_url_rule("/b", "page", || "b")),
        Some("View function mapping is overwriting an existing endpoint function: page".to_owned())
    );
    app.add_endpoint_rule("/c", "page");
    assert_eq!(get(&app, "/c").1, "a");
}

#[test]
fn one_blueprint_name_for_two_is_refused() {
    let mut app = app();
    app.register_blueprint(Blueprint::new("admin"));
    assert_eq!(
        refusal(&mut app, |app| app
            .register_blueprint(Blueprint::new("admin"))),
        Some(
            "The name 'admin' is already registered for a different blueprint. Use 'name=' to \
             provide a unique name."
                .to_owned()
        )
    );
}

#[test]
fn a_malformed_rule_is_refused_when_it_is_added() {
    for rule in ["no-slash", "/<", "/<nothing:x>", "/<int:a>/<int:a>"] {
        let mut app = app();
        let refused = refusal(&mut app, |app| app.add_url_rule(rule, "x", hello));
        assert!(refused.is_some(), "{rule}");
    }
}
