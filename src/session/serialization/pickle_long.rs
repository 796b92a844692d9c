//! Integers of any size, as a pickle has them: bytes in two's complement, the lowest first.
//!
//! Mirrors `decode_long` and `encode_long` of `Lib/pickle.py`. Python would take any number of bytes, but then
//! not print the number; and work that grows with the square of what comes from outside has to end somewhere.
//!
//! Read next: `pickle_old.rs`.

use super::FormatError;
use crate::python::MAX_INT_DIGITS;
use crate::value::Value;

/// As many as `MAX_INT_DIGITS` need, and one for the sign.
const MAX_BYTES: usize = 1787;

fn too_long<T>() -> Result<T, FormatError> {
    FormatError::new(format!("an integer has more than {MAX_INT_DIGITS} digits"))
}

/// `pickle.decode_long`.
pub(super) fn decode(bytes: &[u8]) -> Result<Value, FormatError> {
    if bytes.len() > MAX_BYTES {
        return too_long();
    }
    let negative = bytes.last().is_some_and(|byte| *byte & 0x80 != 0);
    if bytes.len() <= 16 {
        let mut wide = [if negative { 0xff } else { 0 }; 16];
        wide[..bytes.len()].copy_from_slice(bytes);
        return Ok(i128::from_le_bytes(wide).into());
    }
    // Digits of 10⁹, the lowest first; a negative number is what lacks to the next power of two.
    let mut digits: Vec<u64> = Vec::new();
    for byte in with_sign(bytes, negative).iter().rev() {
        let mut carry = u64::from(*byte);
        for digit in &mut digits {
            let wide = *digit * 256 + carry;
            *digit = wide % 1_000_000_000;
            carry = wide / 1_000_000_000;
        }
        if carry > 0 {
            digits.push(carry);
        }
    }
    let digits: String = digits
        .iter()
        .rev()
        .map(|digit| format!("{digit:09}"))
        .collect();
    let digits = digits.trim_start_matches('0');
    if digits.len() > MAX_INT_DIGITS {
        return too_long();
    }
    let sign = if negative { "-" } else { "" };
    Ok(Value::from_digits(&format!("{sign}{digits}")).unwrap_or(Value::Int(0)))
}

/// `pickle.encode_long`, of decimal digits with or without a `-`.
pub(super) fn encode(number: &str) -> Result<Vec<u8>, FormatError> {
    let digits = number.trim_start_matches('-');
    if digits.len() > MAX_INT_DIGITS {
        return too_long();
    }
    // Each digit moves the bytes up by ten.
    let mut bytes: Vec<u8> = Vec::new();
    for digit in digits.bytes() {
        let mut carry = u16::from(digit.wrapping_sub(b'0'));
        for byte in &mut bytes {
            let [high, low] = (u16::from(*byte) * 10 + carry).to_be_bytes();
            *byte = low;
            carry = high.into();
        }
        if carry > 0 {
            bytes.push(carry.to_be_bytes()[1]);
        }
    }
    bytes.push(0); // Room for the sign.
    Ok(with_sign(&bytes, number.starts_with('-')))
}

/// The bytes of a number, or with `negative` those of what it lacks to zero: the same step both ways.
fn with_sign(bytes: &[u8], negative: bool) -> Vec<u8> {
    let mut carry = true;
    let one = |byte: &u8| {
        if !negative {
            return *byte;
        }
        let (sum, overflow) = (!byte).overflowing_add(u8::from(carry));
        carry &= overflow;
        sum
    };
    bytes.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};
    use crate::value::Value;

    #[test]
    fn as_many_digits_as_python_reads_come_back_and_no_more() {
        let nines = "9".repeat(4300);
        for number in [
            nines.clone(),
            format!("-{nines}"),
            format!("1{}", "0".repeat(40)),
        ] {
            let bytes = encode(&number).unwrap();
            assert_eq!(decode(&bytes).unwrap(), Value::BigInt(number));
        }
        assert!(encode(&format!("{nines}9")).is_err());
        // One more than the largest, in bytes as many.
        let mut bytes = encode(&nines).unwrap();
        let carries = bytes.iter().take_while(|byte| **byte == 0xff).count();
        bytes[..=carries]
            .iter_mut()
            .for_each(|byte| *byte = byte.wrapping_add(1));
        let error = decode(&bytes).unwrap_err();
        assert_eq!(error.to_string(), "an integer has more than 4300 digits");
        assert!(decode(&[1; 1788]).is_err());
    }
}
