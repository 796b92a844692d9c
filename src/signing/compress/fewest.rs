//! How many bytes a zlib stream has at least: a proof, in a glance, that most tiny payloads stay as
//! they are.
//!
//! Nothing in zlib mirrors this. It never says more than what `block.rs` would count.
//!
//! Read next: `matches.rs`.

/// From about here on, a glance no longer is enough.
const MOST: usize = 40;

/// No zlib stream of `data` can be shorter than this. It is 0 where there is no telling at a glance.
///
/// A byte that is in a match has been there before, and so have two or more beside it. All others are
/// literals for sure.
pub(super) fn fewest_bytes(data: &[u8]) -> usize {
    if data.len() > MOST || !data.is_ascii() {
        return 0;
    }
    // For each byte, whether it has been there.
    let mut seen = [0_u8; 128];
    // A bit for each place where the byte had been there before, the last place first.
    let mut again = 0_u64;
    for byte in data {
        let there = std::mem::replace(&mut seen[usize::from(byte & 0x7f)], 1);
        again = again << 1 | u64::from(there);
    }
    let triples = again & again >> 1 & again >> 2;
    let matched = triples | triples << 1 | triples << 2;
    let literals = data.len() - matched.count_ones() as usize;
    // With fixed codes, a literal of ASCII takes 8 bits, the end 7, and a match, which ends the stretch
    // of such places, 12.
    let matches = (matched & !(matched << 1)).count_ones() as usize;
    let fixed = 8 * literals + 12 * matches + 7;

    // With codes of its own, the literals and the end are so many symbols, and a match may add one. One
    // of them has a code no longer than their logarithm. To tell that there is a code of 5, 4 or 3 bits
    // takes 10, 12 or 14 times 3 bits; and there are 14 bits before these.
    let symbols = data.len() - again.count_ones() as usize + 1;
    let most = symbols + matched.count_ones() as usize / 3;
    let told = 14 + 3 * (20 - 2 * most.ilog2() as usize);
    // Each of several symbols in a row takes half a bit or more (six may be told in 3). Three or more
    // bytes in a row that are no symbol take 4; as many as there are from the last of ASCII to the end, 8.
    let starts = |byte: usize| seen[byte] & !(seen[byte - 1] | seen[byte - 2] | seen[byte - 3]);
    // (JSON has nothing below the space.)
    let starts: u8 = (0x20..0x80).map(starts).sum();
    let runs = symbols.div_ceil(2) + 4 * usize::from(starts) + 8;
    // As short as codes for so many symbols can be; one for each, and a bit for each literal more.
    let least = symbols.ilog2() as usize;
    let codes = symbols * least + 2 * (symbols - (1 << least)) + (literals + 1 - symbols);
    let own = told + runs + codes;
    2 + (3 + fixed.min(own)).div_ceil(8) + 4
}

#[cfg(test)]
mod tests {
    use super::super::block::stream;
    use super::*;

    #[test]
    fn no_stream_is_shorter_than_the_fewest_bytes() {
        const PIECES: [&str; 8] = [
            "\"",
            "\":\"",
            "user",
            "{",
            "true",
            "abcabcabc",
            "aaaa",
            "_id",
        ];
        let mut rng = fastrand::Rng::with_seed(1);
        let (mut told, mut exact) = (0, 0);
        for _ in 0..20_000 {
            let alphabet = rng.u8(1..=128);
            let first = rng.u8(..=128 - alphabet);
            let mut data = Vec::new();
            for _ in 0..rng.usize(..MOST) {
                match rng.u8(..4) {
                    0 => data.extend_from_slice(PIECES[rng.usize(..PIECES.len())].as_bytes()),
                    _ => data.push(first + rng.u8(..alphabet)),
                }
            }
            data.truncate(MOST);
            let fewest = fewest_bytes(&data);
            let shorter = fewest.checked_sub(1).and_then(|limit| stream(&data, limit));
            assert_eq!(shorter, None, "{data:?}");
            told += usize::from(fewest > 0);
            exact += usize::from(stream(&data, fewest).is_some());
        }
        assert!(told == 20_000 && exact > 100, "{told} {exact}");
    }

    #[test]
    fn a_typical_small_session_is_told_at_a_glance() {
        let session = br#"{"count":41,"username":"jack"}"#;
        assert!(fewest_bytes(session) > session.len() - 2);
    }
}
