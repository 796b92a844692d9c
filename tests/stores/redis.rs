//! Sessions in a real redis-server.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use carafe::clock::FixedClock;
use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{Lifetime, RedisStore, Store, StoreErrorKind, open};

use crate::failing::{self, page};
use crate::servers::{self, Server, output};
use crate::sharing;
use crate::suite::{self, Subject};

pub(crate) const HOUR: Lifetime = Lifetime {
    now: 1_700_000_000,
    seconds: 3600,
};

/// What `redis-cli` says.
pub(crate) fn cli(server: &Server, args: &[&str]) -> String {
    let port = server.port().to_string();
    output("redis-cli", &[&["-p", &port], args].concat())
}

/// Makes a server believe that this many seconds have passed: each key has that much less to live.
fn age(server: &Server, seconds: u64) {
    const AGE: &str = "
        for _, key in ipairs(redis.call('KEYS', '*')) do
            local left = redis.call('PTTL', key)
            if left >= 0 then
                redis.call('PEXPIRE', key, left - tonumber(ARGV[1]) * 1000)
            end
        end";
    cli(server, &["EVAL", AGE, "0", &seconds.to_string()]);
}

pub(crate) fn url(address: &str) -> String {
    format!("redis://{address}")
}

pub(crate) fn run_suite(servers: Vec<Server>, url: String) {
    suite::run(&Subject {
        name: "redis",
        store: Box::new(move || Arc::from(open(&url).unwrap())),
        pass: Box::new(move |clock: &FixedClock, seconds| {
            clock.advance(seconds);
            for server in &servers {
                age(server, seconds);
            }
        }),
    });
}

#[test]
fn the_redis_store_does_all_that_a_store_should() {
    if let Some(server) = servers::redis(&[]) {
        let url = url(&server.address());
        run_suite(vec![server], url);
    }
}

#[test]
fn redis_is_shared_with_flask() {
    if let Some(server) = servers::redis(&[]) {
        share(&url(&server.address()));
    }
}

pub(crate) fn share(url: &str) {
    let config = json!({"SESSION_TYPE": "redis", "SESSION_REDIS": url});
    sharing::run(&config, || {
        ServerSideSessionInterface::from_url(url).unwrap()
    });
}

#[test]
fn a_socket_in_the_file_system_is_shared_with_flask_by_the_same_url() {
    let args = ["--unixsocket", "{dir}/socket", "--requirepass", "p@ss/word"];
    let Some(server) = servers::redis(&args) else {
        return;
    };
    let path = server.dir().join("socket").display().to_string();
    share(&format!("unix://:p%40ss%2Fword@{path}?db=1"));
    // The ways of redis-py and of the crate to say the same.
    let first = open(&format!("redis+unix://default:p%40ss%2Fword@{path}?db=2")).unwrap();
    first.set("session:id", b"data", HOUR).unwrap();
    for url in [
        format!("unix:{path}?username=default&password=p%40ss%2Fword&db=2"),
        format!("redis://{}/1?db=2&password=p%40ss%2Fword", server.address()),
    ] {
        let found = open(&url).unwrap().get("session:id", HOUR.now).unwrap();
        assert!(found.is_some(), "{url}");
    }
    let error = open("unix://relative/path").err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Config);
}

/// How often each command was run since the last call.
fn commands(server: &Server) -> BTreeMap<String, u64> {
    let info = cli(server, &["INFO", "commandstats"]);
    cli(server, &["CONFIG", "RESETSTAT"]);
    let lines = info.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let calls = rest.split(',').next()?.parse().ok()?;
        Some((name.to_owned(), calls))
    });
    let ours = lines.filter(|(name, _)| name != "info" && !name.starts_with("config"));
    ours.collect()
}

#[test]
fn a_visit_is_a_get_and_a_set_and_nothing_else() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let app = failing::app(&url(&server.address()));
    let mut client = app.test_client();
    commands(&server);
    for (path, wanted) in [
        ("/set/color/red", &[("set", 1)][..]),
        ("/set/color/blue", &[("get", 1), ("set", 1)]),
        // Flask-Session would set it again, and undo what another request has set meanwhile.
        ("/get/color", &[("expire", 1), ("get", 1)]),
        ("/logout", &[("del", 1), ("get", 1)]),
        ("/get/color", &[]),
    ] {
        page(&mut client, path);
        let wanted = wanted
            .iter()
            .map(|(name, calls)| ((*name).to_owned(), *calls));
        assert_eq!(commands(&server), wanted.collect(), "{path}");
    }
}

#[test]
fn a_key_has_the_lifetime_of_its_session() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let store = open(&url(&server.address())).unwrap();
    store.set("session:id", b"data", HOUR).unwrap();
    assert_eq!(cli(&server, &["TTL", "session:id"]).trim(), "3600");
    for seconds in [2_700_000, u64::MAX] {
        let lifetime = Lifetime { seconds, ..HOUR };
        store.set("session:id", b"data", lifetime).unwrap();
        assert!(store.touch("session:id", lifetime).unwrap());
        let left: u64 = cli(&server, &["TTL", "session:id"]).trim().parse().unwrap();
        assert!(left >= 2_700_000 - 60, "{left}");
    }
}

#[test]
fn a_url_says_where_and_as_whom() {
    let Some(server) = servers::redis(&["--requirepass", "a:secret/word"]) else {
        return;
    };
    let address = server.address();
    let set = |url: &str| open(url).unwrap().set("session:id", b"data", HOUR);
    for url in [
        format!("redis://:a%3Asecret%2Fword@{address}/1"),
        format!("redis://default:a%3Asecret%2Fword@{address}?db=2"),
        format!("redis://:a%3Asecret%2Fword@{address}/3/?timeout=2&pool=1"),
    ] {
        set(&url).unwrap();
    }
    for (database, keys) in ["0", "1", "1", "1"].into_iter().enumerate() {
        let database = database.to_string();
        let args = [
            "-a",
            "a:secret/word",
            "-n",
            &database,
            "--no-auth-warning",
            "DBSIZE",
        ];
        assert_eq!(cli(&server, &args).trim(), keys, "database {database}");
    }
    for url in [
        format!("redis://:wrong@{address}"),
        format!("redis://{address}"),
    ] {
        let error = set(&url).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
        assert!(!error.to_string().contains("wrong"), "{error}");
    }
}

#[test]
fn a_url_that_is_none_is_refused_when_the_app_starts() {
    let message = |url: &str| open(url).err().unwrap().to_string();
    assert_eq!(
        message("redis://127.0.0.1?timeuot=1"),
        "session store redis: unknown parameter \"timeuot\": the nearest is \"timeout\""
    );
    for url in [
        "redis:",
        "redis://",
        "redis://127.0.0.1:x",
        "redis://127.0.0.1/one",
        "redis://127.0.0.1/-1",
        "redis://127.0.0.1?db=one",
        "redis+cluster://",
        "redis+cluster://127.0.0.1,",
    ] {
        let error = open(url).err().unwrap();
        assert_eq!(error.kind(), StoreErrorKind::Config, "{url}");
    }
    assert!(!message("redis://:secret@127.0.0.1/one").contains("secret"));
    assert!(!message("redis+cluster://:secret@127.0.0.1:x").contains("secret"));
}

#[test]
fn flask_sessions_config_keys_lead_to_it() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let url = url(&server.address()) + "/2";
    let app = failing::configured(vec![
        ("SESSION_TYPE", "redis".into()),
        ("SESSION_REDIS", url.into()),
        ("SESSION_KEY_PREFIX", "shop:".into()),
        ("SESSION_STORE_TIMEOUT", 1.into()),
        ("SESSION_STORE_POOL", 2.into()),
    ]);
    let mut client = app.test_client();
    page(&mut client, "/set/color/red");
    assert_eq!(page(&mut client, "/get/color"), "red");
    let key = format!("shop:{}", client.get_cookie("session").unwrap());
    assert_eq!(cli(&server, &["-n", "2", "EXISTS", &key]).trim(), "1");
    server.kill();
    assert_eq!(client.get("/get/color").send().unwrap().status_code(), 503);
}

#[test]
fn a_client_of_the_apps_own_will_do() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let client = redis::Client::open(url(&server.address())).unwrap();
    let store = RedisStore::new(client);
    store.set("session:id", b"data", HOUR).unwrap();
    let shown = format!("{store:?}");
    assert!(shown.contains(&server.address()), "{shown}");
    assert_eq!(cli(&server, &["GET", "session:id"]).trim(), "data");
}

#[test]
fn a_list_under_the_key_of_a_session_is_no_session() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    cli(&server, &["RPUSH", "session:list", "x"]);
    let store = open(&url(&server.address())).unwrap();
    store.set("session:id", b"data", HOUR).unwrap();
    let error = store.get("session:list", 0).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unreadable, "{error}");
    assert_eq!(error.kind().status(), 500);
    let mut shown = Vec::new();
    let mut show = |entry: carafe::session::store::Entry<'_>| {
        shown.push(entry.key.unwrap().to_owned());
        carafe::session::store::Verdict::Keep
    };
    store.visit("session:", 0, &mut show).unwrap();
    assert_eq!(shown, ["session:id"]);
}

/// A Redis that speaks TLS only, and the certificate that it shows.
#[cfg(feature = "redis-tls")]
fn redis_with_tls() -> Option<(Server, Vec<u8>)> {
    let dir = crate::files::TempDir::new();
    std::fs::create_dir_all(dir.path()).unwrap();
    let path = |name| dir.path().join(name).display().to_string();
    let (key, certificate) = (path("key.pem"), path("certificate.pem"));
    if !servers::is_there("openssl") {
        return None;
    }
    let subject = "-x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=carafe -addext \
        subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE";
    let mut args = vec!["req", "-keyout", &key, "-out", &certificate];
    args.extend(subject.split_whitespace());
    output("openssl", &args);
    let args = [
        "--port",
        "0",
        "--tls-port",
        "{port}",
        "--tls-auth-clients",
        "no",
    ];
    let args = [
        &args,
        &["--tls-cert-file", &certificate, "--tls-key-file", &key][..],
    ]
    .concat();
    let server = servers::redis(&args)?;
    let certificate = std::fs::read(&certificate).unwrap();
    Some((server, certificate))
}

#[cfg(feature = "redis-tls")]
#[test]
fn with_tls_only_the_server_with_the_right_certificate_will_do() {
    let Some((server, certificate)) = redis_with_tls() else {
        return;
    };
    let url = format!("rediss://{}", server.address());
    let certificates = redis::TlsCertificates {
        client_tls: None,
        root_cert: Some(certificate),
    };
    let client = redis::Client::build_with_tls(&*url, certificates).unwrap();
    let store = RedisStore::new(client);
    store.set("session:id", b"data", HOUR).unwrap();
    assert_eq!(
        store.get("session:id", 0).unwrap().as_deref(),
        Some(&b"data"[..])
    );
    // Nobody on this machine vouches for it.
    let error = open(&url).unwrap().get("session:id", 0).unwrap_err();
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
}

#[cfg(not(feature = "redis-tls"))]
#[test]
fn tls_is_a_feature_of_its_own() {
    let error = open("rediss://127.0.0.1").err().unwrap();
    assert_eq!(
        error.to_string(),
        "session store rediss: rediss: URLs need carafe's feature \"redis-tls\", which is off"
    );
}

// When it fails.

/// A Redis that keeps each save on disk.
fn subject(args: &[&str]) -> Option<failing::Subject> {
    // Every second, which is its default, Redis may answer before it writes while the disk is busy.
    let args = [&["--appendonly", "yes", "--appendfsync", "always"], args].concat();
    Some(failing::Subject {
        server: Arc::new(servers::redis(&args)?),
        url: |port| url(&format!("127.0.0.1:{port}")),
        lasts: true,
        bears_drips: false,
        is_asked_at_first: false,
        is_missed_at_once: true,
        connections: 8,
    })
}

#[test]
fn a_redis_that_refuses_is_an_error_until_it_is_back() {
    if let Some(subject) = subject(&[]) {
        failing::refuses(&subject);
    }
}

#[test]
fn a_redis_that_is_down_when_the_app_starts_may_come_later() {
    if let Some(subject) = subject(&[]) {
        failing::is_down_at_first(&subject);
    }
}

#[test]
fn a_redis_that_hangs_is_an_error_in_time() {
    if let Some(subject) = subject(&[]) {
        failing::hangs(&subject);
    }
}

#[test]
fn a_redis_that_is_killed_while_a_request_is_answered_loses_nothing() {
    if let Some(subject) = subject(&[]) {
        failing::is_killed_in_a_request(&subject);
    }
}

#[test]
fn a_redis_that_is_slow_is_an_error_in_time() {
    if let Some(subject) = subject(&[]) {
        failing::is_slow(&subject);
    }
}

#[test]
fn a_redis_that_hangs_up_is_connected_to_again_and_nobody_notices() {
    if let Some(subject) = subject(&[]) {
        failing::hangs_up(&subject);
    }
}

#[test]
fn two_hundred_requests_share_eight_connections_to_redis() {
    if let Some(subject) = subject(&[]) {
        failing::is_asked_by_200_at_once(&subject);
    }
}

#[test]
fn a_redis_that_is_killed_under_load_loses_nothing_that_was_acknowledged() {
    if let Some(subject) = subject(&[]) {
        failing::is_killed_under_load(&subject);
    }
}

#[test]
fn a_redis_that_is_full_is_an_error_and_loses_nothing() {
    let args = ["--maxmemory", "8mb", "--maxmemory-policy", "noeviction"];
    if let Some(subject) = subject(&args) {
        assert!(failing::is_full(&subject));
    }
}

#[test]
fn redis_is_asked_no_more_often_than_flask_session_asks() {
    if let Some(subject) = subject(&[]) {
        let config = |port| {
            let url = format!("redis://127.0.0.1:{port}");
            json!({"SESSION_TYPE": "redis", "SESSION_REDIS": url})
        };
        failing::takes_few_round_trips(&subject, config, &failing::TRIPS);
    }
}
