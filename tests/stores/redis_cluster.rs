//! Sessions in a cluster of real redis-servers.

use std::collections::BTreeSet;

use carafe::App;
use carafe::session::store::{Entry, RedisOptions, RedisStore, Store, Verdict, open};
use carafe::testing::TestClient;

use crate::failing::{self, page};
use crate::redis::{HOUR, cli, run_suite, share, url};
use crate::servers::{self, Server};

fn cluster_url(nodes: &[Server]) -> String {
    let addresses: Vec<String> = nodes.iter().map(Server::address).collect();
    format!("redis+cluster://{}", addresses.join(","))
}

#[test]
fn a_redis_cluster_does_all_that_a_store_should() {
    if let Some(nodes) = servers::redis_cluster(0) {
        // One of them is enough to find the others.
        let url = cluster_url(&nodes[..1]);
        run_suite(nodes, url);
    }
}

#[test]
fn a_redis_cluster_is_shared_with_flask() {
    if let Some(nodes) = servers::redis_cluster(0) {
        share(&cluster_url(&nodes));
    }
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
    let mut shown = BTreeSet::new();
    let mut twice = 0;
    let mut show = |entry: Entry<'_>| {
        twice += u32::from(!shown.insert(entry.key.unwrap().to_owned()));
        match entry.key.unwrap().ends_with('7') {
            true => Verdict::Delete,
            false => Verdict::Keep,
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

/// A client for each of the servers of a cluster, with a session that is there.
fn client_of_each(app: &App, nodes: &[Server]) -> Vec<TestClient> {
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

fn status(client: &mut TestClient, path: &str) -> u16 {
    let answer = client.get(path).send().unwrap();
    let status = answer.status_code();
    assert!(status == 200 || answer.header("Set-Cookie").is_none());
    status
}

#[test]
fn with_one_server_of_a_cluster_down_the_others_sessions_go_on() {
    let Some(nodes) = servers::redis_cluster(0) else {
        return;
    };
    let app = failing::app(&(cluster_url(&nodes) + "?timeout=1"));
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
    let Some(nodes) = servers::redis_cluster(1) else {
        return;
    };
    let app = failing::app(&(cluster_url(&nodes) + "?timeout=1"));
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
