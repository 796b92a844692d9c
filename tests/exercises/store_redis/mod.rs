//! The exercise of the chapter on Redis.
//!
//! A client has to put a command into bytes. Jack chose a color, and Jill's session is gone: mend it.
#![allow(clippy::expect_used)] // Whose client says nonsense is told what is wrong with it.

mod solution;
mod start;

use std::collections::HashMap;

use crate::harness::fails;

/// What the exercise asks for: a command, of several words, as what is sent.
type Encode = fn(&[&[u8]]) -> Vec<u8>;

// ANCHOR: check
fn check(encode: Encode) {
    let mut redis = Redis::default();
    redis.hear(&encode(&[b"SET", b"session:jill", b"hello"]));
    let jills = redis.keys.get(&b"session:jill"[..]);
    assert_eq!(jills.map(Vec::as_slice), Some(&b"hello"[..]));

    // Jack may choose his color himself, and the session says so.
    let color = b"red\r\nDEL session:jill\r\n";
    redis.hear(&encode(&[b"SET", b"session:jack", color]));

    assert!(
        redis.keys.contains_key(&b"session:jill"[..]),
        "jack chose a color, and jill's session is gone"
    );
    let every_byte: Vec<u8> = (0..=255).collect();
    for value in [&color[..], b"", b"two words", b"$5\r\n", &every_byte] {
        redis.hear(&encode(&[b"SET", b"session:jack", value]));
        let kept = redis.keys.get(&b"session:jack"[..]).map(Vec::as_slice);
        assert_eq!(kept, Some(value), "any bytes can be a value");
    }
}
// ANCHOR_END: check

/// A Redis of a few lines, which knows `SET` and `DEL`.
#[derive(Default)]
struct Redis {
    keys: HashMap<Vec<u8>, Vec<u8>>,
}

impl Redis {
    // ANCHOR: hear
    /// Reads what a client sends, and does it. As the true one it takes a command as an array of strings;
    /// and, for who types by hand, as a line of words.
    fn hear(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (words, rest) = match bytes.strip_prefix(b"*") {
                Some(array) => read_array(array),
                None => {
                    let (line, rest) = read_line(bytes);
                    let words = line.split(|byte| *byte == b' ').map(<[u8]>::to_vec);
                    (words.collect(), rest)
                }
            };
            match words.iter().map(Vec::as_slice).collect::<Vec<_>>()[..] {
                [b"SET", key, value] => drop(self.keys.insert(key.to_vec(), value.to_vec())),
                [b"DEL", key] => drop(self.keys.remove(key)),
                _ => {} // The true one would answer with an error.
            }
            bytes = rest;
        }
    }
    // ANCHOR_END: hear
}

/// Up to the next CR and LF, and what comes after these.
fn read_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n");
    let end = end.expect("each line ends with \\r\\n");
    (&bytes[..end], &bytes[end + 2..])
}

fn read_number(bytes: &[u8]) -> (usize, &[u8]) {
    let (line, rest) = read_line(bytes);
    let number = std::str::from_utf8(line)
        .ok()
        .and_then(|it| it.parse().ok());
    (number.expect("a number behind * and $"), rest)
}

fn read_array(bytes: &[u8]) -> (Vec<Vec<u8>>, &[u8]) {
    let (count, mut bytes) = read_number(bytes);
    let mut words = Vec::new();
    for _ in 0..count {
        let string = bytes.strip_prefix(b"$").expect("each string begins with $");
        let (length, rest) = read_number(string);
        let (word, rest) = rest
            .split_at_checked(length)
            .expect("as many bytes as it says");
        words.push(word.to_vec());
        bytes = rest
            .strip_prefix(b"\r\n")
            .expect("\\r\\n behind each string");
    }
    (words, bytes)
}

#[test]
fn the_solution_passes() {
    check(solution::encode);
}

#[test]
fn the_start_fails() {
    fails("store_redis", || check(start::encode));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(start::encode);
}
