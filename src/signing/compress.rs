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

/// No zlib stream of `data` can be shorter than this. It is 0 where that is not worth finding out, and
/// for what is not ASCII.
///
/// Bytes that do not begin, continue or end a stretch of three that has been there before cannot be
/// part of a match: they cost what a literal costs. In a block with fixed codes that is 8 bits, and a
/// match is 12 or more. In a block with its own codes it is no less than the entropy of the literals,
/// and a match 2 bits; and the codes have to be told: a length costs 1 bit or more, or 3 for up to six
/// equal ones in a row.
fn fewest_bytes(data: &[u8]) -> usize {
    /// The stream's header and checksum, and the block's type.
    const WRAPPING: i32 = (6 * 8 + 3) * BIT;
    if data.len() > MOST || !data.is_ascii() {
        return 0;
    }
    let mut counts = count(data);
    let repeated = repeated_bytes(data, &counts);
    let mut room = [0; MOST];
    let (mut literals, mut matches) = (data, 0);
    if repeated != 0 {
        let mut length = 0;
        for (at, byte) in data.iter().enumerate() {
            room[length] = *byte;
            length += usize::from(repeated >> at & 1 == 0);
        }
        literals = &room[..length];
        matches = (repeated & !(repeated << 1)).count_ones() as i32;
        counts = count(literals);
    }
    let fixed = (8 * literals.len() as i32 + 12 * matches + 7) * BIT;

    // A block with codes of its own: the numbers of codes (14 bits), the codes for their lengths (3 bits
    // each), the end of the block; and less half a bit for the rounding of the logarithms. The lengths
    // 8, 7, 9, 6, 10, 5, and so on, come behind four other codes, as far as there is one. Of so many
    // symbols one has a code no longer than their logarithm.
    let lengths = 20 - 2 * (data.len() + 1).ilog2() as i32;
    let mut own = (14 + 3 * lengths + 2 * matches + 1) * BIT - BIT / 2;
    let costs = &*COSTS;
    own += costs.entropy[literals.len()];
    // A bit for each eight characters in a row: whether there is one of them.
    let mut used = 0_u32;
    for byte in literals {
        own += costs.literal[usize::from(counts[usize::from(byte & 0x7f)])];
        used |= 1 << (byte >> 3);
    }
    let mut gap = 0;
    for eight in 0..16 {
        gap += 8;
        if used >> eight & 1 == 1 {
            own += costs.gap[gap - 8];
            gap = 0;
        }
    }
    // No character beyond ASCII has a code.
    own += costs.gap[gap + 128];

    // A part of a byte is a whole one.
    ((WRAPPING + fixed.min(own)) as usize).div_ceil(8 * BIT as usize)
}

/// How often there is each ASCII character.
fn count(data: &[u8]) -> [u8; 128] {
    let mut counts = [0; 128];
    for byte in data {
        counts[usize::from(byte & 0x7f)] += 1;
    }
    counts
}

/// [`fewest_bytes`] counts in parts of a bit.
const BIT: i32 = 1024;

/// What [`fewest_bytes`] adds up, worked out once. All is rounded down.
struct Costs {
    /// The entropy of so many literals, were they all different: `n * log2(n)` bits.
    entropy: [i32; MOST + 1],
    /// What a literal adds to that where there are so many equal ones: their share of the half bit for
    /// their code's length; less `log2(n)` bits.
    literal: [i32; MOST + 1],
    /// [`gap_bits`], for all that there can be.
    gap: [i32; 257],
}

static COSTS: LazyLock<Costs> = LazyLock::new(|| {
    let parts = |bits: f32| (bits * BIT as f32).floor() as i32;
    let number = |n: usize| n.max(1) as f32;
    Costs {
        entropy: std::array::from_fn(|n| parts(number(n) * number(n).log2())),
        literal: std::array::from_fn(|n| parts(0.5 / number(n) - number(n).log2())),
        gap: std::array::from_fn(|gap| parts(gap_bits(gap))),
    }
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

/// A bit for each of up to 128 ASCII characters: whether it is within three that stood there before.
/// `counts` is how often there is each.
fn repeated_bytes(data: &[u8], counts: &[u8; 128]) -> u128 {
    /// More than twice as many places as there can be entries.
    const PLACES: usize = 256;
    // Where three bytes stand, counted from 1; 0 is an empty place.
    let mut seen = [0_u8; PLACES];
    let mut repeated = 0;
    // How many bytes up to this one are there more than once. Three in a row are rare in what is short.
    let mut run = 0;
    for (end, byte) in data.iter().enumerate() {
        let others = counts[usize::from(byte & 0x7f)] > 1;
        run = if others { run + 1 } else { 0 };
        if run < 3 {
            continue;
        }
        let window = &data[end - 2..=end];
        let hash = window
            .iter()
            .fold(0_u32, |hash, byte| hash << 8 | u32::from(*byte));
        let mut place = hash.wrapping_mul(0x9e37_79b1) as usize >> 16;
        loop {
            place %= PLACES;
            let Some(before) = seen[place].checked_sub(1) else {
                seen[place] = end as u8 - 1;
                break;
            };
            if data[usize::from(before)..].starts_with(window) {
                repeated |= 0b111 << (end - 2);
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
