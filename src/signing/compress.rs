//! zlib, where it makes a payload shorter.
//!
//! Mirrors the `zlib.compress` and `zlib.decompress` of `itsdangerous/url_safe.py`. itsdangerous compresses
//! every payload, and drops the result where it is not shorter: for most sessions, which are small. To run
//! a compressor for that would take forty times as long as all else. So what zlib would do with a small
//! payload is worked out here, step by step, and nothing is written unless it helps. What is written then
//! is what Python writes, byte for byte.
//!
//! A larger payload goes through `miniz_oxide`, whose bytes may differ. Both sides read both.
//!
//! | part | file |
//! | --- | --- |
//! | tiny payloads that stay as they are | `compress/fewest.rs` |
//! | what has been there before | `compress/matches.rs` |
//! | codes for what is left | `compress/codes.rs` |
//! | how long the stream would be | `compress/block.rs` |
//! | the stream | `compress/bits.rs` |
//!
//! Read next: `compress/matches.rs`, or `encoding.rs`.

mod bits;
mod block;
mod codes;
mod fewest;
mod matches;

use std::cell::RefCell;

use miniz_oxide::deflate::core::{
    CompressionStrategy, CompressorOxide, TDEFLFlush, TDEFLStatus, compress as deflate,
    create_comp_flags_from_zip_params,
};
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

/// zlib's default level.
const LEVEL: i32 = 6;

thread_local! {
    /// Making a compressor costs much more than a session does, so each thread keeps its own.
    static COMPRESSOR: RefCell<Box<CompressorOxide>> = {
        // Positive: with zlib's header and checksum.
        let window_bits = 15;
        let strategy = CompressionStrategy::Default as i32;
        let flags = create_comp_flags_from_zip_params(LEVEL, window_bits, strategy);
        RefCell::new(Box::new(CompressorOxide::new(flags)))
    };
}

/// `zlib.compress`, where the result is shorter than `data` by two bytes or more.
pub(super) fn compress(data: &[u8]) -> Option<Vec<u8>> {
    let limit = data.len().checked_sub(2)?;
    if fewest::fewest_bytes(data) > limit {
        None
    } else if data.len() <= matches::MOST {
        block::stream(data, limit)
    } else {
        COMPRESSOR.with_borrow_mut(|zlib| compress_with(zlib, data, limit))
    }
}

/// `data` as a zlib stream of at most `limit` bytes.
fn compress_with(zlib: &mut CompressorOxide, data: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; limit];
    zlib.reset();
    let (status, _, written) = deflate(zlib, data, &mut out, TDEFLFlush::Finish);
    out.truncate(written);
    (status == TDEFLStatus::Done).then_some(out)
}

/// `zlib.decompress`, of up to `limit` bytes. `None` where that fails, or there are more.
pub(super) fn decompress(data: &[u8], limit: usize) -> Option<Vec<u8>> {
    decompress_to_vec_zlib_with_limit(data, limit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_small_becomes_what_zlib_makes_of_it() {
        let compressed = |data: &str| {
            let stream = compress(data.as_bytes()).unwrap_or_default();
            let hex = stream.iter().map(|byte| format!("{byte:02x}"));
            hex.collect::<String>()
        };
        // From Python's zlib 1.2.13: once with the fixed codes, and once with codes of its own.
        let repeated = compressed("abcabcabcabcabcabcabc");
        assert_eq!(repeated, "789c4b4c4a4ec440005875080b");
        let pi = compressed(concat!(
            "3.14159265358979323846264338327950288419716939937510582097494459230781",
            "640628620899862803482534211706798214808651",
        ));
        let expected = concat!(
            "789c0dcbc11100410802b08e6e1450a1ffc66e5f79855fab27d8e1381782d662459ab84cc156e77a",
            "c384375d63544e915e649d7b550b2fcac9c3451943a1fb6a2f46cbe59dfe0116c9170a",
        );
        assert_eq!(pi, expected);
    }

    #[test]
    fn what_was_compressed_comes_back() {
        let mut rng = fastrand::Rng::with_seed(2);
        let (mut compressed, mut stayed) = (0, 0);
        let sizes = (0..1200).chain([5000, 100_000]);
        for size in sizes {
            let letters = rng.u8(1..=100);
            let mut data: Vec<u8> = Vec::new();
            while data.len() < size {
                // Some of what has been there; or another byte.
                let from = rng.usize(..=data.len());
                let to = data.len().min(from + rng.usize(..20));
                data.extend_from_within(from..to);
                data.push(b' ' + rng.u8(..letters));
            }
            data.truncate(size);
            let Some(stream) = compress(&data) else {
                stayed += 1;
                continue;
            };
            compressed += 1;
            assert!(stream.len() + 2 <= data.len());
            assert_eq!(decompress(&stream, size - 1), None);
            assert_eq!(decompress(&stream, size), Some(data));
        }
        assert!(compressed > 1000 && stayed > 10, "{compressed} {stayed}");
    }
}
