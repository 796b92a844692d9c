//! zlib, where it makes a payload shorter.
//!
//! Mirrors the `zlib.compress` and `zlib.decompress` of `itsdangerous/url_safe.py`. Making a
//! compressor costs a hundred times what a small session does, so each thread keeps one; and most
//! small sessions can be seen to have nothing in them to compress.
//!
//! The decision whether to compress agrees with Python's zlib but for a few payloads that are within
//! a few bytes of the limit either way: other zlibs find other matches. Both forms are valid on both
//! sides.
//!
//! Read next: `encoding.rs`.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

thread_local! {
    static COMPRESS: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(6), true));
    static DECOMPRESS: RefCell<Decompress> = RefCell::new(Decompress::new(true));
}

/// `zlib.compress`, where the result is shorter than `data` by two bytes or more.
pub(super) fn compress(data: &[u8]) -> Option<Vec<u8>> {
    // Shorter or not worth it: there is no need for more room.
    let limit = data.len().checked_sub(2)?;
    if fewest_bytes(data) > limit {
        return None;
    }
    let mut out = Vec::with_capacity(limit);
    COMPRESS.with_borrow_mut(|zlib| {
        zlib.reset();
        let status = zlib.compress_vec(data, &mut out, FlushCompress::Finish);
        (matches!(status, Ok(Status::StreamEnd)) && out.len() <= limit).then_some(out)
    })
}

/// `zlib.decompress`, of up to `limit` bytes. `None` where that fails, or there are more.
pub(super) fn decompress(data: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity((data.len() * 4).min(limit.saturating_add(1)));
    DECOMPRESS.with_borrow_mut(|zlib| {
        zlib.reset(true);
        loop {
            let read = usize::try_from(zlib.total_in()).ok()?;
            let written = out.len();
            let status = zlib.decompress_vec(data.get(read..)?, &mut out, FlushDecompress::Finish);
            match status {
                Ok(Status::StreamEnd) => return (out.len() <= limit).then_some(out),
                Ok(_) if out.len() > limit => return None,
                // There was room, and still no end: the rest is missing.
                Ok(_) if out.len() == written && out.len() < out.capacity() => return None,
                Ok(_) => out.reserve(out.len().max(64).min(limit.saturating_add(1))),
                Err(_) => return None,
            }
        }
    })
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
    let mut counts = [0_u8; 256];
    let (mut literals, mut matches) = (0_u32, 0_u32);
    let repeated = repeated_bytes(data);
    for (at, byte) in data.iter().enumerate() {
        if repeated >> at & 1 == 0 {
            counts[usize::from(*byte)] += 1;
            literals += 1;
        } else if at == 0 || repeated >> (at - 1) & 1 == 0 {
            matches += 1;
        }
    }
    let fixed = (8 * literals + 12 * matches + 7) as f32;

    let mut own = literals as f32 * (literals.max(1) as f32).log2();
    let mut symbols = 0;
    for count in counts.into_iter().filter(|count| *count > 0) {
        symbols += 1;
        if count > 1 {
            own -= f32::from(count) * f32::from(count).log2();
        }
    }
    // The numbers of codes (14 bits), the lengths of five or more codes for code lengths, the lengths
    // of the codes, the end of the block; and a little less for the rounding of the logarithms.
    own += (14 + 15 + symbols + 2 * matches + 1) as f32 - 0.5;

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
