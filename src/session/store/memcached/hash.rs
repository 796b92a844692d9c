//! Which of several memcached servers has a key: the one that pymemcache's `HashClient` would ask.
//!
//! Mirrors `pymemcache/client/rendezvous.py` and `murmur3.py`. Memcached servers do not know of one
//! another, so every client has to choose alike. Each server gets a score for each key; the highest one
//! has it. Where a server is added or taken away, only its own keys move.

// ANCHOR: choose
/// The index of the server for this key. `names` are as pymemcache puts them: `host:port`, or a path.
pub(super) fn choose(names: &[String], key: &str) -> Option<usize> {
    let score = |name: &String| murmur3_32(&format!("{name}-{key}"));
    // Of two with one score the name decides, so that the order in the config does not.
    let scores = names.iter().map(|name| (score(name), name)).enumerate();
    let best = scores.max_by(|(_, one), (_, other)| one.cmp(other));
    best.map(|(index, _)| index)
}
// ANCHOR_END: choose

// ANCHOR: murmur3
/// MurmurHash3 for 32 bits, of characters instead of bytes: of one beyond ASCII pymemcache takes the
/// lowest eight bits, or all of them where it is the fourth.
fn murmur3_32(text: &str) -> u32 {
    const C1: u32 = 0xcc9e_2d51;
    const C2: u32 = 0x1b87_3593;
    let mix = |word: u32| word.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2);
    let chars: Vec<u32> = text.chars().map(u32::from).collect();
    let mut hash: u32 = 0;
    let (words, tail) = chars.as_chunks::<4>();
    for [a, b, c, d] in words {
        let word = (a & 0xff) | (b & 0xff) << 8 | (c & 0xff) << 16 | d << 24;
        hash ^= mix(word);
        hash = hash
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64);
    }
    if !tail.is_empty() {
        let bytes = tail.iter().rev();
        hash ^= mix(bytes.fold(0, |word, char| word << 8 | (char & 0xff)));
    }
    hash ^= u32::try_from(chars.len()).unwrap_or(u32::MAX);
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}
// ANCHOR_END: murmur3

#[cfg(test)]
mod tests {
    use super::{choose, murmur3_32};

    /// `pymemcache.client.murmur3.murmur3_32(text)`; `tests/stores/memcached.rs` asks it for many more.
    #[test]
    fn the_hash_is_pymemcaches() {
        for (text, hash) in [
            ("", 0),
            ("a", 0x3c25_69b2),
            ("ab", 0x9bbf_d75f),
            ("abc", 0xb3dd_93fa),
            ("abcd", 0x43ed_676a),
            ("127.0.0.1:11211-session:id", 0x803e_307f),
        ] {
            assert_eq!(murmur3_32(text), hash, "{text}");
        }
    }

    #[test]
    fn the_order_of_the_servers_is_of_no_account() {
        let mut names: Vec<String> = (1..=5).map(|n| format!("10.0.0.{n}:11211")).collect();
        let chosen = |names: &[String]| {
            let key = |n| format!("session:{n}");
            let keys = (0..100).map(|n| choose(names, &key(n)));
            let chosen: Vec<String> = keys.map(|index| names[index.unwrap()].clone()).collect();
            chosen
        };
        let before = chosen(&names);
        names.reverse();
        assert_eq!(chosen(&names), before);
        names.push("10.0.0.6:11211".to_owned());
        for (before, after) in before.iter().zip(chosen(&names)) {
            assert!(*before == after || after == "10.0.0.6:11211");
        }
        assert_eq!(choose(&[], "session:id"), None);
    }
}
