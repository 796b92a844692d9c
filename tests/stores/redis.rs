//! Sessions in a real redis-server, and in a cluster of three.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use carafe::clock::FixedClock;
use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{Lifetime, RedisOptions, RedisStore, Store, StoreErrorKind, open};

use crate::failing::{self, page};
use crate::servers::{self, Server, output};
use crate::sharing;
use crate::suite::{self, Subject};

const HOUR: Lifetime = Lifetime {
    now: 1_700_000_000,
    seconds: 3600,
};

/// What `redis-cli` says.
fn cli(server: &Server, args: &[&str]) -> String {
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

fn url(address: &str) -> String {
    format!("redis://{address}")
}

fn cluster_url(nodes: &[Server]) -> String {
    let addresses: Vec<String> = nodes.iter().map(Server::address).collect();
    format!("redis+cluster://{}", addresses.join(","))
}

fn run_suite(servers: Vec<Server>, url: String) {
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
fn so_it_does_with_a_cluster() {
    if let Some(nodes) = servers::redis_cluster(0) {
        // One of them is enough to find the others.
        let url = cluster_url(&nodes[..1]);
        run_suite(nodes, url);
    }
}

#[test]
fn redis_is_shared_with_flask() {
    if let Some(server) = servers::redis(&[]) {
        share(&url(&server.address()));
    }
}

#[test]
fn a_redis_cluster_is_shared_with_flask() {
    if let Some(nodes) = servers::redis_cluster(0) {
        share(&cluster_url(&nodes));
    }
}

fn share(url: &str) {
    let config = json!({"SESSION_TYPE": "redis", "SESSION_REDIS": url});
    sharing::run(&config, || {
        ServerSideSessionInterface::from_url(url).unwrap()
    });
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

#[test]
fn thousands_of_sessions_are_shown_once_each() {
    let Some(nodes) = servers::redis_cluster(0) else {
        return;
    };
    let store = open(&cluster_url(&nodes)).unwrap();
    for n in 0..3_000 {
        store.set(&format!("session:{n}"), b"data", HOUR).unwrap();
    }
    let mut shown = std::collections::BTreeSet::new();
    let mut twice = 0;
    let mut show = |entry: carafe::session::store::Entry<'_>| {
        twice += u32::from(!shown.insert(entry.key.unwrap().to_owned()));
        match entry.key.unwrap().ends_with('7') {
            true => carafe::session::store::Verdict::Delete,
            false => carafe::session::store::Verdict::Keep,
        }
    };
    store.visit("session:", 0, &mut show).unwrap();
    assert_eq!((shown.len(), twice), (3_000, 0));
    let left: u64 = nodes
        .iter()
        .map(|node| cli(node, &["DBSIZE"]).trim().parse::<u64>().unwrap())
        .sum();
    assert_eq!(left, 2_700);
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
    let args = [&["--appendonly", "yes"], args].concat();
    Some(failing::Subject {
        server: servers::redis(&args)?,
        url,
        lasts: true,
        bears_drips: false,
    })
}

#[test]
fn a_redis_that_refuses_is_an_error_until_it_is_back() {
    if let Some(subject) = subject(&[]) {
        failing::refuses(subject);
    }
}

#[test]
fn a_redis_that_is_down_when_the_app_starts_may_come_later() {
    if let Some(subject) = subject(&[]) {
        failing::is_down_at_first(subject);
    }
}

#[test]
fn a_redis_that_hangs_is_an_error_in_time() {
    if let Some(subject) = subject(&[]) {
        failing::hangs(&subject);
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
        failing::is_killed_under_load(subject);
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
        let config =
            |address: &str| json!({"SESSION_TYPE": "redis", "SESSION_REDIS": url(address)});
        failing::takes_few_round_trips(&subject, config);
    }
}

/// A client for each of the servers of a cluster, with a session that is there.
fn client_of_each(app: &carafe::App, nodes: &[Server]) -> Vec<carafe::testing::TestClient> {
    let size = |node| cli(node, &["DBSIZE"]).trim().parse::<u64>().unwrap();
    let of_node = |node| loop {
        let before = size(node);
        let mut client = app.test_client();
        page(&mut client, "/set/color/red");
        if size(node) > before {
            return client;
        }
    };
    nodes.iter().map(of_node).collect()
}

fn status(client: &mut carafe::testing::TestClient, path: &str) -> u16 {
    let answer = client.get(path).send().unwrap();
    let status = answer.status_code();
    assert!(status == 200 || answer.header("Set-Cookie").is_none());
    status
}

#[test]
fn with_one_server_of_a_cluster_down_the_others_sessions_go_on() {
    let Some(mut nodes) = servers::redis_cluster(0) else {
        return;
    };
    let app = failing::app(&(cluster_url(&nodes) + "?timeout=0.5"));
    let mut clients = client_of_each(&app, &nodes);
    for how in ["hangs", "refuses"] {
        let paused = match how {
            "hangs" => Some(nodes[0].pause()),
            _ => {
                nodes[0].kill();
                None
            }
        };
        for _visit in 0..3 {
            let statuses: Vec<u16> = clients
                .iter_mut()
                .map(|client| status(client, "/get/color"))
                .collect();
            assert_eq!(statuses, [503, 200, 200], "{how}");
        }
        match paused {
            Some(paused) => drop(paused),
            None => nodes[0].restart(),
        }
        for client in &mut clients {
            servers::wait_until("a cluster that is whole", || {
                status(client, "/set/color/red") == 200
            });
            assert_eq!(page(client, "/get/color"), "red");
        }
    }
}

#[test]
fn a_session_that_moves_to_another_server_of_a_cluster_is_found() {
    let Some(nodes) = servers::redis_cluster(0) else {
        return;
    };
    let options = RedisOptions::default();
    let first = [url(&nodes[0].address())];
    let store = RedisStore::cluster(first, options).unwrap();
    let id = |node: &Server| cli(node, &["CLUSTER", "MYID"]).trim().to_owned();
    let (key, slot) = ("session:{a}", "15495");
    assert_eq!(cli(&nodes[0], &["CLUSTER", "KEYSLOT", key]).trim(), slot);
    store.set(key, b"one", HOUR).unwrap();
    // The last third of the slots is the last one's.
    let (from, to) = (&nodes[2], &nodes[0]);
    assert_eq!(cli(from, &["GET", key]).trim(), "one");

    cli(to, &["CLUSTER", "SETSLOT", slot, "IMPORTING", &id(from)]);
    cli(from, &["CLUSTER", "SETSLOT", slot, "MIGRATING", &id(to)]);
    assert_eq!(store.get(key, 0).unwrap().as_deref(), Some(&b"one"[..]));
    let port = to.port().to_string();
    cli(from, &["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]);
    assert_eq!(
        store.get(key, 0).unwrap().as_deref(),
        Some(&b"one"[..]),
        "ASK"
    );
    store.set(key, b"two", HOUR).unwrap();
    for node in [to, from, &nodes[1]] {
        cli(node, &["CLUSTER", "SETSLOT", slot, "NODE", &id(to)]);
    }
    assert_eq!(
        store.get(key, 0).unwrap().as_deref(),
        Some(&b"two"[..]),
        "MOVED"
    );
    assert!(store.touch(key, HOUR).unwrap());
    assert_eq!(cli(to, &["GET", key]).trim(), "two");
}

#[test]
fn a_server_of_a_cluster_that_takes_the_place_of_another_is_found() {
    let Some(mut nodes) = servers::redis_cluster(1) else {
        return;
    };
    let app = failing::app(&(cluster_url(&nodes) + "?timeout=0.5"));
    let (masters, replicas): (Vec<usize>, Vec<usize>) =
        (0..nodes.len()).partition(|index| cli(&nodes[*index], &["ROLE"]).starts_with("master"));
    assert_eq!((masters.len(), replicas.len()), (3, 3));
    let mut clients: Vec<_> = (0..12).map(|_| app.test_client()).collect();
    for client in &mut clients {
        page(client, "/set/color/red");
    }
    let keys = |indexes: &[usize]| -> u64 {
        let size = |index: &usize| cli(&nodes[*index], &["DBSIZE"]).trim().parse::<u64>();
        indexes.iter().map(|index| size(index).unwrap()).sum()
    };
    assert_eq!(keys(&masters), 12);
    servers::wait_until("replicas that have it all", || keys(&replicas) == 12);

    nodes[masters[0]].kill();
    servers::wait_until("a replica that takes over", || {
        let statuses = clients
            .iter_mut()
            .map(|client| status(client, "/get/color"));
        let statuses: Vec<u16> = statuses.collect();
        statuses.iter().all(|status| *status == 200)
    });
    for client in &mut clients {
        assert_eq!(page(client, "/get/color"), "red");
        page(client, "/set/color/blue");
        assert_eq!(page(client, "/get/color"), "blue");
    }
}
