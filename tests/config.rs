//! Config: Flask's names, from defaults, a mapping and the environment; each with a type.
//!
//! The code: `src/config.rs`. Next: `setup_finished.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use std::process::Command;
use std::time::Duration;

use carafe::{App, Dict, SameSite, Scaffold, Value, current_app};
use common::get;

#[test]
fn the_defaults_are_flasks() {
    let settings = App::new("shop").config().settings();
    assert!(!settings.debug && !settings.testing && !settings.trap_http_exceptions);
    assert_eq!(settings.propagate_exceptions, None);
    assert_eq!(settings.trap_bad_request_errors, None);
    assert_eq!(settings.secret_key, None);
    assert!(settings.secret_key_fallbacks.is_empty());
    let days = settings.permanent_session_lifetime.as_secs() / (24 * 60 * 60);
    assert_eq!(days, 31);
    assert!(settings.session_refresh_each_request);
    assert_eq!(settings.session_cookie_name, "session");
    assert_eq!(settings.session_cookie_domain, None);
    assert_eq!(settings.session_cookie_path, None);
    assert!(settings.session_cookie_httponly && !settings.session_cookie_secure);
    assert_eq!(settings.session_cookie_samesite, None);
    assert!(!settings.session_cookie_partitioned);
    assert_eq!(settings.application_root, "/");
    assert_eq!(settings.server_name, None);
    assert_eq!(settings.preferred_url_scheme, "http");
    assert_eq!(settings.max_content_length, None);
    assert_eq!(settings.max_cookie_size, 4093);
    assert!(settings.provide_automatic_options);
}

#[test]
fn a_mapping_sets_its_upper_case_keys_and_passes_over_the_others() {
    let app = App::new("shop");
    let config = app.config();
    config
        .from_mapping([
            ("SECRET_KEY", Value::from("adavafa")),
            ("PERMANENT_SESSION_LIFETIME", Value::from(60)),
            ("SESSION_COOKIE_SAMESITE", Value::from("lax")),
            ("SHOP_NAME", Value::from("Pears")),
            ("helper", Value::from(1)),
        ])
        .unwrap();
    let settings = config.settings();
    assert_eq!(settings.secret_key.as_deref(), Some(&b"adavafa"[..]));
    assert_eq!(settings.permanent_session_lifetime, Duration::from_secs(60));
    assert_eq!(settings.session_cookie_samesite, Some(SameSite::Lax));
    assert_eq!(config.get("SHOP_NAME"), Some("Pears".into()));
    assert_eq!(config.get("helper"), None);
}

#[test]
fn null_gives_a_setting_up() {
    let app = App::new("shop");
    for key in ["SECRET_KEY", "SERVER_NAME", "MAX_CONTENT_LENGTH"] {
        let value = match key {
            "MAX_CONTENT_LENGTH" => Value::Int(5),
            _ => Value::from("text"),
        };
        app.config().set(key, value).unwrap();
        app.config().set(key, Value::Null).unwrap();
    }
    let settings = app.config().settings();
    assert_eq!(settings.secret_key, None);
    assert_eq!(settings.server_name, None);
    assert_eq!(settings.max_content_length, None);
}

#[test]
fn a_bad_value_is_refused_by_the_name_of_its_key_and_changes_nothing() {
    let app = App::new("shop");
    for (key, value, message) in [
        (
            "DEBUG",
            Value::from("yes"),
            "takes true or false, not \"yes\"",
        ),
        ("SESSION_COOKIE_NAME", Value::from(7), "takes text, not 7"),
        ("SESSION_COOKIE_NAME", Value::Null, "takes text, not null"),
        ("SERVER_NAME", Value::from(true), "takes text, not true"),
        (
            "MAX_CONTENT_LENGTH",
            Value::from(-1),
            "takes a number of bytes, not -1",
        ),
        (
            "PERMANENT_SESSION_LIFETIME",
            Value::from("1 day"),
            "takes a number of seconds, not \"1 day\"",
        ),
        (
            "PERMANENT_SESSION_LIFETIME",
            Value::from(f64::INFINITY),
            "takes a number of seconds, not Infinity",
        ),
        (
            "SESSION_COOKIE_SAMESITE",
            Value::from("Loose"),
            "takes \"Strict\", \"Lax\", \"None\" or null, not \"Loose\"",
        ),
        (
            "SECRET_KEY_FALLBACKS",
            Value::from("adavafa"),
            "takes a list of keys, each text or bytes, none of them empty, not a value of another type",
        ),
    ] {
        let error = app.config().set(key, value).unwrap_err();
        assert_eq!(error.to_string(), format!("config key {key} {message}"));
        assert_eq!(error.key, key);
    }
    let settings = app.config().settings();
    assert_eq!(settings.session_cookie_name, "session");
    assert!(!settings.debug);
}

#[test]
fn a_bad_secret_key_is_refused_without_being_shown() {
    let app = App::new("shop");
    let error = app.config().set("SECRET_KEY", vec!["adavafa"]).unwrap_err();
    assert_eq!(error.key, "SECRET_KEY");
    assert!(!format!("{error} {error:?}").contains("adavafa"));
    app.config().set_secret_key("adavafa");
    assert!(!format!("{:?}", app.config()).contains("adavafa"));
    assert!(!format!("{:?}", app.config().settings()).contains("adavafa"));
}

#[test]
fn a_view_reads_the_config_through_the_app() {
    let mut app = App::new("shop");
    app.config().set("SHOP_NAME", "Pears").unwrap();
    app.route("/", || {
        let name = current_app().config().get("SHOP_NAME");
        name.and_then(|name| name.as_str().map(str::to_owned))
    });
    assert_eq!(get(&app, "/").1, "Pears");
}

/// Runs the test of this name again, in a process of its own that has these variables. Setting one in
/// this process would not be safe: other tests run on other threads.
fn again_with(name: &str, variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env("IN_A_PROCESS_OF_ITS_OWN", "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    assert!(text.contains("1 passed"), "{text}");
}

fn is_the_inner_process() -> bool {
    std::env::var_os("IN_A_PROCESS_OF_ITS_OWN").is_some()
}

#[test]
fn environment_variables_with_the_prefix_are_read_as_json_or_else_as_text() {
    if !is_the_inner_process() {
        return again_with(
            "environment_variables_with_the_prefix_are_read_as_json_or_else_as_text",
            &[
                ("SHOP_SECRET_KEY", "adavafa"),
                ("SHOP_TESTING", "true"),
                ("SHOP_MAX_CONTENT_LENGTH", "1024"),
                ("SHOP_LIST", "[1, \"x\"]"),
                ("SHOP_DB__HOST", "localhost"),
                ("SHOP_DB__POOL__SIZE", "5"),
                ("SHOPPING_NAME", "another prefix"),
                ("OTHER_DEBUG", "true"),
            ],
        );
    }
    let app = App::new("shop");
    let config = app.config();
    config.from_prefixed_env("SHOP").unwrap();
    let settings = config.settings();
    assert_eq!(settings.secret_key.as_deref(), Some(&b"adavafa"[..]));
    assert!(settings.testing && !settings.debug);
    assert_eq!(settings.max_content_length, Some(1024));
    let list = Value::List(vec![1.into(), "x".into()]);
    assert_eq!(config.get("LIST"), Some(list));
    let pool: Dict = [("SIZE".to_owned(), Value::Int(5))].into_iter().collect();
    let db = config.get("DB").unwrap();
    assert_eq!(db.get("HOST"), Some(&"localhost".into()));
    assert_eq!(db.get("POOL"), Some(&pool.into()));
    assert_eq!(config.get("PING_NAME"), None);
    assert_eq!(config.get("NAME"), None);
}

#[test]
fn a_bad_environment_variable_is_refused_by_the_name_of_its_key() {
    if !is_the_inner_process() {
        return again_with(
            "a_bad_environment_variable_is_refused_by_the_name_of_its_key",
            &[("SHOP_SESSION_COOKIE_SECURE", "maybe")],
        );
    }
    let error = App::new("shop").config().from_prefixed_env("SHOP");
    assert_eq!(
        error.unwrap_err().to_string(),
        "config key SESSION_COOKIE_SECURE takes true or false, not \"maybe\""
    );
}
