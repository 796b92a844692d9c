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

use miniz_oxide::deflate::core::{
    CompressionStrategy, CompressorOxide, TDEFLFlush, TDEFLStatus, compress as deflate,
    create_comp_flags_from_zip_params,
};
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

/// zlib's default level.
const LEVEL: i32 = 6;
/// Up to so many bytes, a block with fixed codes may be shorter than one with its own.
const SMALL: usize = 512;

thread_local! {
    static OWN_CODES: RefCell<CompressorOxide> = compressor(CompressionStrategy::Default);
    static FIXED_CODES: RefCell<CompressorOxide> = compressor(CompressionStrategy::Fixed);
}

fn compressor(strategy: CompressionStrategy) -> RefCell<CompressorOxide> {
    // Positive: with zlib's header and checksum.
    let window_bits = 15;
    let flags = create_comp_flags_from_zip_params(LEVEL, window_bits, strategy as i32);
    RefCell::new(CompressorOxide::new(flags))
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
/// and a match 2 bits; and each code has to be told, at 1 bit or more.
fn fewest_bytes(data: &[u8]) -> usize {
    const MOST: usize = 128;
    /// The stream's header and checksum, and the block's type.
    const WRAPPING: f32 = 6.0 * 8.0 + 3.0;
    if data.len() > MOST {
        return 0;
    }
    let repeated = repeated_bytes(data);
    let mut counts = [0_u8; 256];
    let (mut literals, mut symbols, mut matches) = (0_u8, 0_u8, 0_u8);
    for (at, byte) in data.iter().enumerate() {
        if repeated >> at & 1 == 0 {
            let count = &mut counts[usize::from(*byte)];
            symbols += u8::from(*count == 0);
            *count += 1;
            literals += 1;
        } else if at == 0 || repeated >> (at - 1) & 1 == 0 {
            matches += 1;
        }
    }
    let [literals, symbols, matches] = [literals, symbols, matches].map(f32::from);
    let fixed = 8.0 * literals + 12.0 * matches + 7.0;

    // The numbers of codes (14 bits), the lengths of five or more codes for code lengths, the lengths
    // of the codes, the end of the block; and a little less for the rounding of the logarithms.
    let mut own = 14.0 + 15.0 + symbols + 2.0 * matches + 1.0 - 0.5;
    own += literals * literals.max(1.0).log2();
    for count in counts.into_iter().filter(|count| *count > 1) {
        own -= f32::from(count) * f32::from(count).log2();
    }

    ((WRAPPING + fixed.min(own)) / 8.0).ceil() as usize
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
