//! `Config`: Flask's settings under Flask's names, and what is refused.
//!
//! The code: `src/config.rs`. Next: `setup_finished.rs`.
#![allow(clippy::unwrap_used)]

mod common;

use std::process::Command;
use std::time::Duration;

use carafe::config::{Config, Settings};
use carafe::{App, Dict, Error, Scaffold, Value, current_app, session};
use common::{app, hello};

fn config() -> Config {
    App::new("shop").config().clone()
}

/// All of Flask's keys with what they are set to, except the secret ones.
fn listed(settings: &Settings) -> Vec<String> {
    let s = settings;
    vec![
        format!("DEBUG {:?}", s.debug),
        format!("TESTING {:?}", s.testing),
        format!("PROPAGATE_EXCEPTIONS {:?}", s.propagate_exceptions),
        format!("TRAP_HTTP_EXCEPTIONS {:?}", s.trap_http_exceptions),
        format!("TRAP_BAD_REQUEST_ERRORS {:?}", s.trap_bad_request_errors),
        format!(
            "PERMANENT_SESSION_LIFETIME {:?}",
            s.permanent_session_lifetime
        ),
        format!(
            "SESSION_REFRESH_EACH_REQUEST {:?}",
            s.session_refresh_each_request
        ),
        format!("SESSION_COOKIE_NAME {:?}", s.session_cookie_name),
        format!("SESSION_COOKIE_DOMAIN {:?}", s.session_cookie_domain),
        format!("SESSION_COOKIE_PATH {:?}", s.session_cookie_path),
        format!("SESSION_COOKIE_HTTPONLY {:?}", s.session_cookie_httponly),
        format!("SESSION_COOKIE_SECURE {:?}", s.session_cookie_secure),
        format!("SESSION_COOKIE_SAMESITE {:?}", s.session_cookie_samesite),
        format!(
            "SESSION_COOKIE_PARTITIONED {:?}",
            s.session_cookie_partitioned
        ),
        format!("APPLICATION_ROOT {:?}", s.application_root),
        format!("TRUSTED_HOSTS {:?}", s.trusted_hosts),
        format!("SERVER_NAME {:?}", s.server_name),
        format!("PREFERRED_URL_SCHEME {:?}", s.preferred_url_scheme),
        format!("MAX_CONTENT_LENGTH {:?}", s.max_content_length),
        format!("MAX_COOKIE_SIZE {:?}", s.max_cookie_size),
        format!(
            "PROVIDE_AUTOMATIC_OPTIONS {:?}",
            s.provide_automatic_options
        ),
    ]
}

#[test]
fn the_defaults_are_flasks() {
    let settings = config().settings();
    assert_eq!(
        listed(&settings),
        [
            "DEBUG false",
            "TESTING false",
            "PROPAGATE_EXCEPTIONS None",
            "TRAP_HTTP_EXCEPTIONS false",
            "TRAP_BAD_REQUEST_ERRORS None",
            "PERMANENT_SESSION_LIFETIME 2678400s",
            "SESSION_REFRESH_EACH_REQUEST true",
            "SESSION_COOKIE_NAME \"session\"",
            "SESSION_COOKIE_DOMAIN None",
            "SESSION_COOKIE_PATH None",
            "SESSION_COOKIE_HTTPONLY true",
            "SESSION_COOKIE_SECURE false",
            "SESSION_COOKIE_SAMESITE None",
            "SESSION_COOKIE_PARTITIONED false",
            "APPLICATION_ROOT \"/\"",
            "TRUSTED_HOSTS []",
            "SERVER_NAME None",
            "PREFERRED_URL_SCHEME \"http\"",
            "MAX_CONTENT_LENGTH None",
            "MAX_COOKIE_SIZE 4093",
            "PROVIDE_AUTOMATIC_OPTIONS true",
        ]
    );
    assert_eq!(settings.secret_key, None);
    assert!(settings.secret_key_fallbacks.is_empty());
    assert!(settings.extra.is_empty());
}

#[test]
fn a_mapping_sets_every_key_of_flasks() {
    let config = config();
    config
        .from_mapping::<_, Value>([
            ("DEBUG", true.into()),
            ("TESTING", true.into()),
            ("PROPAGATE_EXCEPTIONS", false.into()),
            ("TRAP_HTTP_EXCEPTIONS", 1.into()),
            ("TRAP_BAD_REQUEST_ERRORS", true.into()),
            ("PERMANENT_SESSION_LIFETIME", 1.5.into()),
            ("SESSION_REFRESH_EACH_REQUEST", false.into()),
            ("SESSION_COOKIE_NAME", "sid".into()),
            ("SESSION_COOKIE_DOMAIN", ".shop.example".into()),
            ("SESSION_COOKIE_PATH", "/shop".into()),
            ("SESSION_COOKIE_HTTPONLY", 0.into()),
            ("SESSION_COOKIE_SECURE", true.into()),
            ("SESSION_COOKIE_SAMESITE", "lax".into()),
            ("SESSION_COOKIE_PARTITIONED", true.into()),
            ("APPLICATION_ROOT", "/app".into()),
            (
                "TRUSTED_HOSTS",
                Value::List(vec!["shop.example".into(), ".shop.example".into()]),
            ),
            ("SERVER_NAME", "shop.example".into()),
            ("PREFERRED_URL_SCHEME", "https".into()),
            ("MAX_CONTENT_LENGTH", 1024.into()),
            ("MAX_COOKIE_SIZE", 0.into()),
            ("PROVIDE_AUTOMATIC_OPTIONS", false.into()),
            ("SECRET_KEY", Value::Bytes(b"new".to_vec())),
            ("SECRET_KEY_FALLBACKS", vec!["old", "older"].into()),
        ])
        .unwrap();
    let settings = config.settings();
    assert_eq!(
        listed(&settings),
        [
            "DEBUG true",
            "TESTING true",
            "PROPAGATE_EXCEPTIONS Some(false)",
            "TRAP_HTTP_EXCEPTIONS true",
            "TRAP_BAD_REQUEST_ERRORS Some(true)",
            "PERMANENT_SESSION_LIFETIME 1.5s",
            "SESSION_REFRESH_EACH_REQUEST false",
            "SESSION_COOKIE_NAME \"sid\"",
            "SESSION_COOKIE_DOMAIN Some(\".shop.example\")",
            "SESSION_COOKIE_PATH Some(\"/shop\")",
            "SESSION_COOKIE_HTTPONLY false",
            "SESSION_COOKIE_SECURE true",
            "SESSION_COOKIE_SAMESITE Some(Lax)",
            "SESSION_COOKIE_PARTITIONED true",
            "APPLICATION_ROOT \"/app\"",
            "TRUSTED_HOSTS [\"shop.example\", \".shop.example\"]",
            "SERVER_NAME Some(\"shop.example\")",
            "PREFERRED_URL_SCHEME \"https\"",
            "MAX_CONTENT_LENGTH Some(1024)",
            "MAX_COOKIE_SIZE 0",
            "PROVIDE_AUTOMATIC_OPTIONS false",
        ]
    );
    assert_eq!(settings.secret_key.as_deref(), Some(&b"new"[..]));
    assert_eq!(
        settings.secret_key_fallbacks,
        [b"old".to_vec(), b"older".to_vec()]
    );
}

#[test]
fn none_takes_a_setting_back_where_flask_has_none() {
    let config = config();
    let may_be_none = [
        ("SESSION_COOKIE_DOMAIN", "shop.example"),
        ("SESSION_COOKIE_PATH", "/shop"),
        ("SESSION_COOKIE_SAMESITE", "Strict"),
        ("SERVER_NAME", "shop.example"),
        ("SECRET_KEY", "adavafa"),
    ];
    config.from_mapping(may_be_none).unwrap();
    config
        .from_mapping(may_be_none.map(|(key, _)| (key, Value::Null)))
        .unwrap();
    assert_eq!(listed(&config.settings()), listed(&Settings::default()));
    assert_eq!(config.settings().secret_key, None);
}

#[test]
fn none_is_false_for_a_switch_and_no_limit_for_a_cookie() {
    let config = config();
    let switches = [
        "DEBUG",
        "TESTING",
        "TRAP_HTTP_EXCEPTIONS",
        "SESSION_REFRESH_EACH_REQUEST",
        "SESSION_COOKIE_HTTPONLY",
        "SESSION_COOKIE_SECURE",
        "SESSION_COOKIE_PARTITIONED",
        "PROVIDE_AUTOMATIC_OPTIONS",
    ];
    config
        .from_mapping(switches.map(|key| (key, true)))
        .unwrap();
    config
        .from_mapping(switches.map(|key| (key, Value::Null)))
        .unwrap();
    let listed = listed(&config.settings());
    for key in switches {
        assert!(listed.contains(&format!("{key} false")), "{key}");
    }
    config.set("MAX_COOKIE_SIZE", Value::Null).unwrap();
    assert_eq!(config.settings().max_cookie_size, 0);
}

#[test]
fn keys_of_the_apps_own_are_kept_and_lower_case_ones_passed_over() {
    let config = config();
    config
        .from_mapping([
            ("PAGE_SIZE", 20),
            ("page_size", 30),
            ("Page", 40),
            ("A1", 50),
            ("", 60),
            ("_", 70),
        ])
        .unwrap();
    assert_eq!(config.get("PAGE_SIZE"), Some(Value::Int(20)));
    assert_eq!(config.get("A1"), Some(Value::Int(50)));
    assert_eq!(config.get_as("A1"), Some(50_u8));
    assert_eq!(config.get_as::<String>("A1"), None);
    assert_eq!(config.get_as::<u8>("A2"), None);
    let settings = config.settings();
    let names: Vec<&str> = settings.extra.keys().map(String::as_str).collect();
    assert_eq!(names, ["PAGE_SIZE", "A1"]);
}

#[test]
fn a_default_is_for_a_key_that_is_not_set_and_never_for_one_of_flasks() {
    let config = config();
    config.set("MAIL_PORT", 2525).unwrap();
    config.set("MAIL_SENDER", Value::Null).unwrap();
    let before = listed(&config.settings());
    for key in [
        "MAIL_PORT",
        "MAIL_SENDER",
        "SECRET_KEY",
        "SERVER_NAME",
        "DEBUG",
    ] {
        config.setdefault(key, "default");
    }
    assert_eq!(listed(&config.settings()), before);
    assert_eq!(config.get_as("MAIL_PORT"), Some(2525));
    assert_eq!(config.get("MAIL_SENDER"), Some(Value::Null));
    config.setdefault("MAIL_SERVER", "localhost");
    config.setdefault("MAIL_SERVER", "elsewhere");
    assert_eq!(config.get("MAIL_SERVER"), Some("localhost".into()));
}

#[test]
fn a_bad_value_is_refused_by_name_and_changes_nothing() {
    let config = config();
    let refused = |key: &str, value: Value| config.set(key, value).unwrap_err().to_string();
    assert_eq!(
        [
            refused("DEBUG", "yes".into()),
            refused("SESSION_COOKIE_SECURE", 2.into()),
            refused("PERMANENT_SESSION_LIFETIME", (-1).into()),
            refused("PERMANENT_SESSION_LIFETIME", f64::NAN.into()),
            refused("PERMANENT_SESSION_LIFETIME", Value::Null),
            refused("SESSION_COOKIE_NAME", Value::Null),
            refused("SESSION_COOKIE_SAMESITE", "Loose".into()),
            refused("SECRET_KEY_FALLBACKS", vec!["old", ""].into()),
            refused("TRUSTED_HOSTS", 8080.into()),
            refused("SERVER_NAME", 8080.into()),
            refused("MAX_CONTENT_LENGTH", (-1).into()),
            refused("MAX_CONTENT_LENGTH", 1.5.into()),
        ],
        [
            "config key DEBUG takes true or false, not \"yes\"",
            "config key SESSION_COOKIE_SECURE takes true or false, not 2",
            "config key PERMANENT_SESSION_LIFETIME takes a number of seconds, not -1",
            "config key PERMANENT_SESSION_LIFETIME takes a number of seconds, not NaN",
            "config key PERMANENT_SESSION_LIFETIME takes a number of seconds, not null",
            "config key SESSION_COOKIE_NAME takes text, not null",
            "config key SESSION_COOKIE_SAMESITE takes \"Strict\", \"Lax\", \"None\" or null, not \"Loose\"",
            "config key SECRET_KEY_FALLBACKS takes a list of keys, each text or bytes, none of them empty, not a value of type str",
            "config key TRUSTED_HOSTS takes a list of texts, not 8080",
            "config key SERVER_NAME takes text, not 8080",
            "config key MAX_CONTENT_LENGTH takes a number of bytes, not -1",
            "config key MAX_CONTENT_LENGTH takes a number of bytes, not 1.5",
        ]
    );
    assert_eq!(listed(&config.settings()), listed(&Settings::default()));

    let error = config.set("SERVER_NAME", 8080).unwrap_err();
    assert_eq!(
        (error.key.as_str(), error.got.as_str()),
        ("SERVER_NAME", "8080")
    );
}

#[test]
fn a_mapping_stops_at_the_first_bad_value() {
    let config = config();
    let error = config
        .from_mapping::<_, Value>([
            ("SESSION_COOKIE_NAME", "first".into()),
            ("TESTING", "maybe".into()),
            ("SERVER_NAME", "third.example".into()),
        ])
        .unwrap_err();
    assert_eq!(error.key, "TESTING");
    assert_eq!(config.settings().session_cookie_name, "first");
    assert_eq!(config.settings().server_name, None);
}

#[test]
fn a_secret_is_never_shown() {
    let app = app();
    let config = app.config();
    config
        .set("SECRET_KEY_FALLBACKS", vec!["hush-hush"])
        .unwrap();
    config.set_secret_key("hush-hush");
    let mut texts = vec![
        format!("{config:?}"),
        format!("{:?}", config.settings()),
        format!("{app:?}"),
    ];
    // Nor is a key that cannot be one, in what refuses it.
    let nested = || Value::List(vec![Value::List(vec!["hush-hush".into()])]);
    let dict = Value::from_iter([("key", "hush-hush")]);
    for (key, value) in [
        ("SECRET_KEY", nested()),
        ("SECRET_KEY", dict),
        ("SECRET_KEY_FALLBACKS", "hush-hush".into()),
        ("SECRET_KEY_FALLBACKS", nested()),
    ] {
        let error = config.set(key, value).unwrap_err();
        assert_eq!(error.key, key);
        texts.extend([error.to_string(), format!("{error:?}")]);
    }
    for text in texts {
        assert!(!text.contains("hush"), "{text}");
    }
    assert_eq!(
        config.settings().secret_key.as_deref(),
        Some(&b"hush-hush"[..])
    );
}

/// It waits forever where the settings are locked while the value is made.
#[test]
fn a_value_may_be_made_of_what_is_set_already() {
    struct Doubled(Config);
    impl From<Doubled> for Value {
        fn from(Doubled(config): Doubled) -> Self {
            Value::from(config.get_as::<i64>("PAGE_SIZE").unwrap_or(0) * 2)
        }
    }
    let config = config();
    config.set("PAGE_SIZE", 20).unwrap();
    config.set("PAGE_SIZE", Doubled(config.clone())).unwrap();
    assert_eq!(config.get_as::<i64>("PAGE_SIZE"), Some(40));
}

#[test]
fn clones_of_a_config_share_their_settings() {
    let app = app();
    let clone = app.config().clone();
    clone.set("TESTING", true).unwrap();
    assert!(app.config().settings().testing);
}

/// Runs one of the ignored tests of this file in a process that has these environment variables:
/// to set them in this one would be a race with the other tests.
#[track_caller]
fn with_environment(test: &str, variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{}", text.concat());
    assert!(text[0].contains("1 passed"), "{}", text.concat());
}

#[test]
fn prefixed_variables_are_read_as_json_or_else_as_text() {
    let variables = [
        ("SHOP_TESTING", "true"),
        ("SHOP_SECRET_KEY", "adavafa"),
        ("SHOP_SECRET_KEY_FALLBACKS", "[\"old\"]"),
        ("SHOP_PERMANENT_SESSION_LIFETIME", "60"),
        ("SHOP_SERVER_NAME", "null"),
        ("SHOP_PAGE_SIZE", "20"),
        ("SHOP_TITLE", "True"),
        ("SHOP_QUOTED", "\"20\""),
        ("SHOP_BROKEN", "{not json"),
        ("SHOP_EMPTY", ""),
        ("CARAFEX_OTHER", "1"),
        ("OTHER_SHOP_KEY", "1"),
    ];
    with_environment("inner_read_as_json_or_else_as_text", &variables);
}

#[test]
#[ignore = "run by prefixed_variables_are_read_as_json_or_else_as_text"]
fn inner_read_as_json_or_else_as_text() {
    let config = config();
    config.set("SERVER_NAME", "shop.example").unwrap();
    config.from_prefixed_env("SHOP").unwrap();
    let settings = config.settings();
    assert!(settings.testing);
    assert_eq!(settings.secret_key.as_deref(), Some(&b"adavafa"[..]));
    assert_eq!(settings.secret_key_fallbacks, [b"old"]);
    assert_eq!(settings.permanent_session_lifetime, Duration::from_secs(60));
    assert_eq!(settings.server_name, None);
    let own: Vec<(&str, &Value)> = settings
        .extra
        .iter()
        .map(|(k, v)| (k.as_str(), v))
        .collect();
    assert_eq!(
        own,
        [
            ("BROKEN", &"{not json".into()),
            ("EMPTY", &"".into()),
            ("PAGE_SIZE", &20.into()),
            ("QUOTED", &"20".into()),
            ("TITLE", &"True".into()),
        ]
    );
}

#[test]
fn two_underscores_lead_into_a_dict() {
    let variables = [
        ("SHOP_DB__host", "localhost"),
        ("SHOP_DB__options__timeout", "5"),
        ("SHOP_DB__options__retry", "false"),
        ("SHOP_CACHE", "{\"size\": 1, \"kept\": true}"),
        ("SHOP_CACHE__size", "2"),
        ("SHOP_TEXT", "plain"),
    ];
    with_environment("inner_two_underscores", &variables);
}

#[test]
#[ignore = "run by two_underscores_lead_into_a_dict"]
fn inner_two_underscores() {
    let config = config();
    config
        .set("DB", Value::from_iter([("user", "jack")]))
        .unwrap();
    config.from_prefixed_env("SHOP").unwrap();
    let options = Value::from_iter([("retry", Value::Bool(false)), ("timeout", Value::Int(5))]);
    let db = [
        ("user", "jack".into()),
        ("host", "localhost".into()),
        ("options", options),
    ];
    assert_eq!(config.get("DB"), Some(Value::from_iter(db)));
    let cache = [("size", Value::Int(2)), ("kept", Value::Bool(true))];
    assert_eq!(config.get("CACHE"), Some(Value::from_iter(cache)));
    assert_eq!(config.get("TEXT"), Some("plain".into()));
}

#[test]
fn a_bad_variable_is_refused_by_its_own_name_and_that_of_its_key() {
    let variables = [("SHOP_DEBUG", "perhaps"), ("SHOP_TESTING", "true")];
    with_environment("inner_bad_variable", &variables);
}

#[test]
#[ignore = "run by a_bad_variable_is_refused_by_its_own_name_and_that_of_its_key"]
fn inner_bad_variable() {
    let error = config().from_prefixed_env("SHOP").unwrap_err();
    assert_eq!(
        error.to_string(),
        "config key DEBUG takes true or false, not \"perhaps\" (from the environment variable SHOP_DEBUG)"
    );
}

#[test]
fn a_secret_key_that_looks_like_a_number_is_refused_without_its_text_and_told_to_take_quotes() {
    with_environment(
        "inner_secret_number",
        &[("SHOP_SECRET_KEY", "271828182845")],
    );
}

#[test]
#[ignore = "run by a_secret_key_that_looks_like_a_number_is_refused_without_its_text_and_told_to_take_quotes"]
fn inner_secret_number() {
    let error = config().from_prefixed_env("SHOP").unwrap_err();
    assert_eq!(
        error.to_string(),
        "config key SECRET_KEY takes text or bytes, not a value of type int (from the environment \
         variable SHOP_SECRET_KEY, which is read as JSON: with quotes in it, it is text, \
         SHOP_SECRET_KEY='\"...\"')"
    );
}

#[test]
fn a_dict_of_another_prefix_is_none_of_ours() {
    let config = config();
    config.from_prefixed_env("NO_SUCH_PREFIX_IS_SET").unwrap();
    assert_eq!(config.settings().extra, Dict::new());
}

#[test]
fn a_setting_changed_after_the_first_request_is_there_for_the_next_one_but_not_for_those_under_way()
{
    let mut app = app();
    app.route("/change", || {
        let before = session().get::<u32>("n");
        current_app().config().set("SESSION_COOKIE_NAME", "other")?;
        session().insert("n", before.unwrap_or(0) + 1)?;
        Ok::<_, Error>("changed")
    });
    app.route("/hello", hello);
    let named = |app: &App, path: &str| {
        let response = app.test_client().get(path).send().unwrap();
        let cookie = response.header("set-cookie").unwrap_or_default().to_owned();
        cookie.split('=').next().unwrap_or_default().to_owned()
    };
    app.test_client().get("/hello").send().unwrap();
    assert_eq!(named(&app, "/change"), "session");
    assert_eq!(named(&app, "/change"), "other");
    app.config().set("SESSION_COOKIE_NAME", "third").unwrap();
    assert_eq!(app.config().settings().session_cookie_name, "third");
}
