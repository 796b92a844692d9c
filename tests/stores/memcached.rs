//! Sessions in a real memcached, and in two of them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};

use carafe::Value;
use carafe::clock::FixedClock;
use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{
    Ability, Entry, Lifetime, MemcachedOptions, MemcachedStore, Store, StoreError, StoreErrorKind,
    Verdict, open,
};

use crate::failing::{self, page};
use crate::python::Python;
use crate::servers::{self, Server, talk};
use crate::sharing;
use crate::suite::{self, Subject};

const HOUR: Lifetime = Lifetime {
    now: 1_700_000_000,
    seconds: 3600,
};

/// One line, and the line that answers it.
fn ask(server: &Server, line: &str) -> String {
    talk(&server.address(), line, |_| true).remove(0)
}

/// A store that remembers its keys: memcached has no certain way to ask for them.
struct Remembering {
    store: MemcachedStore,
    keys: Arc<Mutex<BTreeSet<String>>>,
}

impl Remembering {
    fn remember(&self, key: &str) -> &dyn Store {
        self.keys.lock().unwrap().insert(key.to_owned());
        &self.store
    }
}

impl Store for Remembering {
    fn name(&self) -> &'static str {
        self.store.name()
    }
    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key, now)
    }
    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        self.remember(key).set(key, value, lifetime)
    }
    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.store.delete(key)
    }
    fn touch(&self, key: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        self.store.touch(key, lifetime)
    }
    fn can(&self, ability: Ability) -> bool {
        self.store.can(ability)
    }
    fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        lifetime: Lifetime,
    ) -> Result<bool, StoreError> {
        let store = self.remember(key);
        store.compare_and_set(key, expected, value, lifetime)
    }
    fn visit(
        &self,
        prefix: &str,
        now: u64,
        visitor: &mut dyn FnMut(Entry<'_>) -> Verdict,
    ) -> Result<(), StoreError> {
        self.store.visit(prefix, now, visitor)
    }
}

/// Makes a server believe that this many seconds have passed: the entry has that much less to live.
fn age(server: &Server, key: &str, seconds: u64) {
    // `mg` with `t` says how many seconds are left.
    if let Some(left) = ask(server, &format!("mg {key} t")).strip_prefix("HD t") {
        let left = left.parse::<u64>().unwrap();
        let now = match left.saturating_sub(seconds) {
            0 => "-1".to_owned(),
            left => left.to_string(),
        };
        assert_eq!(ask(server, &format!("touch {key} {now}")), "TOUCHED");
    }
}

fn url(servers: &[Server]) -> String {
    let addresses: Vec<String> = servers.iter().map(Server::address).collect();
    format!("memcached://{}", addresses.join(","))
}

fn start(how_many: usize) -> Option<Vec<Server>> {
    (0..how_many).map(|_| servers::memcached(&[])).collect()
}

fn store(servers: &[Server]) -> MemcachedStore {
    let addresses = servers.iter().map(Server::address);
    MemcachedStore::new(addresses, MemcachedOptions::default()).unwrap()
}

fn run_suite(servers: Vec<Server>) {
    let keys = Arc::<Mutex<BTreeSet<String>>>::default();
    let addresses: Vec<String> = servers.iter().map(Server::address).collect();
    let of_store = Arc::clone(&keys);
    suite::run(&Subject {
        name: "memcached",
        store: Box::new(move || {
            let options = MemcachedOptions::default();
            let store = MemcachedStore::new(&addresses, options).unwrap();
            let keys = Arc::clone(&of_store);
            Arc::new(Remembering { store, keys })
        }),
        pass: Box::new(move |clock: &FixedClock, seconds| {
            clock.advance(seconds);
            for key in keys.lock().unwrap().iter() {
                for server in &servers {
                    age(server, key, seconds);
                }
            }
        }),
    });
}

#[test]
fn the_memcached_store_does_all_that_a_store_should() {
    if let Some(servers) = start(1) {
        run_suite(servers);
    }
}

#[test]
fn so_it_does_with_two_servers() {
    if let Some(servers) = start(2) {
        run_suite(servers);
    }
}

#[test]
fn one_memcached_is_shared_with_flask() {
    share(1);
}

#[test]
fn two_memcacheds_are_shared_with_flask() {
    share(2);
}

fn share(how_many: usize) {
    let Some(servers) = start(how_many) else {
        return;
    };
    let addresses: Vec<String> = servers.iter().map(Server::address).collect();
    let config = json!({"SESSION_TYPE": "memcached", "SESSION_MEMCACHED": addresses});
    let url = url(&servers);
    sharing::run(&config, || {
        ServerSideSessionInterface::from_url(&url).unwrap()
    });
    for server in &servers {
        let is_last = |line: &str| line == "END";
        let stats = talk(&server.address(), "stats", is_last);
        let stored = |line: &String| line.starts_with("STAT cmd_set ") && !line.ends_with(" 0");
        assert!(stats.iter().any(stored), "a server has nothing");
    }
}

#[test]
fn a_memcached_on_a_socket_in_the_file_system_is_shared_with_flask() {
    let Some(server) = servers::memcached_on_socket() else {
        return;
    };
    let path = server.dir().join("socket").display().to_string();
    let config =
        json!({"SESSION_TYPE": "memcached", "SESSION_MEMCACHED": [format!("unix:{path}")]});
    for url in [
        format!("memcached://{path}"),
        format!("memcached://unix:{path}"),
    ] {
        sharing::run(&config, || {
            ServerSideSessionInterface::from_url(&url).unwrap()
        });
    }
    let store = open(&format!("memcached://{path}")).unwrap();
    store.set("session:id", b"data", HOUR).unwrap();
    // Connected to again, and empty.
    server.kill();
    server.restart();
    assert_eq!(store.get("session:id", HOUR.now).unwrap(), None);
    server.kill();
    let error = store.get("session:id", HOUR.now).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains(&path), "{error}");
}

#[test]
fn each_key_is_on_the_server_that_pymemcache_chooses() {
    let (Some(servers), Some(by_path)) = (start(3), servers::memcached_on_socket()) else {
        return;
    };
    let what = "which memcached has a key";
    let variable = "CARAFE_FLASK_SESSION_PYTHON";
    let script = "stores/hash_client.py";
    let Some(mut python) = Python::start_as(variable, "flask-session", script, what) else {
        return;
    };
    let mut names: Vec<String> = servers.iter().map(Server::address).collect();
    names.push(by_path.dir().join("socket").display().to_string());
    let store = MemcachedStore::new(&names, MemcachedOptions::default()).unwrap();
    python.ask(&json!(names).to_string());
    // Of every length, for the hash reads four characters at a time.
    let keys: Vec<String> = (0..300)
        .map(|n| format!("session:{}{n}", "x".repeat(n % 7)))
        .collect();
    for key in &keys {
        store.set(key, key.as_bytes(), HOUR).unwrap();
    }
    // What `HashClient` finds by its own choice.
    let found: Vec<Json> = serde_json::from_str(&python.ask(&json!(keys).to_string())).unwrap();
    for (key, found) in keys.iter().zip(found) {
        assert_eq!(found, json!(key));
    }
}

#[test]
fn a_lifetime_of_more_than_30_days_is_one() {
    let Some(servers) = start(1) else { return };
    let store = store(&servers);
    let day = 24 * 60 * 60;
    for days in [29, 30, 31, 400] {
        let seconds = days * day;
        let lifetime = Lifetime { seconds, ..HOUR };
        let check = || {
            let left = ask(&servers[0], "mg session:id t");
            let left = left.strip_prefix("HD t").unwrap().parse::<u64>().unwrap();
            assert!(
                (seconds - 60..=seconds + 1).contains(&left),
                "{days}: {left}"
            );
        };
        store.set("session:id", b"data", lifetime).unwrap();
        check();
        store.set("session:id", b"data", HOUR).unwrap();
        assert!(store.touch("session:id", lifetime).unwrap());
        check();
    }
    for years in [20, 100, u64::MAX / day / 365] {
        let seconds = years * 365 * day;
        store
            .set("session:id", b"data", Lifetime { seconds, ..HOUR })
            .unwrap();
        assert_eq!(ask(&servers[0], "mg session:id t"), "HD t-1", "for ever");
    }
}

#[test]
fn a_key_that_memcached_cannot_have_is_not_there() {
    let Some(servers) = start(1) else { return };
    let store = store(&servers);
    let long = format!("session:{}", "x".repeat(243));
    for key in [&*long, "session: id", "session:id\r\nflush_all\r\n", ""] {
        assert_eq!(store.get(key, 0).unwrap(), None);
        assert!(!store.touch(key, HOUR).unwrap());
        store.delete(key).unwrap();
        let error = store.set(key, b"data", HOUR).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unstorable, "{error}");
    }
    let longest = format!("session:{}", "x".repeat(242));
    store.set(&longest, b"data", HOUR).unwrap();
    assert!(store.get(&longest, 0).unwrap().is_some());
}

#[test]
fn what_is_too_large_is_an_error_and_the_old_value_stays() {
    let Some(servers) = start(1) else { return };
    let store = store(&servers);
    store.set("session:id", b"old", HOUR).unwrap();
    let error = store
        .set("session:id", &vec![1; 2_000_000], HOUR)
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unstorable);
    assert!(
        error
            .to_string()
            .ends_with("SERVER_ERROR object too large for cache"),
        "{error}"
    );
    assert_eq!(
        store.get("session:id", 0).unwrap().as_deref(),
        Some(&b"old"[..])
    );
    for large in [vec![2; 900_000], vec![3; 900_000]] {
        store.set("session:id", &large, HOUR).unwrap();
        assert_eq!(
            store.get("session:id", 0).unwrap().as_deref(),
            Some(&large[..])
        );
    }
}

#[test]
fn a_url_names_servers() {
    let name = |url: &str| open(url).map(|store| store.name());
    for url in ["memcached://a", "memcached://a:1,b:2/?timeout=0.5&pool=3"] {
        assert_eq!(name(url).unwrap(), "memcached");
    }
    let message = |url: &str| name(url).unwrap_err().to_string();
    assert_eq!(
        message("memcached://a:1,b:x"),
        "session store memcached: \"b:x\" is no server: write host:port, or the path of a socket"
    );
    assert_eq!(
        message("memcached://user:password@a:1"),
        "session store memcached: memcached is not told of a user: write host:port"
    );
    assert_eq!(
        message("memcached:"),
        "session store memcached: \"\" is no server: write host:port, or the path of a socket"
    );
    assert_eq!(
        message("memcached://a?timeuot=1"),
        "session store memcached: unknown parameter \"timeuot\": the nearest is \"timeout\""
    );
    assert_eq!(
        message("memcached://a?pool=0"),
        "session store memcached: the parameter pool takes a number of connections, not \"0\""
    );
}

#[test]
fn flask_sessions_config_keys_lead_to_it() {
    let Some(servers) = start(2) else { return };
    let addresses: Vec<Value> = servers
        .iter()
        .map(|server| server.address().into())
        .collect();
    let app = failing::configured(vec![
        ("SESSION_TYPE", "memcached".into()),
        ("SESSION_MEMCACHED", addresses.into()),
        ("SESSION_STORE_TIMEOUT", 60.into()),
    ]);
    let mut client = app.test_client();
    page(&mut client, "/set/color/red");
    assert_eq!(page(&mut client, "/get/color"), "red");
}

// When it fails.

fn subject(args: &[&str]) -> Option<failing::Subject> {
    Some(failing::Subject {
        server: Arc::new(servers::memcached(args)?),
        url: |port| format!("memcached://127.0.0.1:{port}"),
        lasts: false,
        bears_drips: true,
        is_asked_at_first: false,
        is_missed_at_once: true,
        connections: 8,
    })
}

#[test]
fn a_memcached_that_refuses_is_an_error_until_it_is_back() {
    if let Some(subject) = subject(&[]) {
        failing::refuses(&subject);
    }
}

#[test]
fn a_memcached_that_is_down_when_the_app_starts_may_come_later() {
    if let Some(subject) = subject(&[]) {
        failing::is_down_at_first(&subject);
    }
}

#[test]
fn a_memcached_that_hangs_is_an_error_in_time() {
    if let Some(subject) = subject(&[]) {
        failing::hangs(&subject);
    }
}

#[test]
fn a_memcached_that_is_killed_while_a_request_is_answered_is_an_error() {
    if let Some(subject) = subject(&[]) {
        failing::is_killed_in_a_request(&subject);
    }
}

#[test]
fn a_memcached_that_is_slow_is_an_error_in_time() {
    if let Some(subject) = subject(&[]) {
        failing::is_slow(&subject);
    }
}

#[test]
fn a_memcached_that_hangs_up_is_connected_to_again_and_nobody_notices() {
    if let Some(subject) = subject(&[]) {
        failing::hangs_up(&subject);
    }
}

#[test]
fn two_hundred_requests_share_eight_connections_to_memcached() {
    if let Some(subject) = subject(&[]) {
        failing::is_asked_by_200_at_once(&subject);
    }
}

#[test]
fn a_memcached_that_is_killed_under_load_gives_nobody_anothers_session() {
    if let Some(subject) = subject(&[]) {
        failing::is_killed_under_load(&subject);
    }
}

#[test]
fn a_memcached_that_is_full_is_an_error() {
    // It drops the sessions that were not used for longest, unless it is told not to. Then it drops the
    // old value of whatever it has no room to set: `MemcachedStore` says so.
    if let Some(subject) = subject(&["-M", "-m", "4"]) {
        let is_kept = failing::is_full(&subject);
        assert!(!is_kept, "it keeps more than is promised");
    }
}

#[test]
fn a_memcached_that_is_full_keeps_the_old_value_of_a_large_session() {
    let Some(server) = servers::memcached(&["-M", "-m", "4"]) else {
        return;
    };
    let servers = [server];
    let store = store(&servers);
    store.set("session:id", &vec![1; 100_000], HOUR).unwrap();
    let full = (0..100).find_map(|n| {
        let other = format!("session:{n}");
        store.set(&other, &vec![0; 100_000], HOUR).err()
    });
    let errors = [
        full.unwrap(),
        store
            .set("session:id", &vec![2; 100_000], HOUR)
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    }
    let found = store.get("session:id", 0).unwrap();
    assert!(found.unwrap().iter().all(|byte| *byte == 1));
}

#[test]
fn memcached_is_asked_no_more_often_than_flask_session_asks() {
    if let Some(subject) = subject(&[]) {
        let config = |port| {
            let address = format!("127.0.0.1:{port}");
            json!({"SESSION_TYPE": "memcached", "SESSION_MEMCACHED": [address]})
        };
        failing::takes_few_round_trips(&subject, config, &failing::TRIPS);
    }
}

#[test]
fn with_one_of_two_memcacheds_down_the_others_sessions_go_on() {
    let Some(servers) = start(2) else { return };
    let app = failing::app(&(url(&servers) + "?timeout=60"));
    let mut clients: Vec<_> = (0..40).map(|_| app.test_client()).collect();
    for client in &mut clients {
        page(client, "/set/color/red");
    }
    servers[0].kill();
    let (mut up, mut down) = (0, 0);
    for client in &mut clients {
        let answer = client.get("/get/color").send().unwrap();
        match answer.status_code() {
            200 => {
                assert_eq!(answer.text(), "red");
                up += 1;
            }
            status => {
                assert_eq!(status, 503);
                assert_eq!(answer.header("Set-Cookie"), None);
                down += 1;
            }
        }
    }
    assert!(up > 0 && down > 0, "{up} up, {down} down");
}
