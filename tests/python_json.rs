//! JSON, Flask's tags and dates against real Python, Flask and Werkzeug.
//!
//! Each test asks `signing/oracle.py` the same as it asks Carafe, thousands of times, with random
//! input from a fixed seed. What needs no Python is in `json.rs`.

#![allow(clippy::unwrap_used)] // A test's helper may panic as the test may.

#[path = "signing/oracle.rs"]
#[allow(dead_code)] // Shared with `signing.rs`, which needs more of it.
mod oracle;
mod python;
#[path = "signing/values.rs"]
mod values;

use carafe::Value;
use carafe::json::{self, JsonError, TaggedJsonSerializer};
use carafe::signing::{CompactJson, PayloadSerializer};
use carafe::wrappers::dates::{http_date, parse_date};
use fastrand::Rng;
use oracle::{Oracle, Raised};
use serde_json::{Value as Json, json};
use values::{Types, hex, wire};

/// Prints the seed, so that a failure can be repeated.
fn rng(seed: u64) -> Rng {
    println!("seed {seed}");
    Rng::with_seed(seed)
}

#[test]
fn json_text_is_flasks_byte_for_byte() {
    let Some(mut oracle) = Oracle::start("json.dumps") else {
        return;
    };
    let mut rng = rng(5);
    for _ in 0..5000 {
        let value = values::value(&mut rng, Types::Tagged, 4);
        for pretty in [false, true] {
            let request = json!({"op": "json_dumps", "pretty": pretty, "value": wire(&value)});
            let ours = if pretty {
                json::dumps_pretty(&value)
            } else {
                json::dumps(&value)
            };
            match (ours, oracle.ask(&request)) {
                (Ok(ours), Ok(theirs)) => assert_eq!(Some(ours.as_str()), theirs.as_str()),
                (Err(ours), Err(theirs)) => assert_eq!(ours.to_string(), theirs.message),
                (ours, theirs) => panic!("{value:?}: {ours:?} here, {theirs:?} there"),
            }
        }
        let request = json!({"op": "tag_dumps", "value": wire(&value)});
        let text = TaggedJsonSerializer.dumps(&value).unwrap();
        assert_eq!(Some(text.as_str()), oracle.ask(&request).unwrap().as_str());
    }
}

/// Both must read the same value, or refuse with the same message.
fn assert_same_json(ours: Result<Value, JsonError>, theirs: Result<Json, Raised>, context: &str) {
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(wire(&ours), theirs, "{context}"),
        // What is wrong behind a lone surrogate is not looked at here.
        (Err(JsonError::Unicode(_)), Err(_)) => {}
        (Err(JsonError::LoneSurrogate), _) if context.contains("\\u") => {}
        (Err(ours), Err(theirs)) if theirs.class == "JSONDecodeError" => {
            assert_eq!(ours.to_string(), theirs.message, "{context}");
        }
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("{context:?}: {ours:?} here, {theirs:?} there"),
    }
}

#[test]
fn json_text_that_was_cut_or_changed_is_read_or_refused_as_python_does() {
    let Some(mut oracle) = Oracle::start("json.loads") else {
        return;
    };
    let mut rng = rng(6);
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\u",
        "\\ud83d",
        "\\ude00",
        "\\u00e9",
        "\\n",
        "\\x",
        "-",
        "0",
        "1",
        ".",
        "e",
        "E+",
        "5",
        "null",
        "true",
        "NaN",
        "Infinity",
        "-Infinity",
        " ",
        "\n",
        "\r\n",
        "\t",
        "\u{c}",
        "\u{a0}",
        "\u{feff}",
        "é",
        "😀",
        "\u{1}",
        "\"a\"",
        "\"a\":",
        "1e999",
        "-0",
        "01",
        "1.",
        "// x",
    ];
    for round in 0..8000 {
        let mut text = if round % 3 == 0 {
            String::new()
        } else {
            json::dumps_pretty(&values::value(&mut rng, Types::Default, 3)).unwrap()
        };
        for _ in 0..rng.usize(..4) + if round % 3 == 0 { 6 } else { 0 } {
            let mut at = rng.usize(..=text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            match rng.u8(..if round % 3 == 0 { 1 } else { 3 }) {
                0 | 1 => text.insert_str(at, pieces[rng.usize(..pieces.len())]),
                _ if at < text.len() => drop(text.remove(at)),
                _ => {}
            }
        }
        let theirs = oracle.ask(&json!({"op": "json_loads", "text": text}));
        assert_same_json(json::loads(&text), theirs, &text);
    }
}

#[test]
fn bytes_are_decoded_as_python_detects_them() {
    let Some(mut oracle) = Oracle::start("json.loads of bytes") else {
        return;
    };
    let mut rng = rng(7);
    for _ in 0..6000 {
        let value = values::value(&mut rng, Types::Json, 1);
        let text = String::from_utf8(CompactJson.dump_payload((&value).into()).unwrap()).unwrap();
        let text = if rng.bool() {
            format!("\u{feff}{text}")
        } else {
            text
        };
        let mut bytes: Vec<u8> = match rng.u8(..5) {
            0 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            1 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            2 => text
                .chars()
                .flat_map(|char| u32::from(char).to_le_bytes())
                .collect(),
            3 => text
                .chars()
                .flat_map(|char| u32::from(char).to_be_bytes())
                .collect(),
            _ => text.into_bytes(),
        };
        match rng.u8(..6) {
            0 => bytes.truncate(rng.usize(..=bytes.len())),
            1 if !bytes.is_empty() => {
                let at = rng.usize(..bytes.len());
                bytes[at] = [0, 0xff, 0xd8, b'1'][rng.usize(..4)];
            }
            _ => {}
        }
        let request = json!({"op": "json_loads_bytes", "bytes": hex(&bytes)});
        assert_same_json(
            json::loads_bytes(&bytes),
            oracle.ask(&request),
            &hex(&bytes),
        );
    }
}

#[test]
fn a_tag_with_any_contents_is_read_or_refused_as_flask_does() {
    let Some(mut oracle) = Oracle::start("tags") else {
        return;
    };
    let mut rng = rng(8);
    let uuids = [
        "{12345678-1234-5678-1234-567812345678}",
        "urn:uuid:12345678123456781234567812345678",
        "0x345678123456781234567812345678",
        "+2345678123456781234567812345678",
        "1234567812345678_234567812345678",
        " 23456781234567812345678123456 8",
        "12345678",
        "zz",
        " 2345678123456781234567812345678",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        "1234567812345678__34567812345678",
    ];
    let others = [
        "null",
        "true",
        "false",
        "0",
        "0.0",
        "-1",
        "1.5",
        "1e300",
        "[]",
        "{}",
        "[1,[\"a\"]]",
        "{\"a\":1}",
        "{\"ab\":1,\"c\":2}",
        "\"\"",
        "\"abc\"",
        "\"=\"",
        "\"aGk\"",
        "\"aGk=\"",
        "\"a!G?k=\"",
        "\"aGk=aGk=\"",
        "\"aG=k\"",
        "\"é\"",
        "{\" t__\":[]}",
        "\"Tue, 14 Nov 2023 22:13:20 GMT\"",
        "\"14 Nov 23 22:13\"",
        "99999999999999999999",
        "\"\\u00e9\\ud83d\\ude00\"",
    ];
    for _ in 0..8000 {
        let mut text = match rng.u8(..4) {
            0 => format!("{:?}", uuids[rng.usize(..uuids.len())]),
            _ => others[rng.usize(..others.len())].to_owned(),
        };
        for _ in 0..rng.usize(1..4) {
            let tag = [" di", " t", " b", " m", " u", " d", "x"][rng.usize(..7)];
            text = match rng.u8(..5) {
                0 => format!("[{text}]"),
                1 => format!(r#"{{"{tag}":1,"{tag}":{text}}}"#),
                2 => format!(r#"{{"{tag}__":{text}}}"#),
                _ => format!(r#"{{"{tag}":{text}}}"#),
            };
        }
        let theirs = oracle.ask(&json!({"op": "tag_loads", "text": text}));
        assert_same_json(TaggedJsonSerializer.loads(&text), theirs, &text);
    }
}

#[test]
fn dates_are_written_and_read_as_werkzeug_does() {
    let Some(mut oracle) = Oracle::start("dates") else {
        return;
    };
    let mut rng = rng(9);
    for _ in 0..3000 {
        let seconds = rng.i64(-62_135_596_800..=253_402_300_799);
        let request = json!({"op": "http_date", "value": ["datetime", seconds]});
        let text = http_date(seconds).expect("a date of Python's");
        assert_eq!(Some(text.as_str()), oracle.ask(&request).unwrap().as_str());
        // A year below 100 is taken for one of 1969 to 2068.
        let read = oracle
            .ask(&json!({"op": "parse_date", "text": text}))
            .unwrap();
        assert_eq!(json!(["datetime", parse_date(&text)]), read, "{text}");
    }
    let pieces = [
        "Tue,",
        "tue",
        "Tuesday,",
        "x,",
        "14",
        "1",
        "31",
        "0",
        "29",
        "Feb",
        "nov",
        "November",
        "14-Nov-23",
        "2023",
        "23",
        "69",
        "1900",
        "-5",
        "99999999999999999999",
        "22:13:20",
        "22:13",
        "22.13.20",
        "24:00",
        "23:59:60",
        "22:13:20+0100",
        "GMT",
        "+0100",
        "-0000",
        "-2400",
        "+9999999999999999",
        "+99999999999999999999999999999999999999999999",
        "EST",
        "PDT",
        "xyz",
        ",",
        "1_0",
        "+7",
        "a:b",
        "1:2:3:4",
        ":",
    ];
    let orders = [
        "w d m y t z",
        "d m y t z",
        "w d m y t",
        "d m y t",
        "m d y t",
        "d m t y",
        "w m d t y",
    ];
    for _ in 0..8000 {
        let order = orders[rng.usize(..orders.len())];
        let mut parts: Vec<&str> = order
            .split(' ')
            .map(|part| match part {
                "w" => ["Tue,", "Tue", "mon,"][rng.usize(..3)],
                "d" => ["14", "1", "29", "30", "31,", "0"][rng.usize(..6)],
                "m" => ["Nov", "feb", "April"][rng.usize(..3)],
                "y" => ["2023", "24", "1900,", "0", "9999", "10000", "3000000000"][rng.usize(..7)],
                "t" => ["22:13:20", "00:00", "23:59:59,", "1.2.3", "22:13:20-0130"][rng.usize(..5)],
                _ => ["GMT", "+0100", "-2359", "EST", "?", "-0000", "+99"][rng.usize(..7)],
            })
            .collect();
        for _ in 0..rng.usize(..3) {
            let at = rng.usize(..parts.len());
            match rng.u8(..4) {
                0 => parts.insert(at, pieces[rng.usize(..pieces.len())]),
                1 if parts.len() > 1 => drop(parts.remove(at)),
                _ => parts[at] = pieces[rng.usize(..pieces.len())],
            }
        }
        let text = parts.join([" ", "  ", "\u{1c}"][rng.usize(..3)]);
        let tagged = json!({" d": text}).to_string();
        let ours = TaggedJsonSerializer.loads(&tagged);
        match (ours, oracle.ask(&json!({"op": "parse_date", "text": text}))) {
            (Ok(ours), Ok(theirs)) => assert_eq!(wire(&ours), theirs, "{text}"),
            (Err(JsonError::DateOutOfRange), Err(theirs)) => {
                assert_eq!(theirs.class, "OverflowError", "{text}");
            }
            (ours, theirs) => panic!("{text}: {ours:?} here, {theirs:?} there"),
        }
    }
}

#[test]
fn base64_skips_what_python_skips() {
    let Some(mut oracle) = Oracle::start("base64") else {
        return;
    };
    let mut rng = rng(10);
    for _ in 0..10000 {
        let encoded: String = (0..rng.usize(..12))
            .map(|_| char::from(b"ABz09+/==!_-"[rng.usize(..12)]))
            .collect();
        let theirs = oracle
            .ask(&json!({"op": "b64decode", "bytes": hex(encoded.as_bytes())}))
            .ok();
        let tagged = format!(r#"{{" b":"{encoded}"}}"#);
        let ours = TaggedJsonSerializer.loads(&tagged).ok();
        let ours = ours.as_ref().and_then(Value::as_bytes).map(hex);
        assert_eq!(ours.map(Json::String), theirs, "{encoded}");
    }
}
