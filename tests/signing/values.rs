//! Random values, and the form in which they travel to Python and back.

use carafe::{Dict, Value};
use fastrand::Rng;
use serde_json::{Value as Json, json};
use uuid::Uuid;

/// A value as `oracle.py` writes it. Unlike `Value` it can be compared where there is a NaN.
pub(crate) fn wire(value: &Value) -> Json {
    match value {
        Value::Null => json!(["null"]),
        Value::Bool(flag) => json!(["bool", flag]),
        Value::Int(number) => json!(["int", number.to_string()]),
        Value::BigInt(digits) => json!(["int", digits]),
        Value::Float(number) if number.is_nan() => json!(["float", "nan"]),
        Value::Float(number) => json!(["float", format!("{:016x}", number.to_bits())]),
        Value::Str(text) => json!(["str", text]),
        Value::Markup(text) => json!(["markup", text]),
        Value::List(items) => json!(["list", items.iter().map(wire).collect::<Vec<_>>()]),
        Value::Tuple(items) => json!(["tuple", items.iter().map(wire).collect::<Vec<_>>()]),
        Value::Dict(dict) => {
            let items: Vec<_> = dict
                .iter()
                .map(|(key, value)| json!([key, wire(value)]))
                .collect();
            json!(["dict", items])
        }
        Value::Bytes(bytes) => json!(["bytes", hex(bytes)]),
        Value::Uuid(uuid) => json!(["uuid", uuid.as_simple().to_string()]),
        Value::DateTime(seconds) => json!(["datetime", seconds]),
        value => panic!("no wire form for {value:?}"),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Which types a random value may have.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Types {
    /// What JSON has, as Python reads it back.
    Json,
    /// And those that `jsonify` turns into text.
    Default,
    /// All of them.
    Tagged,
}

pub(crate) fn value(rng: &mut Rng, types: Types, depth: usize) -> Value {
    let kinds = match types {
        Types::Json => 8,
        Types::Default => 12,
        Types::Tagged => 13,
    };
    let kind = rng.u8(..kinds);
    match kind {
        0 => [Value::Null, Value::Bool(true), Value::Bool(false)][rng.usize(..3)].clone(),
        1 => Value::Int(integer(rng)),
        2 => big_int(rng),
        3 => Value::Float(float(rng)),
        4 | 5 => Value::Str(text(rng)),
        6..=8 if depth == 0 => Value::Str(text(rng)),
        6 => Value::List(items(rng, types, depth)),
        7 => Value::Dict(dict(rng, types, depth - 1)),
        8 => Value::Tuple(items(rng, types, depth)),
        9 => Value::Markup(text(rng)),
        10 => Value::Uuid(Uuid::from_u128(rng.u128(..))),
        11 => Value::DateTime(rng.i64(-62_135_596_800..=253_402_300_799)),
        _ => Value::Bytes((0..rng.usize(..20)).map(|_| rng.u8(..)).collect()),
    }
}

fn items(rng: &mut Rng, types: Types, depth: usize) -> Vec<Value> {
    (0..rng.usize(..4))
        .map(|_| value(rng, types, depth - 1))
        .collect()
}

pub(crate) fn dict(rng: &mut Rng, types: Types, depth: usize) -> Dict {
    (0..rng.usize(..5))
        .map(|_| (key(rng), value(rng, types, depth)))
        .collect()
}

fn key(rng: &mut Rng) -> String {
    const TAGS: [&str; 10] = [
        " di", " t", " b", " m", " u", " d", " t__", "", " ", " di__",
    ];
    match rng.u8(..4) {
        0 => TAGS[rng.usize(..TAGS.len())].to_owned(),
        1 => text(rng),
        _ => format!("{}{}", char::from(rng.u8(b'a'..=b'z')), rng.u8(..20)),
    }
}

fn text(rng: &mut Rng) -> String {
    let length = [0, 1, 5, 12, 40][rng.usize(..5)];
    let plain = rng.bool();
    (0..length)
        .map(|_| match rng.u8(..if plain { 1 } else { 6 }) {
            0 => char::from(rng.u8(b' '..=b'~')),
            1 => char::from(rng.u8(..0x20)),
            2 => rng.char('\u{7f}'..='\u{ff}'),
            3 => [
                '"',
                '\\',
                '/',
                '\u{2028}',
                '\u{feff}',
                '\u{fffd}',
                '\u{ffff}',
                '\u{10ffff}',
            ][rng.usize(..8)],
            4 => rng.char('\u{1_0000}'..),
            _ => rng.char(..),
        })
        .collect()
}

fn integer(rng: &mut Rng) -> i64 {
    let edges = [0, 1, -1, i64::MAX, i64::MIN, i64::from(u32::MAX)];
    if rng.bool() {
        rng.i64(..) >> rng.u32(..64)
    } else {
        edges[rng.usize(..edges.len())]
    }
}

fn big_int(rng: &mut Rng) -> Value {
    let count = [1, 18, 19, 20, 25, 400][rng.usize(..6)];
    let digits: String = (0..count).map(|_| rng.digit(10)).collect();
    let text = format!("{}{digits}", if rng.bool() { "-" } else { "" });
    Value::from_digits(&text).unwrap()
}

fn float(rng: &mut Rng) -> f64 {
    let edges = [
        0.0,
        -0.0,
        1.0,
        0.1,
        1e15,
        1e16,
        1e17,
        123_456_789_012_345_680.0,
        1e-4,
        1e-5,
        9.999e-5,
        5e-324,
        2.2250738585072014e-308,
        f64::MAX,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1e22,
        1e23,
        9999999999999998.0,
    ];
    match rng.u8(..5) {
        0 => edges[rng.usize(..edges.len())],
        // Often half-way between two texts of as many digits.
        4 => (rng.u64(..1 << 53) | 1) as f64 / 2_f64.powi(rng.i32(..40)),
        1 => f64::from_bits(rng.u64(..)),
        2 => rng.i32(..) as f64 / 1000.0,
        _ => (rng.f64() - 0.5) * 10_f64.powi(rng.i32(-30..30)),
    }
}
