//! The signing layers and the JSON beneath them, against real itsdangerous and Flask.
//!
//! Each test asks `signing/oracle.py` the same as it asks Carafe, thousands of times, with random
//! input from a fixed seed. What needs no Python is in `signing_vectors.rs`.

#![allow(clippy::unwrap_used)] // A test's helper may panic as the test may.

#[path = "signing/oracle.rs"]
mod oracle;
mod python;
#[path = "signing/values.rs"]
mod values;

use carafe::json::{self, JsonError, TaggedJsonSerializer};
use carafe::signing::{
    Algorithm, CompactJson, DigestMethod, KeyDerivation, PayloadSerializer, PythonJson, Serializer,
    SignerOptions, SigningError, TimedSerializer, URLSafe,
};
use carafe::{Dict, Value};
use fastrand::Rng;
use oracle::{Oracle, Raised};
use serde_json::{Value as Json, json};
use values::{Types, hex, wire};

const NOW: u64 = 1_700_000_000;

/// Prints the seed, so that a failure can be repeated.
fn rng(seed: u64) -> Rng {
    println!("seed {seed}");
    Rng::with_seed(seed)
}

/// All that makes a serializer, on both sides.
#[derive(Clone, Debug)]
struct Setup {
    keys: Vec<Vec<u8>>,
    salt: Vec<u8>,
    options: SignerOptions,
    fallbacks: Vec<SignerOptions>,
    json: &'static str,
    timed: bool,
    url: bool,
}

enum Made {
    Plain(Serializer<Layers>),
    Timed(TimedSerializer<Layers>),
}

/// Any of the payload serializers.
struct Layers {
    json: &'static str,
    url: bool,
}

impl PayloadSerializer for Layers {
    fn dump_payload(&self, value: json::ValueRef<'_>) -> Result<Vec<u8>, JsonError> {
        match (self.json, self.url) {
            ("tagged", false) => TaggedJsonSerializer.dump_payload(value),
            ("compact", false) => CompactJson.dump_payload(value),
            (_, false) => PythonJson.dump_payload(value),
            ("tagged", true) => URLSafe::new(TaggedJsonSerializer).dump_payload(value),
            ("compact", true) => URLSafe::new(CompactJson).dump_payload(value),
            (_, true) => URLSafe::new(PythonJson).dump_payload(value),
        }
    }
    fn load_payload(&self, payload: &[u8]) -> Result<Value, SigningError> {
        match (self.json, self.url) {
            ("tagged", false) => TaggedJsonSerializer.load_payload(payload),
            ("compact", false) => CompactJson.load_payload(payload),
            (_, false) => PythonJson.load_payload(payload),
            ("tagged", true) => URLSafe::new(TaggedJsonSerializer).load_payload(payload),
            ("compact", true) => URLSafe::new(CompactJson).load_payload(payload),
            (_, true) => URLSafe::new(PythonJson).load_payload(payload),
        }
    }
}

impl Setup {
    /// Flask's own.
    fn flask() -> Self {
        Self {
            keys: vec![b"adavafa".to_vec()],
            salt: b"cookie-session".to_vec(),
            options: SignerOptions {
                key_derivation: KeyDerivation::Hmac,
                ..Default::default()
            },
            fallbacks: Vec::new(),
            json: "tagged",
            timed: true,
            url: true,
        }
    }

    fn random(rng: &mut Rng) -> Self {
        Self {
            keys: (0..rng.usize(1..4)).map(|_| bytes(rng, 1, 200)).collect(),
            salt: bytes(rng, 0, 20),
            options: options(rng),
            fallbacks: (0..rng.usize(..3)).map(|_| options(rng)).collect(),
            json: ["tagged", "tagged", "compact", "python"][rng.usize(..4)],
            timed: rng.bool(),
            url: rng.bool(),
        }
    }

    fn types(&self) -> Types {
        if self.json == "tagged" {
            Types::Tagged
        } else {
            Types::Json
        }
    }

    fn make(&self) -> Made {
        let layers = Layers {
            json: self.json,
            url: self.url,
        };
        let (keys, salt) = (self.keys.clone(), &self.salt);
        if self.timed {
            let made = TimedSerializer::new(keys, salt, layers, &self.options, &self.fallbacks);
            Made::Timed(made.unwrap())
        } else {
            Made::Plain(
                Serializer::new(keys, salt, layers, &self.options, &self.fallbacks).unwrap(),
            )
        }
    }

    fn dumps(&self, value: &Value, now: u64) -> Result<String, JsonError> {
        match self.make() {
            Made::Plain(made) => made.dumps(value),
            Made::Timed(made) => made.dumps_at(value, now),
        }
    }

    fn loads(
        &self,
        signed: &[u8],
        max_age: Option<i64>,
        now: u64,
    ) -> Result<(Value, Option<u64>), SigningError> {
        match self.make() {
            Made::Plain(made) => made.loads(signed).map(|value| (value, None)),
            Made::Timed(made) => made
                .loads_at(signed, max_age, now)
                .map(|(value, date)| (value, Some(date))),
        }
    }

    fn request(&self, op: &str, now: u64) -> Json {
        json!({
            "op": op, "now": now, "timed": self.timed, "url": self.url, "json": self.json,
            "keys": self.keys.iter().map(|key| hex(key)).collect::<Vec<_>>(),
            "salt": hex(&self.salt),
            "options": wire_options(&self.options),
            "fallbacks": self.fallbacks.iter().map(wire_options).collect::<Vec<_>>(),
        })
    }
}

fn bytes(rng: &mut Rng, least: usize, most: usize) -> Vec<u8> {
    (0..rng.usize(least..=most)).map(|_| rng.u8(..)).collect()
}

fn options(rng: &mut Rng) -> SignerOptions {
    use DigestMethod::{Sha1, Sha256, Sha512};
    use KeyDerivation::{Concat, DjangoConcat, Hmac, None as NoDerivation};
    let separators: [&[u8]; 5] = [b".", b".", b":", b"--.", b"ba"];
    SignerOptions {
        sep: separators[rng.usize(..5)].to_vec(),
        key_derivation: [Concat, DjangoConcat, Hmac, NoDerivation][rng.usize(..4)],
        digest_method: [Sha1, Sha256, Sha512][rng.usize(..3)],
        algorithm: (rng.u8(..8) == 0).then_some(Algorithm::None),
    }
}

fn wire_options(options: &SignerOptions) -> Json {
    json!({
        "sep": hex(&options.sep),
        "derivation": match options.key_derivation {
            KeyDerivation::Concat => "concat",
            KeyDerivation::DjangoConcat => "django-concat",
            KeyDerivation::Hmac => "hmac",
            KeyDerivation::None => "none",
        },
        "digest": match options.digest_method {
            DigestMethod::Sha1 => "sha1",
            DigestMethod::Sha256 => "sha256",
            DigestMethod::Sha512 => "sha512",
        },
        "none": options.algorithm.is_some(),
    })
}

fn put(request: &mut Json, key: &str, value: impl Into<Json>) {
    request[key] = value.into();
}

/// Both must give the same value, or refuse with the same error, payload and date.
fn assert_same_verdict(
    ours: &Result<(Value, Option<u64>), SigningError>,
    theirs: &Result<Json, Raised>,
    context: &str,
) {
    match (ours, theirs) {
        // A signed time beyond the year 9999 makes itsdangerous fail with an error that is not its
        // own, and leaves the fallback signers untried.
        (Err(error), Err(raised))
            if ["ValueError", "OverflowError", "OSError"].contains(&raised.class.as_str()) =>
        {
            assert!(error.is_bad_signature(), "{context}: {error} {raised:?}");
        }
        // Text that only Python can hold.
        (Err(error), Err(raised)) if raised.class == "LoneSurrogate" => {
            assert_eq!(error.class_name(), "BadPayload", "{context}");
        }
        (Ok((value, date)), Ok(reply)) => {
            assert_eq!(json!([wire(value), date]), *reply, "{context}");
        }
        (Err(error), Err(raised)) => {
            assert_eq!(
                error.class_name(),
                raised.class,
                "{context}: {error} {raised:?}"
            );
            assert_eq!(error.to_string(), raised.message, "{context}");
            assert_eq!(error.payload().map(hex), raised.payload, "{context}");
            assert_eq!(error.date_signed(), raised.date_signed, "{context}");
        }
        _ => panic!("{context}: {ours:?} here, {theirs:?} there"),
    }
}

#[test]
fn what_either_side_signs_is_the_same_text_and_the_other_reads_it() {
    let Some(mut oracle) = Oracle::start("signed values") else {
        return;
    };
    let mut rng = rng(1);
    let (mut compressed, mut differ) = (0, 0);
    for round in 0..4000 {
        let setup = if round % 3 == 0 {
            Setup::flask()
        } else {
            Setup::random(&mut rng)
        };
        let depth = rng.usize(1..5);
        let value = Value::Dict(values::dict(&mut rng, setup.types(), depth));
        let now = if rng.bool() {
            NOW
        } else {
            rng.u64(..200_000_000_000) >> rng.u32(..38)
        };
        let mut request = setup.request("dumps", now);
        put(&mut request, "value", wire(&value));
        let theirs = oracle.ask(&request).unwrap();
        let theirs = theirs.as_str().unwrap();
        let ours = setup.dumps(&value, now).unwrap();
        if setup.url && (ours.starts_with('.') || theirs.starts_with('.')) {
            // Another zlib may find other matches.
            compressed += 1;
            differ += usize::from(ours.starts_with('.') != theirs.starts_with('.'));
        } else {
            assert_eq!(ours, theirs, "{setup:?} {value:?}");
        }
        for signed in [ours.as_str(), theirs] {
            let mut request = setup.request("loads", now);
            put(&mut request, "signed", hex(signed.as_bytes()));
            put(&mut request, "max_age", 0);
            let theirs = oracle.ask(&request);
            let ours = setup.loads(signed.as_bytes(), Some(0), now);
            assert_same_verdict(&ours, &theirs, &format!("{setup:?} {signed}"));
            // Python's own separator check lets `ba` pass, which may then occur in a signature.
            assert!(ours.is_ok() || setup.options.sep == b"ba" || !setup.fallbacks.is_empty());
        }
    }
    println!("{compressed} were compressed, {differ} on one side only");
    assert!(compressed > 500 && differ * 50 < compressed);
}

#[test]
fn a_value_that_was_tampered_with_gets_the_same_verdict() {
    let Some(mut oracle) = Oracle::start("tampered values") else {
        return;
    };
    let mut rng = rng(2);
    let mut refused = 0;
    for round in 0..6000 {
        let setup = if round % 2 == 0 {
            Setup::flask()
        } else {
            Setup::random(&mut rng)
        };
        let value = Value::Dict(values::dict(&mut rng, setup.types(), 2));
        let signed = setup.dumps(&value, NOW).unwrap().into_bytes();
        let mut reader = setup.clone();
        let mut bad = signed.clone();
        let (mut now, mut max_age) = (NOW, None);
        let at = rng.usize(..bad.len());
        match rng.u8(..10) {
            0 => bad[at] ^= 1 << rng.u8(..8),
            1 => bad.truncate(at),
            2 => drop(bad.drain(..at)),
            3 => bad.insert(at, *b"._-=+/!a\x80"[..].get(rng.usize(..9)).unwrap()),
            4 => drop(bad.remove(at)),
            5 => bad = bytes(&mut rng, 0, 30),
            6 => reader.salt.push(b'x'),
            7 => reader.keys = vec![b"other".to_vec()],
            8 => {
                now = NOW.saturating_add_signed(rng.i64(-10..100));
                max_age = Some(rng.i64(-5..60));
            }
            _ => {
                // Rotation: the signing key is no longer the newest.
                reader.keys.extend([b"newer".to_vec()]);
                reader.fallbacks = vec![setup.options.clone(), options(&mut rng)];
            }
        }
        for op in ["loads", "loads_unsafe"] {
            let mut request = reader.request(op, now);
            put(&mut request, "signed", hex(&bad));
            put(&mut request, "max_age", max_age);
            let theirs = oracle.ask(&request);
            let context = format!("{reader:?} {}", String::from_utf8_lossy(&bad));
            if op == "loads" {
                let ours = reader.loads(&bad, max_age, now);
                refused += usize::from(ours.is_err());
                assert_same_verdict(&ours, &theirs, &context);
            } else if max_age.is_none() {
                let ours = match reader.make() {
                    Made::Plain(made) => made.loads_unsafe(&bad),
                    Made::Timed(made) => made.loads_unsafe(&bad, None),
                };
                match (ours, theirs) {
                    (Ok((valid, value)), Ok(theirs)) => {
                        let value = wire(&value.unwrap_or_default());
                        assert_eq!(json!([valid, value]), theirs, "{context}");
                    }
                    (_, Err(theirs)) if theirs.class == "LoneSurrogate" => {}
                    (Err(ours), Err(theirs)) => assert_eq!(ours.class_name(), theirs.class),
                    // A signed time beyond the year 9999, as above.
                    (Ok((false, _)), Err(theirs)) => assert!(!theirs.class.starts_with("Bad")),
                    (ours, theirs) => panic!("{context}: {ours:?} here, {theirs:?} there"),
                }
            }
        }
    }
    println!("{refused} were refused");
    assert!(refused > 3000);
}

#[test]
fn a_signed_payload_or_time_that_is_rubbish_gets_the_same_verdict() {
    let Some(mut oracle) = Oracle::start("signed rubbish") else {
        return;
    };
    let mut rng = rng(3);
    let setup = Setup::flask();
    let signer =
        carafe::signing::Signer::with_options(setup.keys.clone(), &setup.salt, &setup.options)
            .unwrap();
    let pieces: [&[u8]; 14] = [
        b".",
        b"..",
        b"ZVPxAA",
        b"eyJhIjoxfQ",
        b"eJyrVkpUsqpVSlKyMqoFACMUBKE",
        b"!",
        b"=",
        b"A",
        b"AAAAAAAAAAAAAAA",
        b"_____w",
        b"__________8",
        b"OvymB_8",
        b"OvymCAA",
        b"\x80",
    ];
    for _ in 0..6000 {
        let rubbish: Vec<u8> = (0..rng.usize(..6))
            .flat_map(|_| pieces[rng.usize(..14)].to_vec())
            .collect();
        let signed = signer.sign(&rubbish);
        let max_age = rng.bool().then_some(i64::MAX >> 1);
        let mut request = setup.request("loads", NOW);
        put(&mut request, "signed", hex(&signed));
        put(&mut request, "max_age", max_age);
        let theirs = oracle.ask(&request);
        let ours = setup.loads(&signed, max_age, NOW);
        let context = String::from_utf8_lossy(&signed);
        assert_same_verdict(&ours, &theirs, &context);
    }
}

#[test]
fn a_compressed_payload_that_is_damaged_and_then_signed_gets_the_same_verdict() {
    let Some(mut oracle) = Oracle::start("damaged compression") else {
        return;
    };
    let mut rng = rng(11);
    let setup = Setup::flask();
    let signer =
        carafe::signing::Signer::with_options(setup.keys.clone(), &setup.salt, &setup.options)
            .unwrap();
    let (mut read, mut refused) = (0, 0);
    for _ in 0..5000 {
        let text = "a lazy dog ".repeat(rng.usize(3..40));
        let payload = URLSafe::new(TaggedJsonSerializer).dump_payload((&Value::from(text)).into());
        let payload = payload.unwrap();
        let mut zlib = carafe::signing::base64_decode(&payload[1..]).unwrap();
        let at = rng.usize(..zlib.len());
        match rng.u8(..5) {
            0 => zlib[at] ^= 1 << rng.u8(..8),
            1 => zlib.truncate(at),
            2 => zlib.extend(bytes(&mut rng, 1, 9)),
            3 => drop(zlib.remove(at)),
            _ => {}
        }
        let value = format!(".{}.ZVPxAA", carafe::signing::base64_encode(&zlib));
        let signed = signer.sign(value.as_bytes());
        let mut request = setup.request("loads", NOW);
        put(&mut request, "signed", hex(&signed));
        put(&mut request, "max_age", Json::Null);
        let ours = setup.loads(&signed, None, NOW);
        *(if ours.is_ok() {
            &mut read
        } else {
            &mut refused
        }) += 1;
        assert_same_verdict(&ours, &oracle.ask(&request), &hex(&zlib));
    }
    assert!(read > 1500 && refused > 1500, "{read} {refused}");
}

#[test]
fn whether_a_payload_near_the_limit_is_compressed_agrees_nearly_always() {
    let Some(mut oracle) = Oracle::start("compression") else {
        return;
    };
    let mut rng = rng(4);
    let words = [
        "user", "name", "jack", "cart", "items", "total", "_id", "csrf", "token", "lang",
    ];
    let (mut near, mut differ) = (0, 0);
    for _ in 0..10000 {
        let dict: Dict = (0..rng.usize(1..6))
            .map(|_| {
                let key = [words[rng.usize(..10)], words[rng.usize(..10)]].concat();
                let value = match rng.u8(..4) {
                    0 => Value::Int(rng.i64(..10_000)),
                    1 => Value::Str(format!("{:x}", rng.u64(..))),
                    2 => Value::Tuple(vec![words[rng.usize(..10)].into(), true.into()]),
                    _ => words[rng.usize(..10)].into(),
                };
                (key, value)
            })
            .collect();
        let text = TaggedJsonSerializer.dumps(&dict).unwrap();
        let theirs = oracle
            .ask(&json!({"op": "is_compressed", "text": text}))
            .unwrap();
        let payload = URLSafe::new(TaggedJsonSerializer)
            .dump_payload((&dict).into())
            .unwrap();
        let ours = payload.starts_with(b".");
        near += 1;
        differ += usize::from(Json::Bool(ours) != theirs);
    }
    println!("{differ} of {near} differ");
    assert!(differ * 300 < near, "{differ} of {near} differ");
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
        match (TaggedJsonSerializer.loads(&text), theirs) {
            // Python's `str()` of a container: no serializer writes that.
            (Err(JsonError::Tag(" m", _)), Ok(_)) => {}
            (ours, theirs) => assert_same_json(ours, theirs, &text),
        }
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
        let text = json::http_date(seconds).unwrap();
        assert_eq!(Some(text.as_str()), oracle.ask(&request).unwrap().as_str());
        // A year below 100 is taken for one of 1969 to 2068.
        let read = oracle
            .ask(&json!({"op": "parse_date", "text": text}))
            .unwrap();
        assert_eq!(
            json!(["datetime", json::parse_date(&text).unwrap()]),
            read,
            "{text}"
        );
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
        let ours = json::parse_date(&text);
        match (ours, oracle.ask(&json!({"op": "parse_date", "text": text}))) {
            (Ok(ours), Ok(theirs)) => {
                let ours = ours.map_or(Value::Null, Value::DateTime);
                assert_eq!(wire(&ours), theirs, "{text}");
            }
            (Err(_), Err(theirs)) => assert_eq!(theirs.class, "OverflowError", "{text}"),
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
