//! Each server gets a score for this key, of its own name and the key. The highest has it. A new server
//! changes no other's score: either it is the highest now, or all is as before.

use super::hash;

// ANCHOR: choose
pub(crate) fn choose(servers: &[&str], key: &str) -> usize {
    let score = |index: &usize| hash(&format!("{}-{key}", servers[*index]));
    (0..servers.len()).max_by_key(score).unwrap()
}
// ANCHOR_END: choose
