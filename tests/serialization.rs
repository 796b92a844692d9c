//! A session as bytes: MessagePack and JSON as msgspec has them, and pickles, which are read as data.
//!
//! The code: `src/session/serialization/`. What Python says is asked of `stores/serializer.py`, with the
//! Python that `CARAFE_FLASK_SESSION_PYTHON` names.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod python;

use carafe::session::Format;
use carafe::session::store::StoreErrorKind;
use carafe::value::{Foreign, Object};
use carafe::{Dict, Value, json};
use python::Python;
use serde_json::Value as Json;

const FORMATS: [Format; 3] = [Format::MessagePack, Format::Json, Format::Pickle];

fn python() -> Option<Python> {
    let what = "the formats of stored sessions";
    let variable = "CARAFE_FLASK_SESSION_PYTHON";
    Python::start_as(variable, "flask-session", "stores/serializer.py", what)
}

fn ask(python: &mut Python, question: &Json) -> Json {
    serde_json::from_str(&python.ask(&question.to_string())).unwrap()
}

fn make(python: &mut Python, kind: &str, encoding: &str, protocol: u8) -> Vec<u8> {
    let question = serde_json::json!({
        "do": "make", "kind": kind, "encoding": encoding, "protocol": protocol
    });
    let hex = ask(python, &question);
    let hex = hex.as_str().unwrap().as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    hex.chunks(2).map(byte).collect()
}

/// What Python finds in these bytes.
fn load(python: &mut Python, encoding: &str, bytes: &[u8]) -> Json {
    let data: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    ask(
        python,
        &serde_json::json!({"do": "load", "encoding": encoding, "data": data}),
    )
}

fn session(key: &str, value: impl Into<Value>) -> Dict {
    Dict::from_iter([(key.to_owned(), value.into())])
}

#[test]
fn msgpack_is_written_again_as_msgspec_wrote_it_byte_for_byte() {
    let Some(mut python) = python() else { return };
    let bytes = make(&mut python, "msgpack", "msgpack", 0);
    let session = Format::MessagePack.decode(&bytes).unwrap();
    assert!(session.len() > 20);
    assert_eq!(session["aware"], Value::DateTime(1_709_209_800));
    assert_eq!(session["before"].type_name(), "Ext", "it has a fraction");
    assert!(Format::MessagePack.encode(&session).unwrap() == bytes);
}

#[test]
fn json_is_read_and_written_as_msgspec_does() {
    let Some(mut python) = python() else { return };
    let bytes = make(&mut python, "json", "json", 0);
    let session = Format::Json.decode(&bytes).unwrap();
    let again = Format::Json.encode(&session).unwrap();
    assert_eq!(
        load(&mut python, "json", &again),
        load(&mut python, "json", &bytes)
    );
    // What only MessagePack keeps apart becomes what msgspec makes of it in JSON.
    let packed = make(&mut python, "json", "msgpack", 0);
    let from_msgpack = Format::MessagePack.decode(&packed).unwrap();
    let written = Format::Json.encode(&from_msgpack).unwrap();
    let (ours, theirs) = (
        load(&mut python, "json", &written),
        load(&mut python, "json", &bytes),
    );
    for (key, theirs) in theirs.as_object().unwrap() {
        // MessagePack has lost the zone by then.
        if key != "elsewhere" {
            assert_eq!(ours[key], *theirs, "{key}");
        }
    }
}

#[test]
fn a_pickle_of_any_protocol_is_written_again_with_the_same_in_it() {
    let Some(mut python) = python() else { return };
    for protocol in 0..=5 {
        let bytes = make(&mut python, "pickle", "pickle", protocol);
        // Whichever format is configured.
        let session = Format::MessagePack.decode(&bytes).unwrap();
        assert_eq!(session["aware"], Value::DateTime(1_709_209_800));
        assert_eq!(session["bytes"], Value::Bytes((0..=255).collect()));
        assert_eq!(session["markup"], Value::Markup("<b>".to_owned()));
        assert_eq!(session["high uuid"].type_name(), "UUID");
        let again = Format::Pickle.encode(&session).unwrap();
        let (ours, theirs) = (
            load(&mut python, "pickle", &again),
            load(&mut python, "pickle", &bytes),
        );
        for (key, theirs) in theirs.as_object().unwrap() {
            assert_eq!(ours[key], *theirs, "protocol {protocol}: {key}");
        }
    }
}

#[test]
fn a_pickle_of_an_old_flask_session_becomes_the_msgpack_that_a_new_one_would_write() {
    let Some(mut python) = python() else { return };
    for format in [Format::MessagePack, Format::Json] {
        for protocol in [0, 2, 4] {
            let pickle = make(&mut python, "msgpack", "pickle", protocol);
            let session = format.decode(&pickle).unwrap();
            let ours = Format::MessagePack.encode(&session).unwrap();
            let theirs = make(&mut python, "msgpack", "msgpack", 0);
            let (ours, theirs) = (
                load(&mut python, "msgpack", &ours),
                load(&mut python, "msgpack", &theirs),
            );
            for (key, theirs) in theirs.as_object().unwrap() {
                assert_eq!(ours[key], *theirs, "{key}");
            }
        }
    }
}

#[test]
fn a_pickle_with_what_would_be_written_otherwise_is_refused() {
    for (what, pickle) in [
        (
            "Python 2's Cookie.SimpleCookie",
            &b"}Vk\ncCookie\nSimpleCookie\n(tRs."[..],
        ),
        (
            "Python 2's __builtin__.reduce",
            b"}Vk\nc__builtin__\nreduce\ns.",
        ),
        ("has the opcode 0x50", b"}Vk\nPsomewhere else\ns."), // a persistent id
        ("has the opcode 0x82", b"}Vk\n\x82\x01s."),          // an extension's number
        ("has the opcode 0x53", b"(dp0\nS'k'\nI1\ns."),       // Python 2's text
        ("no character", b"}V\\ud83e\nNs."),
        ("no character", b"}V\\u12\nNs."),
        ("no character", b"}V\\x41\nNs."),
        ("a number that is none", b"}Vk\nI1_0\ns."),
        ("a number that is none", b"}Vk\nL\ns."),
        ("fills what is no list", b"}Vk\nNK\x01as."),
        ("its state already", b"}Vk\ncshop\nCart\n(tR}bK\x01as."),
        ("a key and no value", b"}Vk\n(K\x01ds."),
        ("holds itself", b"}Vk\nccollections\ndeque\n(tRp0\ng0\nas."),
    ] {
        let error = Format::MessagePack.decode(pickle).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unreadable);
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[test]
fn a_pickle_is_data_and_is_never_run() {
    // cos\nsystem\n(X'...'tR: "call os.system with this".
    let pickle = b"\x80\x03}X\x01\x00\x00\x00kcos\nsystem\nX\x0c\x00\x00\x00touch /tmp/x\x85Rs.";
    let session = Format::MessagePack.decode(pickle).unwrap();
    let object = Object {
        module: "os".to_owned(),
        name: "system".to_owned(),
        args: Some(vec!["touch /tmp/x".into()]),
        new: false,
        items: None,
        state: None,
    };
    assert_eq!(session["k"], Foreign::Object(object).into());
    for format in [Format::MessagePack, Format::Json] {
        let error = format.encode(&session).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unstorable);
        assert_eq!(
            error.to_string(),
            "session store format: there is no form for a os.system but a pickle"
        );
    }
}

#[test]
fn a_pickle_that_unfolds_without_end_is_refused() {
    // A list that holds itself: the empty list, remembered, appended to itself.
    let itself = b"\x80\x04}\x8c\x01k]\x94h\x00as.";
    assert!(Format::Pickle.decode(itself).is_err());
    // A list of two of the list before, thirty times over: 2^30 from 150 bytes.
    let mut laughs = b"\x80\x04}\x8c\x01k]\x94".to_vec();
    for index in 0..30 {
        laughs.extend([b']', 0x94, b'(', b'h', index, b'h', index, b'e']);
    }
    laughs.extend(b"s.");
    assert!(Format::Pickle.decode(&laughs).is_err());
    // The same text, over and over.
    let mut repeated = b"\x80\x04}\x8c\x01k(X\x00\x00\x10\x00".to_vec();
    repeated.extend(vec![b'x'; 1 << 20]);
    repeated.push(0x94);
    repeated.extend(b"h\x00".repeat(1000));
    repeated.extend(b"ts.");
    assert!(Format::Pickle.decode(&repeated).is_err());
}

#[test]
fn what_nests_too_deep_is_refused_by_each() {
    let mut deep = Value::Null;
    for _ in 0..json::MAX_DEPTH + 10 {
        deep = vec![deep].into();
    }
    for format in FORMATS {
        assert!(
            format.encode(&session("deep", deep.clone())).is_err(),
            "{format}"
        );
    }
    let lists = |open: &[u8], close: &[u8], before: &[u8], after: &[u8]| {
        [before, &open.repeat(100_000), close, after].concat()
    };
    for bytes in [
        lists(b"\x91", b"\xc0", b"\x81\xa1k", b""),
        lists(b"[", b"", b"{\"k\":", b""),
        lists(b"]", &b"a".repeat(99_999), b"\x80\x04}\x8c\x01k", b"s."),
    ] {
        assert!(Format::MessagePack.decode(&bytes).is_err());
    }
}

#[test]
fn a_length_that_is_made_up_takes_no_memory() {
    for bytes in [
        &b"\x81\xa1k\xdd\xff\xff\xff\xff"[..],
        b"\x81\xa1k\xdf\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\x81\xa1k\xc6\xff\xff\xff\xff",
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xff.",
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.",
    ] {
        assert!(Format::MessagePack.decode(bytes).is_err());
    }
}

/// One of everything, for the tests without a Python.
fn everything() -> Dict {
    let items = [
        ("null", Value::Null),
        ("flag", true.into()),
        (
            "ints",
            vec![
                0,
                -1,
                31,
                32,
                -32,
                -33,
                255,
                256,
                65_536,
                i64::MAX,
                i64::MIN,
            ]
            .into(),
        ),
        ("floats", vec![0.5, f64::INFINITY].into()),
        ("text", "Zoë 🫖".into()),
        ("bytes", Value::Bytes(vec![0, 255])),
        (
            "dict",
            Value::from_iter([("a", vec![Value::from_iter([("b", 1)])])]),
        ),
        (
            "times",
            vec![
                Value::DateTime(0),
                Value::DateTime(-1),
                Value::DateTime(1 << 33),
            ]
            .into(),
        ),
        (
            "map",
            Foreign::Map(vec![(1.into(), 2.into()), (Value::Null, "x".into())]).into(),
        ),
    ];
    items
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

#[test]
fn what_is_written_is_read_again() {
    let all = everything();
    for format in [Format::MessagePack, Format::Pickle] {
        let bytes = format.encode(&all).unwrap();
        for configured in FORMATS {
            assert_eq!(
                configured.decode(&bytes).unwrap(),
                all,
                "{format} by {configured}"
            );
        }
    }
    let mut python_only = session("tuple", Value::Tuple(vec![1.into()]));
    python_only.insert("markup".to_owned(), Value::Markup("<b>".to_owned()));
    let uuid = uuid::Uuid::from_u128(u128::MAX);
    python_only.insert("uuid".to_owned(), Value::Uuid(uuid));
    for digits in [
        "18446744073709551616",
        "-340282366920938463463374607431768211457",
    ] {
        python_only.insert(digits.to_owned(), Value::from_digits(digits).into());
    }
    let bytes = Format::Pickle.encode(&python_only).unwrap();
    assert_eq!(Format::Pickle.decode(&bytes).unwrap(), python_only);
}

#[test]
fn bytes_that_are_damaged_are_an_error_or_a_session_and_never_a_panic() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    for format in FORMATS {
        let mut all = everything();
        if format == Format::Json {
            all.shift_remove("map");
        }
        let bytes = format.encode(&all).unwrap();
        for _ in 0..5_000 {
            let mut damaged = bytes.clone();
            for _ in 0..rng.usize(1..4) {
                let at = rng.usize(..damaged.len());
                match rng.u8(..3) {
                    0 => damaged[at] = rng.u8(..),
                    1 => damaged.truncate(at.max(1)),
                    _ => damaged.insert(at, rng.u8(..)),
                }
            }
            if let Ok(session) = format.decode(&damaged) {
                let _ = format.encode(&session);
            }
        }
    }
}

#[test]
fn what_only_python_has_goes_through_serde_unchanged() {
    let object = Object {
        module: "decimal".to_owned(),
        name: "Decimal".to_owned(),
        args: Some(vec![Value::Tuple(vec!["1.50".into()])]),
        new: true,
        items: Some(vec![1, 2].into()),
        state: Some(Value::Bytes(vec![1])),
    };
    let class = Object {
        args: None,
        items: None,
        state: None,
        ..object.clone()
    };
    for foreign in [
        Foreign::Map(vec![
            (1.into(), Value::Tuple(Vec::new())),
            (Value::Null, 2.into()),
        ]),
        Foreign::Ext {
            code: -7,
            data: vec![1, 2],
        },
        Foreign::Object(object),
        Foreign::Object(class),
    ] {
        let value = Value::from(vec![Value::from(foreign)]);
        assert_eq!(json::to_value(&value).unwrap(), value);
        assert_eq!(json::from_value::<Value>(value.clone()).unwrap(), value);
        assert!(json::dumps(&value).is_err(), "JSON has no word for it");
    }
}
