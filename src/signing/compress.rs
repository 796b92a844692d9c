//! zlib, where it makes a payload shorter.
//!
//! Mirrors the `zlib.compress` and `zlib.decompress` of `itsdangerous/url_safe.py`. Making a
//! compressor costs a hundred times what a small session does, so each thread keeps its own; and most
//! small sessions can be seen to have nothing in them to compress.
//!
//! Whether a payload is compressed agrees with Python's zlib but for one to five in a thousand of
//! those that are within a few bytes of the limit; the compressed bytes themselves may differ. Both
//! forms are valid on both sides.
//!
//! Read next: `encoding.rs`.

use std::cell::RefCell;
use std::sync::LazyLock;

use miniz_oxide::deflate::core::{
    CompressionStrategy, CompressorOxide, TDEFLFlush, TDEFLStatus, compress as deflate,
    create_comp_flags_from_zip_params,
};
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

/// zlib's default level.
const LEVEL: i32 = 6;
/// Up to so many bytes, [`fewest_bytes`] is worth finding out.
const MOST: usize = 128;
/// Up to so many bytes, a block with fixed codes may be shorter than one with its own.
const SMALL: usize = 512;

thread_local! {
    static OWN_CODES: RefCell<Box<CompressorOxide>> = compressor(CompressionStrategy::Default);
    static FIXED_CODES: RefCell<Box<CompressorOxide>> = compressor(CompressionStrategy::Fixed);
}

fn compressor(strategy: CompressionStrategy) -> RefCell<Box<CompressorOxide>> {
    // Positive: with zlib's header and checksum.
    let window_bits = 15;
    let flags = create_comp_flags_from_zip_params(LEVEL, window_bits, strategy as i32);
    RefCell::new(Box::new(CompressorOxide::new(flags)))
}

/// `zlib.compress`, where the result is shorter than `data` by two bytes or more.
///
/// zlib itself takes fixed codes for a block where they are shorter. `miniz_oxide` does not look, so
/// they are tried here where its own codes are not short enough.
pub(super) fn compress(data: &[u8]) -> Option<Vec<u8>> {
    let limit = data.len().checked_sub(2)?;
    if fewest_bytes(data) > limit {
        return None;
    }
    let own = OWN_CODES.with_borrow_mut(|zlib| compress_with(zlib, data, limit));
    if own.is_some() || data.len() > SMALL {
        return own;
    }
    FIXED_CODES.with_borrow_mut(|zlib| compress_with(zlib, data, limit))
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

/// No zlib stream of `data` can be shorter than this. It is 0 where that is not worth finding out.
///
/// Bytes that do not begin, continue or end a stretch of three that has been there before cannot be
/// part of a match: they cost what a literal costs. In a block with fixed codes that is 8 bits, and a
/// match is 12 or more. In a block with its own codes it is no less than the entropy of the literals,
/// and a match 2 bits; and the codes have to be told: a length costs 1 bit or more, or 3 for up to six
/// equal ones in a row.
fn fewest_bytes(data: &[u8]) -> usize {
    /// The stream's header and checksum, and the block's type.
    const WRAPPING: f32 = 6.0 * 8.0 + 3.0;
    if data.len() > MOST {
        return 0;
    }
    let mut repeated = repeated_bytes(data);
    let mut counts = [0_u8; 256];
    // A bit for each byte that is a literal.
    let mut used = [0_u64; 4];
    let (mut literals, mut matches) = (0_u8, 0_u8);
    let mut in_match = false;
    for byte in data {
        if repeated & 1 == 0 {
            counts[usize::from(*byte)] += 1;
            used[usize::from(byte >> 6)] |= 1 << (byte & 63);
            literals += 1;
        } else if !in_match {
            matches += 1;
        }
        in_match = repeated & 1 == 1;
        repeated >>= 1;
    }
    let costs = &*COSTS;
    let all_literals = costs.entropy[usize::from(literals)];
    let (literals, matches) = (f32::from(literals), f32::from(matches));
    let fixed = 8.0 * literals + 12.0 * matches + 7.0;

    // The numbers of codes (14 bits), the lengths of five or more codes for lengths (3 bits each), the
    // end of the block; and less 0.5 for the rounding of the logarithms.
    let mut own = 14.0 + 15.0 + 2.0 * matches + 1.0 - 0.5;
    own += all_literals;
    let mut next = 0;
    for (quarter, mut bits) in used.into_iter().enumerate() {
        while bits != 0 {
            let byte = quarter * 64 + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            own += costs.gap[byte - next] + 0.5 - costs.entropy[usize::from(counts[byte])];
            next = byte + 1;
        }
    }
    own += costs.gap[256 - next];

    ((WRAPPING + fixed.min(own)) / 8.0).ceil() as usize
}

/// What [`fewest_bytes`] adds up, worked out once.
struct Costs {
    /// `n * log2(n)`, for up to [`MOST`].
    entropy: [f32; MOST + 1],
    /// [`gap_bits`], for all that there can be.
    gap: [f32; 257],
}

static COSTS: LazyLock<Costs> = LazyLock::new(|| Costs {
    entropy: std::array::from_fn(|n| n as f32 * (n.max(1) as f32).log2()),
    gap: std::array::from_fn(gap_bits),
});

/// What it costs at least, in bits, to say that so many bytes in a row have no code: 4 bits for up to
/// ten, 8 for up to 138. A byte without a code costs no more here than one with a code, so the sum is
/// no larger where a byte that is only counted as part of a match has a code all the same.
fn gap_bits(gap: usize) -> f32 {
    let (many, rest) = (gap / 138, (gap % 138) as f32);
    let rest = if rest > 10.0 {
        (4.0 + (rest - 10.0) / 2.0).min(8.0)
    } else {
        (rest / 2.0).min(4.0)
    };
    many as f32 * 8.0 + rest
}

/// A bit for each of up to 128 bytes: whether it is within three bytes that stood there before.
fn repeated_bytes(data: &[u8]) -> u128 {
    /// More than twice as many places as there can be entries.
    const PLACES: usize = 256;
    let mut seen = [0_u32; PLACES];
    let mut repeated = 0;
    for (at, window) in data.windows(3).enumerate() {
        let [a, b, c] = *window else { continue };
        // Never 0, which is an empty place.
        let entry = u32::from_be_bytes([1, a, b, c]);
        let mut place = entry.wrapping_mul(0x9e37_79b1) as usize >> 16;
        loop {
            place %= PLACES;
            if seen[place] == 0 {
                seen[place] = entry;
                break;
            }
            if seen[place] == entry {
                repeated |= 0b111 << at;
                break;
            }
            place += 1;
        }
    }
    repeated
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A payload of up to 140 bytes, with more or less in it to compress.
    fn payload(rng: &mut fastrand::Rng) -> Vec<u8> {
        const PIECES: [&str; 10] = [
            "\"",
            "\":\"",
            "\",\"",
            "user",
            "name",
            "{",
            "true",
            "abcabcabc",
            "aaaa",
            "_id",
        ];
        let alphabet = rng.u8(1..64);
        let mut out = Vec::new();
        for _ in 0..rng.usize(..60) {
            match rng.u8(..4) {
                0 => out.extend_from_slice(PIECES[rng.usize(..PIECES.len())].as_bytes()),
                _ => out.push(b'@' + rng.u8(..alphabet)),
            }
        }
        out.truncate(140);
        out
    }

    #[test]
    fn no_stream_is_shorter_than_the_fewest_bytes() {
        let mut rng = fastrand::Rng::with_seed(1);
        let (mut skipped, mut compressed) = (0, 0);
        for _ in 0..5000 {
            let data = payload(&mut rng);
            let fewest = fewest_bytes(&data);
            for zlib in [&OWN_CODES, &FIXED_CODES] {
                let stream = zlib.with_borrow_mut(|zlib| compress_with(zlib, &data, 400));
                assert!(
                    stream.is_some_and(|stream| stream.len() >= fewest),
                    "{data:?}"
                );
            }
            skipped += usize::from(fewest + 2 > data.len());
            compressed += usize::from(compress(&data).is_some());
        }
        assert!(
            skipped > 1000 && compressed > 1000,
            "{skipped} {compressed}"
        );
    }

    #[test]
    fn a_typical_small_session_is_not_tried() {
        let session = br#"{"n":1,"username":"jack"}"#;
        assert!(fewest_bytes(session) > session.len() - 2);
    }

    #[test]
    fn what_was_compressed_comes_back() {
        let mut rng = fastrand::Rng::with_seed(2);
        for size in [3, 100, 511, 512, 513, 5000, 100_000] {
            let data: Vec<u8> = (0..size).map(|_| rng.u8(b'a'..=b'c')).collect();
            if let Some(stream) = compress(&data) {
                assert!(stream.len() + 2 <= data.len());
                assert_eq!(decompress(&stream, size), Some(data));
                assert_eq!(decompress(&stream, size - 1), None);
            } else {
                assert_eq!(size, 3);
            }
        }
    }
}
