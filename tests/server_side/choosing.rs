//! Choosing a store: by a URL, and by Flask-Session's config keys.

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{StoreError, StoreErrorKind, open, schemes};
use carafe::{App, Value};

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

#[cfg(feature = "redis")]
#[test]
fn a_config_key_takes_whatever_a_url_of_that_store_may_begin_with() {
    for url in ["redis://h", "unix:///run/redis", "redis+unix:///run/redis"] {
        let keys = [
            ("SESSION_TYPE", "redis".into()),
            ("SESSION_REDIS", url.into()),
        ];
        let interface = from_config(&keys).unwrap();
        assert_eq!(interface.store().name(), "redis", "{url}");
    }
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
            "SESSION_CLEANUP_N_REQUESTS",
            (-1).into(),
            "config key SESSION_CLEANUP_N_REQUESTS takes a number, not -1",
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
        "session store config: config key SESSION_REDIS takes a redis: or redis+unix: or unix: or \
         rediss: or redis+cluster: or rediss+cluster: URL, not \"http://...@localhost\""
    );
    let nodes = Value::from(vec![Value::from("redis://user:password@localhost")]);
    let error = from_config(&[("SESSION_TYPE", "redis".into()), ("SESSION_REDIS", nodes)]);
    assert_eq!(
        error.unwrap_err().to_string(),
        "session store config: config key SESSION_REDIS takes a redis: or redis+unix: or unix: or \
         rediss: or redis+cluster: or rediss+cluster: URL, not \"list\""
    );
}

#[test]
fn a_value_that_its_store_would_refuse_is_an_error_that_names_the_key() {
    for (kind, key, value, words) in [
        (
            "filesystem",
            "SESSION_FILE_MODE",
            600.into(),
            "permissions like 0o600, not 600",
        ),
        (
            "filesystem",
            "SESSION_STORE_POOL",
            0.into(),
            "a number of connections, not 0",
        ),
        (
            "memcached",
            "SESSION_MEMCACHED",
            Value::from(vec![Value::from("a:1"), 11211.into()]),
            "a memcached: URL, or servers, not [\"a:1\",11211]",
        ),
        (
            "memcached",
            "SESSION_KEY_PREFIX",
            "my shop:".into(),
            "207 bytes for memcached, and no space, not \"my shop:\"",
        ),
        (
            "redis",
            "SESSION_STORE_TIMEOUT",
            f64::INFINITY.into(),
            "a number of seconds, not Infinity",
        ),
        (
            "redis",
            "SESSION_STORE_TIMEOUT",
            1e-20.into(),
            "a number of seconds, not 1e-20",
        ),
        (
            "redis",
            "SESSION_STORE_POOL",
            99_999_999_999_i64.into(),
            "a number of connections, not 99999999999",
        ),
        (
            "mongodb",
            "SESSION_MONGODB_DB",
            "my shop".into(),
            "a name without any of \"/\\\\. \\\"$\", not \"my shop\"",
        ),
        (
            "mongodb",
            "SESSION_MONGODB_COLLECT",
            "".into(),
            "a name without any of \"$\", not \"\"",
        ),
        (
            "sqlalchemy",
            "SESSION_SQLALCHEMY_TABLE",
            "".into(),
            "a name, not \"\"",
        ),
    ] {
        let database = ("SESSION_SQLALCHEMY", "sqlite:////nowhere/x.db".into());
        let kind = ("SESSION_TYPE", kind.into());
        let error = from_config(&[kind, database, (key, value)]).unwrap_err();
        // What only the store itself can say, one that is not compiled in does not say.
        if error.to_string().ends_with("which is off") {
            continue;
        }
        assert_eq!(error.kind(), StoreErrorKind::Config, "{key}");
        assert_eq!(
            error.to_string(),
            format!("session store config: config key {key} takes {words}")
        );
    }
}

#[test]
fn an_absolute_path_may_have_a_slash_more_in_front_of_it() {
    let dir = std::env::temp_dir().join(format!("carafe-slashes-{}", std::process::id()));
    for slashes in ["//", "///", "////"] {
        open(&format!("file:{slashes}{}", dir.display())).unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

#[test]
fn a_pool_of_files_is_as_large_as_any() {
    let dir = std::env::temp_dir().join(format!("carafe-pool-{}", std::process::id()));
    let interface = from_config(&[
        ("SESSION_TYPE", "filesystem".into()),
        ("SESSION_FILE_DIR", dir.display().to_string().into()),
        ("SESSION_STORE_POOL", 3.into()),
    ]);
    assert_eq!(interface.unwrap().store().name(), "file");
    std::fs::remove_dir_all(dir).unwrap();
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
