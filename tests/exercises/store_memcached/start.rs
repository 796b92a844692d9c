//! The hash of the key says which server it is, by what is left of it divided by how many there are.

use super::hash;

// ANCHOR: choose
pub(crate) fn choose(servers: &[&str], key: &str) -> usize {
    hash(key) as usize % servers.len()
}
// ANCHOR_END: choose
