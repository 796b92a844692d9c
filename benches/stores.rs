//! What a session costs in each store: `cargo bench --bench stores --features redis,memcached,sqlite,postgres,mysql,mongodb`.
//!
//! A request opens a session, changes it and saves it. Beside it stands the floor: the same client library
//! reads and writes the same bytes under a key, and nothing else. Beside both stand Flask-Session on the same
//! server, and for Redis actix-session. All take turns, some requests each; then the round trips of a
//! request are counted, through a relay.
//!
//! After `--`: `--quick` takes fewer turns; `--only redis,files` measures those; `--write` writes the table to
//! docs/benchmarks.md, between two markers. Starts its own servers, and ends them. What is missing is named,
//! and has a row that says so.
//!
//! Read next: `stores/places.rs`, the stores; `stores/floor.rs` and `stores/child.rs`, who takes part;
//! `stores/table.rs`, what is written.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark may give up"
)]

#[path = "stores/child.rs"]
mod child;
#[allow(dead_code, reason = "the other benchmarks use the rest")]
mod common;
#[path = "stores/files.rs"]
mod files;
#[path = "stores/floor.rs"]
mod floor;
#[path = "stores/missing.rs"]
mod missing;
#[path = "stores/places.rs"]
mod places;
#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/stores/relay.rs"]
mod relay;
#[allow(dead_code, unused_imports, reason = "the tests use the rest")]
#[path = "../tests/stores/servers/mod.rs"]
mod servers;
#[path = "stores/table.rs"]
mod table;

use std::time::Instant;

use places::Place;

/// One who takes part: asked for so many requests, says how long each took, in nanoseconds.
pub(crate) struct Contestant {
    name: &'static str,
    run: Box<dyn FnMut(usize) -> Vec<u64>>,
    /// The median of each turn, in microseconds.
    turns: Vec<f64>,
    /// Of one request.
    round_trips: Option<f64>,
}

impl Contestant {
    pub(crate) fn new(name: &'static str, run: impl FnMut(usize) -> Vec<u64> + 'static) -> Self {
        Contestant {
            name,
            run: Box::new(run),
            turns: Vec::new(),
            round_trips: None,
        }
    }

    fn take_turn(&mut self, batch: usize) {
        let mut times = (self.run)(batch);
        times.sort_unstable();
        self.turns.push(times[times.len() / 2] as f64 / 1000.0);
    }
}

/// How long it takes, in nanoseconds.
pub(crate) fn timed(one: impl FnOnce()) -> u64 {
    let begin = Instant::now();
    one();
    u64::try_from(begin.elapsed().as_nanos()).unwrap()
}

/// The round trips of one request, after some that open connections and prepare statements.
fn count_round_trips(place: &mut Place) {
    let Some(port) = place.port else { return };
    let relay = relay::Relay::to(port);
    let again = (place.contestants)(relay.port());
    for (contestant, mut relayed) in place.all.iter_mut().zip(again) {
        assert_eq!(contestant.name, relayed.name);
        (relayed.run)(3);
        relay.round_trips();
        (relayed.run)(20);
        contestant.round_trips = Some(relay.round_trips() as f64 / 20.0);
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let has = |name: &str| args.iter().any(|arg| arg == name);
    let only = args.iter().position(|arg| arg == "--only");
    let only = only.and_then(|at| args.get(at + 1));
    let (turns, batch) = if has("--quick") { (20, 20) } else { (100, 50) };
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();

    let mut places = places::open(only.map(String::as_str));
    // The first turn is for caches and connections.
    for turn in 0..=turns {
        for contestant in places.iter_mut().flat_map(|place| &mut place.all) {
            contestant.take_turn(batch);
            if turn == 0 {
                contestant.turns.clear();
            }
        }
    }
    places.iter_mut().for_each(count_round_trips);

    let table = table::markdown(&places, turns, batch, &load);
    println!("{table}");
    if has("--write") {
        table::write(&table);
    }
}
