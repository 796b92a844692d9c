//! The signing layers against real itsdangerous and Flask.
//!
//! Each test asks `signing/oracle.py` the same as it asks Carafe, thousands of times, with random
//! input from a fixed seed. What needs no Python is in `signing_vectors.rs`; the JSON beneath is in
//! `python_json.rs`, and the compression in `signing_zlib.rs`.

#![allow(clippy::unwrap_used)] // A test's helper may panic as the test may.

#[path = "signing/oracle.rs"]
mod oracle;
mod python;
#[path = "signing/values.rs"]
#[allow(dead_code)] // Shared with `python_json.rs`, which needs more of it.
mod values;

use carafe::Value;
use carafe::json::{self, JsonError, TaggedJsonSerializer};
use carafe::signing::{
    Algorithm, CompactJson, DigestMethod, KeyDerivation, PayloadSerializer, PythonJson, Serializer,
    SignerOptions, SigningError, TimedSerializer, URLSafe,
};
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
        // own: which one depends on how far beyond.
        (Err(error), Err(raised))
            if ["ValueError", "OverflowError", "OSError"].contains(&raised.class.as_str()) =>
        {
            assert_eq!(error.class_name(), "ValueError", "{context}: {raised:?}");
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
    let (mut compressed, mut large) = (0, 0);
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
        let plain = Layers {
            json: setup.json,
            url: false,
        };
        let size = plain.dump_payload((&value).into()).unwrap().len();
        compressed += usize::from(setup.url && ours.starts_with('.'));
        if setup.url && size > 1024 {
            // A larger payload is for another zlib, which may find other matches.
            large += 1;
            assert_eq!(ours.starts_with('.'), theirs.starts_with('.'));
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
    println!("{compressed} were compressed, {large} were large");
    assert!(compressed > 500 && large * 2 < compressed);
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
                    // A signed time beyond the year 9999, as above.
                    (Err(ours), Err(theirs)) if ours.class_name() == "ValueError" => {
                        assert!(!theirs.class.starts_with("Bad"), "{context}: {theirs:?}");
                    }
                    (Err(ours), Err(theirs)) => assert_eq!(ours.class_name(), theirs.class),
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
