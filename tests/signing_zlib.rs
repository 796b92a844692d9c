//! Which payloads are compressed, and to what, against the zlib that Python has.
//!
//! What is signed here is up to 1 KiB of any bytes. From there on another compressor is at work; that is
//! in `signing.rs`, and so are whole sessions.

#![allow(clippy::unwrap_used)] // A test's helper may panic as the test may.

#[path = "signing/oracle.rs"]
#[allow(dead_code)] // Shared with `signing.rs`, which needs more of it.
mod oracle;
mod python;

use carafe::Value;
use carafe::json::{JsonError, ValueRef};
use carafe::signing::{PayloadSerializer, SigningError, URLSafe};
use fastrand::Rng;
use oracle::Oracle;
use serde_json::json;

/// As much as Carafe's own compressor takes.
const MOST: usize = 1024;

/// Bytes as they are.
struct Bytes;

impl PayloadSerializer for Bytes {
    fn dump_payload(&self, value: ValueRef<'_>) -> Result<Vec<u8>, JsonError> {
        let ValueRef::Value(Value::Bytes(bytes)) = value else {
            panic!("only bytes are tried");
        };
        Ok(bytes.to_vec())
    }
    fn load_payload(&self, payload: &[u8]) -> Result<Value, SigningError> {
        Ok(Value::Bytes(payload.to_vec()))
    }
}

/// How many were compressed, out of those that were tried. Each must be to what Python makes of it.
fn assert_same(payloads: impl Iterator<Item = Vec<u8>>) -> Option<(usize, usize)> {
    let mut oracle = Oracle::start("compression")?;
    let (mut compressed, mut tried) = (0, 0);
    for bytes in payloads {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let request = json!({"op": "dump_bytes", "bytes": hex});
        let theirs = oracle.ask(&request).unwrap();
        let value = Value::Bytes(bytes.clone());
        let ours = URLSafe::new(Bytes).dump_payload((&value).into()).unwrap();
        assert_eq!(theirs, String::from_utf8(ours.clone()).unwrap(), "{hex}");
        assert_eq!(URLSafe::new(Bytes).load_payload(&ours).unwrap(), value);
        compressed += usize::from(ours.starts_with(b"."));
        tried += 1;
    }
    Some((compressed, tried))
}

const WORDS: [&str; 16] = [
    "user",
    "name",
    "jack",
    "cart",
    "items",
    "total",
    "_id",
    "csrf",
    "token",
    "lang",
    "_fresh",
    "theme",
    "message",
    "http://localhost/",
    "é",
    "日本",
];

fn word(rng: &mut Rng) -> &'static str {
    WORDS[rng.usize(..WORDS.len())]
}

/// What sessions have in them: the larger `depth`, the more of it.
fn value(rng: &mut Rng, depth: usize) -> serde_json::Value {
    let many = rng.usize(..6);
    match rng.u8(..if depth > 0 { 9 } else { 7 }) {
        0 => json!(rng.u64(..) >> rng.u32(..64)),
        1 => json!(rng.bool()),
        2 => json!(word(rng)),
        3 => json!([word(rng), word(rng)].join(" ")),
        4 => json!(format!("{:x}{:x}", rng.u64(..), rng.u128(..))),
        5 => json!(
            (0..rng.usize(..60))
                .map(|_| rng.alphanumeric())
                .collect::<String>()
        ),
        6 => json!(rng.f64()),
        7 => (0..many).map(|_| value(rng, depth - 1)).collect(),
        _ => session(rng, many, depth - 1),
    }
}

fn session(rng: &mut Rng, many: usize, depth: usize) -> serde_json::Value {
    let item = |_| ([word(rng), word(rng)].concat(), value(rng, depth));
    (0..many).map(item).collect()
}

#[test]
fn a_session_is_compressed_as_python_does_it() {
    let mut rng = Rng::with_seed(4);
    let mut sizes = [0; 11];
    let sessions = (0..12_000).map(|_| {
        let most = [4, 8, 60][rng.usize(..3)];
        let many = rng.usize(1..most);
        let mut json = session(&mut rng, many, 2).to_string().into_bytes();
        json.truncate(MOST);
        sizes[json.len() / 100] += 1;
        json
    });
    if let Some((compressed, tried)) = assert_same(sessions) {
        println!("{compressed} of {tried} were compressed; by hundreds of bytes: {sizes:?}");
        assert!(sizes.iter().all(|many| *many > 100), "{sizes:?}");
        assert!(compressed * 4 > tried && compressed * 8 < tried * 7);
    }
}

#[test]
fn any_bytes_are_compressed_as_python_does_it() {
    let mut rng = Rng::with_seed(5);
    let payloads = (0..8_000).map(|_| {
        let size = rng.usize(..=MOST);
        let pieces: Vec<Vec<u8>> = (0..rng.usize(1..30))
            .map(|_| (0..rng.usize(1..20)).map(|_| rng.u8(..)).collect())
            .collect();
        // Bytes that are rare, some of them so rare that a code grows as long as it can.
        let skew = rng.f64() * 8.0;
        let repeats = rng.f64();
        let mut out = Vec::new();
        while out.len() < size {
            if rng.f64() < repeats {
                out.extend_from_slice(&pieces[rng.usize(..pieces.len())]);
            } else {
                out.push((256.0 * rng.f64().powf(skew)) as u8);
            }
        }
        out.truncate(size);
        out
    });
    if let Some((compressed, tried)) = assert_same(payloads) {
        println!("{compressed} of {tried} were compressed");
        assert!(compressed * 4 > tried && compressed < tried);
    }
}

#[test]
fn what_stands_in_the_way_of_zlib_is_met_as_it_meets_it() {
    let mut rng = Rng::with_seed(6);
    // Runs longer than the longest match; more places with the same three bytes than are looked at; and
    // bytes whose hash is the same, though they are not.
    let mut payloads: Vec<Vec<u8>> = (0..=MOST).map(|size| vec![b'a'; size]).collect();
    for _ in 0..1000 {
        let end = |rng: &mut Rng| [b'a' + rng.u8(..4), b"aA!"[rng.usize(..3)]];
        let many = rng.usize(..200);
        payloads.push(
            (0..many)
                .flat_map(|_| [b"abc", &end(&mut rng)[..]].concat())
                .collect(),
        );
        let many = rng.usize(..256);
        let triples = [b"aab", b"Aab", b"!ab", b"abA"];
        payloads.push((0..many).flat_map(|_| *triples[rng.usize(..4)]).collect());
    }
    if let Some((compressed, tried)) = assert_same(payloads.into_iter()) {
        assert!(compressed * 2 > tried && compressed < tried);
    }
}
