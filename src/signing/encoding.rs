//! Base64 without padding, and integers as bytes.
//!
//! Mirrors `itsdangerous/encoding.py`, and beneath it Python's `base64.b64decode`, which skips
//! whatever is not base64. That leniency is kept: a cookie that Flask takes, Carafe takes.
//!
//! Read next: `signer.rs`.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// Writes no padding, and is content with any, or with spare bits in the last character.
const URL_SAFE_B64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// `itsdangerous.base64_encode`: URL-safe base64, without padding.
///
/// ```
/// use carafe::signing::{base64_decode, base64_encode};
/// assert_eq!(base64_encode(b"\xff\xfe"), "__4");
/// assert_eq!(base64_decode(b"__4"), Some(b"\xff\xfe".to_vec()));
/// ```
#[must_use]
pub fn base64_encode(bytes: &[u8]) -> String {
    URL_SAFE_B64.encode(bytes)
}

/// [`base64_encode`], behind what `out` holds already.
pub(super) fn base64_append(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + encoded_len(bytes.len()), 0);
    let written = URL_SAFE_B64.encode_slice(bytes, &mut out[start..]);
    debug_assert_eq!(written.ok(), Some(out.len() - start));
}

/// [`base64_encode`], instead of what `out` holds.
pub(super) fn base64_in_place(out: &mut Vec<u8>) {
    let length = out.len();
    out.resize(length + encoded_len(length), 0);
    let (bytes, encoded) = out.split_at_mut(length);
    let written = URL_SAFE_B64.encode_slice(bytes, encoded);
    debug_assert_eq!(written.ok(), Some(encoded.len()));
    out.drain(..length);
}

/// How many characters this many bytes become.
fn encoded_len(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// `itsdangerous.base64_decode`, of bytes. `None` where that raises `BadData`. Characters outside of
/// the alphabet do not count; `+` and `/` are as good as `-` and `_`.
#[must_use]
pub fn base64_decode(encoded: &[u8]) -> Option<Vec<u8>> {
    // What strict base64 takes, Python decodes to the same.
    URL_SAFE_B64.decode(encoded).ok().or_else(|| {
        let mut padded = encoded.to_vec();
        padded.resize(encoded.len().next_multiple_of(4), b'=');
        for byte in &mut padded {
            match byte {
                b'-' => *byte = b'+',
                b'_' => *byte = b'/',
                _ => {}
            }
        }
        b64decode(&padded)
    })
}

/// [`base64_decode`], handed to `use_it`. What is short, as most of a cookie is, stays on the stack.
pub(super) fn base64_decoded<T>(encoded: &[u8], use_it: impl FnOnce(&[u8]) -> T) -> Option<T> {
    /// A multiple of three, which is what four characters hold.
    const ROOM: usize = 192;
    if encoded.len() <= ROOM / 3 * 4 {
        let mut room = [0; ROOM];
        if let Ok(length) = URL_SAFE_B64.decode_slice(encoded, &mut room) {
            return Some(use_it(&room[..length]));
        }
    }
    base64_decode(encoded).map(|bytes| use_it(&bytes))
}

/// `base64.b64decode`, as its default `validate=False` has it: characters outside of the alphabet
/// are skipped, and so is everything behind the padding. `None` where the padding is missing.
pub(crate) fn b64decode(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(encoded.len() / 4 * 3 + 3);
    // How many characters of a group of four were read, the bits left over from the last one, and
    // the `=` that came behind it.
    let (mut quad, mut left, mut pads) = (0, 0_u8, 0);
    for byte in encoded {
        let bits = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                if quad >= 2 {
                    pads += 1;
                    if quad + pads >= 4 {
                        return Some(out);
                    }
                }
                continue;
            }
            _ => continue,
        };
        pads = 0;
        match quad {
            0 => left = bits,
            1 => {
                out.push(left << 2 | bits >> 4);
                left = bits & 0x0f;
            }
            2 => {
                out.push(left << 4 | bits >> 2);
                left = bits & 0x03;
            }
            _ => out.push(left << 6 | bits),
        }
        quad = (quad + 1) % 4;
    }
    (quad == 0).then_some(out)
}

// ANCHOR: int_to_bytes
/// `itsdangerous.int_to_bytes`: big-endian, without leading zero bytes; nothing at all for 0.
#[must_use]
pub fn int_to_bytes(number: u64) -> Vec<u8> {
    significant_bytes(&number.to_be_bytes()).to_vec()
}
// ANCHOR_END: int_to_bytes

/// All behind the leading zero bytes.
pub(super) fn significant_bytes(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

/// `itsdangerous.bytes_to_int`: the reverse of [`int_to_bytes`]. `None` for more than eight bytes.
#[must_use]
pub fn bytes_to_int(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| {
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    })
}

/// `value.rsplit(sep, 1)`: what is before the last `sep`, and what is behind it.
pub(super) fn rsplit<'a>(value: &'a [u8], sep: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = match *sep {
        [byte] => rposition(value, byte)?,
        _ => value.windows(sep.len()).rposition(|window| window == sep)?,
    };
    Some((&value[..at], &value[at + sep.len()..]))
}

/// Where the last such byte is.
fn rposition(bytes: &[u8], byte: u8) -> Option<usize> {
    let mut rest = bytes;
    // Without a look at which of them it is, sixteen bytes are compared as fast as one.
    while let Some((before, last)) = rest.split_last_chunk::<16>() {
        if last
            .iter()
            .fold(false, |found, other| found | (*other == byte))
        {
            break;
        }
        rest = before;
    }
    rest.iter().rposition(|other| *other == byte)
}
