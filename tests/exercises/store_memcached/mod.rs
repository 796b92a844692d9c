//! The exercise of the chapter on Memcached.
//!
//! Sessions are on four servers, and a fifth is bought. Only those sessions may move that the new server
//! takes over.

mod solution;
mod start;

use crate::harness::fails;

/// What the exercise asks for: the index of the server that has this key.
type Choose = fn(&[&str], &str) -> usize;

// ANCHOR: check
fn check(choose: Choose) {
    let five = [
        "10.0.0.1:11211",
        "10.0.0.2:11211",
        "10.0.0.3:11211",
        "10.0.0.4:11211",
        "10.0.0.5:11211",
    ];
    let four = &five[..4];
    let keys: Vec<String> = (0..1000)
        .map(|number| format!("session:{number}"))
        .collect();
    for server in four {
        let has = keys.iter().filter(|key| four[choose(four, key)] == *server);
        let has = has.count();
        assert!(
            (200..=300).contains(&has),
            "{server} has {has} of 1000 sessions"
        );
    }

    let moved = keys
        .iter()
        .filter(|key| choose(four, key) != choose(&five, key));
    let lost = moved.filter(|key| choose(&five, key) != 4).count();
    assert_eq!(
        lost, 0,
        "this many of 1000 sessions are now looked for on another old server than they are on"
    );
    let taken_over = keys.iter().filter(|key| choose(&five, key) == 4).count();
    assert!(
        (150..=250).contains(&taken_over),
        "the new server has {taken_over} of 1000 sessions"
    );
}
// ANCHOR_END: check

// ANCHOR: hash
/// A number that looks random, and is the same for the same text: FNV-1a, and the end of MurmurHash3, which
/// lets each bit of it depend on all of the text.
fn hash(text: &str) -> u32 {
    let mut hash: u32 = 0x811c_9dc5;
    for byte in text.bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}
// ANCHOR_END: hash

#[test]
fn the_solution_passes() {
    check(solution::choose);
}

#[test]
fn the_start_fails() {
    fails("store_memcached", || check(start::choose));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(start::choose);
}
