//! Blueprints: names, prefixes, nesting, and what of theirs is in force where.
//!
//! The order of their functions in a request is in the files of those stages. The code:
//! `src/blueprint.rs`. Next: `url_for.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use carafe::error::catch;
use carafe::{App, Blueprint, Error, RegisterOptions, Response, Route, Scaffold, request, url_for};
use common::{app, get, hello, visit};

/// Says which endpoint and which blueprints the request belongs to.
fn whoami() -> String {
    let request = request();
    let endpoint = request.endpoint().unwrap_or("none").to_owned();
    format!("{endpoint} {:?}", request.blueprints())
}

/// What setting up fails with.
fn refusal(setup: impl FnOnce()) -> String {
    let setup = || {
        setup();
        Ok(())
    };
    catch(setup).unwrap_err().to_string()
}

/// `outer` at `/outer`, with `inner` at `/inner` in it.
fn nested() -> Blueprint {
    let mut inner = Blueprint::new("inner").with_url_prefix("/inner");
    inner.add_url_rule("/", "index", whoami);
    let mut outer = Blueprint::new("outer").with_url_prefix("/outer/");
    outer.add_url_rule("/", "index", whoami);
    outer.register_blueprint(inner);
    outer
}

#[test]
fn an_endpoint_has_the_names_of_its_blueprints_before_it() {
    let mut app = app();
    app.add_url_rule("/", "index", whoami);
    app.register_blueprint(nested());
    assert_eq!(get(&app, "/").1, "index []");
    assert_eq!(get(&app, "/outer/").1, "outer.index [\"outer\"]");
    assert_eq!(
        get(&app, "/outer/inner/").1,
        "outer.inner.index [\"outer.inner\", \"outer\"]"
    );
}

#[test]
fn prefixes_are_joined_by_one_slash() {
    for (prefix, rule, path) in [
        ("/a", "/b", "/a/b"),
        ("/a/", "/b", "/a/b"),
        ("/a/", "b", "/a/b"),
        ("/a", "/", "/a/"),
        ("/a", "", "/a"),
        ("/a/<int:n>", "/b", "/a/7/b"),
    ] {
        let mut bp = Blueprint::new("bp").with_url_prefix(prefix);
        bp.add_url_rule(rule, "view", |_: carafe::ViewArgs| "found");
        let mut app = app();
        app.register_blueprint(bp);
        assert_eq!(
            get(&app, path),
            (200, "found".to_owned()),
            "{prefix} {rule}"
        );
    }
}

#[test]
fn a_name_and_a_prefix_given_at_registration_replace_its_own() {
    let mut app = app();
    app.register_blueprint(nested());
    let options = RegisterOptions::new().name("again").url_prefix("/again");
    app.register_blueprint_with(nested(), options);
    assert_eq!(
        get(&app, "/again/inner/").1,
        "again.inner.index [\"again.inner\", \"again\"]"
    );
}

#[test]
fn a_prefix_given_at_nesting_replaces_the_inner_ones_own() {
    let mut inner = Blueprint::new("inner").with_url_prefix("/inner");
    inner.add_url_rule("/", "index", whoami);
    let mut outer = Blueprint::new("outer").with_url_prefix("/outer");
    outer.register_blueprint_with(inner, RegisterOptions::new().url_prefix("/other"));
    let mut app = app();
    app.register_blueprint(outer);
    assert_eq!(get(&app, "/outer/other/").0, 200);
    assert_eq!(get(&app, "/outer/inner/").0, 404);
}

#[test]
fn a_name_that_is_taken_is_refused_in_flasks_words() {
    let mut bp = Blueprint::new("bp");
    bp.register_blueprint(Blueprint::new("in"));
    let mut app = app();
    app.register_blueprint(bp.clone());
    assert_eq!(
        refusal(|| app.register_blueprint(bp.clone())),
        "The name 'bp' is already registered for this blueprint. Use 'name=' to provide a unique \
         name."
    );
    assert_eq!(
        refusal(|| app.register_blueprint(Blueprint::new("bp"))),
        "The name 'bp' is already registered for a different blueprint. Use 'name=' to provide a \
         unique name."
    );
    let options = RegisterOptions::new().name("bp");
    assert_eq!(
        refusal(|| app.register_blueprint_with(Blueprint::new("x"), options)),
        "The name 'bp' is already registered for a different blueprint. Use 'name=' to provide a \
         unique name."
    );
}

#[test]
fn a_name_is_neither_empty_nor_dotted() {
    assert_eq!(
        refusal(|| drop(Blueprint::new(""))),
        "'name' may not be empty."
    );
    assert_eq!(
        refusal(|| drop(Blueprint::new("a.b"))),
        "'name' may not contain a dot '.' character."
    );
    assert_eq!(
        refusal(|| {
            let mut bp = Blueprint::new("bp");
            bp.add_url_rule("/", "a.b", hello);
        }),
        "'endpoint' may not contain a dot '.' character."
    );
}

#[test]
fn nothing_of_a_blueprint_is_in_force_until_it_is_registered() {
    let mut bp = Blueprint::new("bp");
    bp.route("/", hello);
    bp.before_app_request(common::before);
    let mut app = app();
    assert_eq!(visit(&app, "/").0.status_code(), 404);

    // That was a first request: setup starts over.
    app = common::app();
    app.register_blueprint(bp);
    assert_eq!(
        visit(&app, "/").1.hooks(),
        ["before_request before", "view hello"]
    );
}

#[test]
fn the_app_forms_are_in_force_everywhere_and_the_plain_ones_below_the_blueprint() {
    fn after_all(_: &mut Response) {}
    fn after_own(_: &mut Response) {}
    fn teardown_all(_: Option<&Error>) {}
    fn teardown_own(_: Option<&Error>) {}
    fn before_all() {}
    fn before_own() {}
    let mut bp = Blueprint::new("bp").with_url_prefix("/bp");
    bp.before_app_request(before_all);
    bp.before_request(before_own);
    bp.after_app_request(after_all);
    bp.after_request(after_own);
    bp.teardown_app_request(teardown_all);
    bp.teardown_request(teardown_own);
    bp.add_url_rule("/", "view", hello);
    let mut app = app();
    app.route("/", hello);
    app.register_blueprint(bp);
    assert_eq!(
        visit(&app, "/").1.hooks(),
        [
            "before_request before_all",
            "view hello",
            "after_request after_all",
            "teardown_request teardown_all",
        ]
    );
    assert_eq!(
        visit(&app, "/bp/").1.hooks(),
        [
            "before_request before_all",
            "before_request before_own",
            "view hello",
            "after_request after_own",
            "after_request after_all",
            "teardown_request teardown_own",
            "teardown_request teardown_all",
        ]
    );
}

#[test]
fn a_blueprint_registered_twice_runs_its_app_functions_once() {
    let mut bp = Blueprint::new("bp").with_url_prefix("/one");
    bp.before_app_request(common::before);
    bp.add_url_rule("/", "view", hello);
    let mut app = app();
    app.register_blueprint(bp.clone());
    app.register_blueprint_with(bp, RegisterOptions::new().name("two").url_prefix("/two"));
    assert_eq!(
        visit(&app, "/two/").1.hooks(),
        ["before_request before", "view hello"]
    );
}

#[test]
fn of_an_apps_functions_and_a_blueprints_app_functions_the_first_registered_is_the_first() {
    fn early() {}
    fn late() {}
    let mut bp = Blueprint::new("bp");
    bp.before_app_request(common::before);
    let mut app = app();
    app.before_request(early);
    app.register_blueprint(bp);
    app.before_request(late);
    assert_eq!(
        visit(&app, "/").1.hooks(),
        [
            "before_request early",
            "before_request before",
            "before_request late",
        ]
    );
}

#[test]
fn url_for_with_a_dot_before_it_stays_in_the_blueprint() {
    let mut inner = Blueprint::new("inner").with_url_prefix("/inner");
    inner.add_url_rule("/o", "other", hello);
    inner.add_url_rule("/", "index", || {
        let urls = [".index", "outer.index", "index", "outer.inner.other"];
        let urls = urls.map(|endpoint| url_for(endpoint).build());
        let urls: Result<Vec<String>, Error> = urls.into_iter().collect();
        Ok::<_, Error>(urls?.join(" "))
    });
    let mut outer = Blueprint::new("outer").with_url_prefix("/outer");
    outer.add_url_rule("/", "index", || {
        let (own, inner) = (url_for(".index").build()?, url_for(".inner.index").build()?);
        Ok::<_, Error>(format!("{own} {inner}"))
    });
    outer.register_blueprint(inner);
    let mut app = app();
    app.add_url_rule("/", "index", || url_for(".index").build());
    app.register_blueprint(outer);
    assert_eq!(
        get(&app, "/outer/inner/").1,
        "/outer/inner/ /outer/ / /outer/inner/o"
    );
    assert_eq!(get(&app, "/outer/").1, "/outer/ /outer/inner/");
    assert_eq!(get(&app, "/").1, "/");
}

#[test]
fn record_runs_at_each_registration_and_record_once_at_the_first() {
    let log = common::Log::default();
    let mut bp = Blueprint::new("bp").with_url_prefix("/bp");
    let seen = log.clone();
    bp.record(move |state| {
        seen.add(format!("each: {} at {:?}", state.name, state.url_prefix));
    });
    let seen = log.clone();
    bp.record_once(move |state| {
        seen.add(format!("once: {}", state.app.name()));
    });
    let mut app = App::new("shop");
    app.register_blueprint(bp.clone());
    app.register_blueprint_with(bp, RegisterOptions::new().name("two"));
    assert_eq!(
        log.take(),
        [
            "each: bp at Some(\"/bp\")",
            "once: shop",
            "each: two at Some(\"/bp\")",
        ]
    );
}

#[test]
fn url_defaults_given_at_registration_are_weaker_than_those_of_a_rule() {
    let mut bp = Blueprint::new("bp").with_url_default("lang", "en");
    bp.add_url_rule("/a", "a", |lang: String| lang);
    bp.add_url_rule(
        Route::new("/b").default("lang", "fr"),
        "b",
        |lang: String| lang,
    );
    let mut app = app();
    let options = RegisterOptions::new().url_default("lang", "de");
    app.register_blueprint_with(bp, options);
    assert_eq!(get(&app, "/a").1, "de");
    assert_eq!(get(&app, "/b").1, "fr");
}
