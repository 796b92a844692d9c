//! Python's JSON dialect, and the bridge to Rust's own types. The random comparison with Python is
//! in `python_json.rs`.

#![allow(clippy::unwrap_used)] // A test's helper may panic as the test may.

use std::collections::BTreeMap;

use carafe::json::{self, JsonError, TaggedJsonSerializer};
use carafe::{Dict, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One of each type that a session can hold, in a tuple.
fn one_of_each() -> Value {
    Value::Tuple(vec![
        Value::Null,
        Value::Bool(true),
        Value::Int(i64::MIN),
        Value::BigInt("18446744073709551615".to_owned()),
        Value::BigInt(format!("-1{}", "0".repeat(60))),
        Value::Float(1e16),
        Value::Float(f64::NEG_INFINITY),
        Value::Str("é😀\u{7f}\"\\/\n".to_owned()),
        Value::List(vec![Value::Tuple(vec![]), Value::Dict(Dict::new())]),
        Value::from_iter([(" t", Value::from_iter([("b", 2), ("a", 1)]))]),
        Value::Bytes(vec![0, 0xff]),
        Value::Markup("<b>".to_owned()),
        Value::Uuid(Uuid::from_u128(0x1234)),
        Value::DateTime(-1),
    ])
}

#[test]
fn floats_look_as_python_shows_them() {
    let floats = [
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (1e16, "1e+16"),
        (1e15, "1000000000000000.0"),
        (9999999999999998.0, "9999999999999998.0"),
        (0.0001, "0.0001"),
        (0.00001234, "1.234e-05"),
        (5e-324, "5e-324"),
        (1.5e300, "1.5e+300"),
        // Half-way between two that are equally short: the even one.
        (5_040_893_447_117_077.0 / 4.0, "1260223361779269.2"),
        (-316_150_053_297_461.0 / 16.0, "-19759378331091.312"),
        (435_200_054_417.0 / 256.0, "1700000212.5664062"),
        (2_f64.powi(-25), "2.9802322387695312e-08"),
        // The even one would be another number.
        (2_f64.powi(-24), "5.960464477539063e-08"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "Infinity"),
        (f64::NEG_INFINITY, "-Infinity"),
    ];
    for (number, text) in floats {
        assert_eq!(json::dumps(&Value::Float(number)).unwrap(), text);
    }
}

#[test]
fn tagged_json_gives_back_every_type() {
    let text = TaggedJsonSerializer.dumps(&one_of_each()).unwrap();
    assert!(text.is_ascii());
    assert!(text.contains(r#"{" di":{" t__":{"a":1,"b":2}}}"#), "{text}");
    assert!(
        text.contains(r#""\u00e9\ud83d\ude00\u007f\"\\/\n""#),
        "{text}"
    );
    assert!(
        text.contains(r#"{" d":"Wed, 31 Dec 1969 23:59:59 GMT"}"#),
        "{text}"
    );
    assert_eq!(TaggedJsonSerializer.loads(&text).unwrap(), one_of_each());
}

#[test]
fn plain_json_turns_the_other_types_into_text_and_refuses_bytes() {
    let value = Value::from_iter([
        ("z", Value::Tuple(vec![1.into()])),
        ("a", Value::Uuid(Uuid::from_u128(0x1234))),
        ("d", Value::DateTime(0)),
    ]);
    let text = r#"{"a":"00000000-0000-0000-0000-000000001234","d":"Thu, 01 Jan 1970 00:00:00 GMT","z":[1]}"#;
    assert_eq!(json::dumps(&value).unwrap(), text);
    let bytes = Value::Bytes(vec![1]);
    assert_eq!(
        json::dumps(&bytes).unwrap_err().to_string(),
        "Object of type bytes is not JSON serializable"
    );
    let pretty = Value::from_iter([("a", Value::from(vec![1])), ("b", Value::List(vec![]))]);
    assert_eq!(
        json::dumps_pretty(&pretty).unwrap(),
        "{\n  \"a\": [\n    1\n  ],\n  \"b\": []\n}"
    );
}

#[test]
fn a_bad_tag_is_an_error_and_a_bad_date_is_none() {
    let bad = [
        r#"{" u":"rubbish"}"#,
        r#"{" u":1}"#,
        r#"{" b":"abc"}"#,
        r#"{" b":"é"}"#,
        r#"{" t":1}"#,
        r#"{" di":{}}"#,
        r#"{" di":[]}"#,
        r#"{" d":1}"#,
    ];
    for text in bad {
        let error = TaggedJsonSerializer.loads(text).unwrap_err();
        assert!(matches!(error, JsonError::Tag(..)), "{text}: {error}");
    }
    assert_eq!(
        TaggedJsonSerializer.loads(r#"{" d":"rubbish"}"#),
        Ok(Value::Null)
    );
    // Python's base64 skips what is not base64.
    let bytes = TaggedJsonSerializer.loads(r#"{" b":"a-G?k=!"}"#);
    assert_eq!(bytes, Ok(Value::Bytes(b"hi".to_vec())));
}

#[test]
fn a_markup_tag_holds_the_str_of_whatever_is_in_it() {
    let cases = [
        ("[]", "[]"),
        (
            r#"[1.0,null,"it's",{" t":[true]}]"#,
            r#"[1.0, None, "it's", (True,)]"#,
        ),
        (
            r#"{"a":{" b":"AA=="},"b":1e16}"#,
            r"{'a': b'\x00', 'b': 1e+16}",
        ),
        (r#"{" m":"<b>"}"#, "<b>"),
        (r#"[{" m":"<b>"}]"#, "[Markup('<b>')]"),
        (
            r#"{" d":"Fri, 31 Dec 9999 23:59:59 GMT"}"#,
            "9999-12-31 23:59:59+00:00",
        ),
        (
            r#"[{" d":"Fri, 31 Dec 0999 23:59:00 GMT"}]"#,
            "[datetime.datetime(999, 12, 31, 23, 59, tzinfo=datetime.timezone.utc)]",
        ),
    ];
    for (inside, text) in cases {
        let tagged = format!(r#"{{" m":{inside}}}"#);
        let markup = TaggedJsonSerializer.loads(&tagged);
        assert_eq!(markup, Ok(Value::Markup(text.to_owned())), "{tagged}");
    }
}

#[test]
fn a_text_that_doubles_with_each_markup_tag_is_refused_before_it_fills_the_memory() {
    let text = format!("{}{}", r#"{" m":["\\'","#.repeat(60), "]}".repeat(60));
    let text = text.replace(",]", "]");
    let error = TaggedJsonSerializer.loads(&text).unwrap_err();
    assert_eq!(error, JsonError::Tag(" m", "too long a text"));
}

#[test]
fn a_bad_tag_whose_key_comes_again_is_never_looked_at() {
    let cases = [
        (
            r#"{"a":{" u":"rubbish"},"a":1}"#,
            Value::from_iter([("a", 1)]),
        ),
        (r#"{" t":{" di":{}}," t":[]}"#, Value::Tuple(Vec::new())),
        (
            r#"{"a":{" d":"14 Nov 99999999999 22:13:20"},"a":[{" b":"aGk="}]}"#,
            Value::from_iter([("a", Value::List(vec![Value::Bytes(b"hi".to_vec())]))]),
        ),
    ];
    for (text, value) in cases {
        assert_eq!(TaggedJsonSerializer.loads(text), Ok(value), "{text}");
    }
    let error = TaggedJsonSerializer.loads(r#"{"a":1,"a":{" u":"rubbish"}}"#);
    assert!(matches!(error, Err(JsonError::Tag(..))));
}

#[test]
fn a_date_and_a_uuid_may_be_written_in_the_digits_of_any_script() {
    let date = r#"{" d":"Tue, ١٤ Nov ２０２３ 22:13:20 GMT"}"#;
    let date = TaggedJsonSerializer.loads(date);
    assert_eq!(date, Ok(Value::DateTime(1_700_000_000)));
    let uuid = format!(r#"{{" u":"{}"}}"#, "١f".repeat(16));
    let uuid = TaggedJsonSerializer.loads(&uuid);
    let expected = 0x1f1f_1f1f_1f1f_1f1f_1f1f_1f1f_1f1f_1f1f;
    assert_eq!(uuid, Ok(Value::Uuid(uuid::Uuid::from_u128(expected))));
}

#[test]
fn nesting_is_limited_in_both_directions_and_needs_no_deep_stack() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let deepest = json::loads(&nested(json::MAX_DEPTH)).unwrap();
    assert_eq!(json::dumps(&deepest).unwrap(), nested(json::MAX_DEPTH));
    assert_eq!(
        json::loads(&nested(json::MAX_DEPTH + 1)),
        Err(JsonError::TooDeep)
    );
    assert_eq!(
        json::loads(&"[".repeat(10_000_000)),
        Err(JsonError::TooDeep)
    );
    assert_eq!(
        json::loads(&r#"{"a":"#.repeat(1_000_000)),
        Err(JsonError::TooDeep)
    );
    assert_eq!(
        json::dumps(&Value::List(vec![deepest])),
        Err(JsonError::TooDeep)
    );
    // Half of what a thread gets that nobody gave a size; this is a build without optimization.
    let small = std::thread::Builder::new().stack_size(1024 * 1024);
    let text = format!(
        "{}1{}",
        r#"{"a":"#.repeat(json::MAX_DEPTH),
        "}".repeat(json::MAX_DEPTH)
    );
    let read = small.spawn(move || assert_eq!(json::dumps(&json::loads(&text).unwrap()), Ok(text)));
    read.unwrap().join().unwrap();
}

#[test]
fn an_integer_may_have_4300_digits_and_no_more() {
    let digits = |count| format!("-{}", "9".repeat(count));
    let longest = json::loads(&digits(4300)).unwrap();
    assert_eq!(json::dumps(&longest).unwrap(), digits(4300));
    assert_eq!(json::loads(&digits(4301)), Err(JsonError::IntTooLong));
    assert_eq!(
        json::dumps(&Value::BigInt(digits(4301))),
        Err(JsonError::IntTooLong)
    );
}

#[test]
fn the_last_of_equal_keys_wins_in_the_place_of_the_first() {
    // A few are kept another way than many.
    for count in [1, 2, 15, 16, 17, 40] {
        let items = |value: usize| (0..count).map(move |key| format!(r#""k{key}":{value}"#));
        let twice: Vec<_> = items(1).chain(items(2).rev()).collect();
        let read = json::loads(&format!("{{{}}}", twice.join(",")));
        let once = (0..count).map(|key| (format!("k{key}"), Value::Int(2)));
        let read = read.unwrap().as_dict().unwrap().clone();
        assert!(read.into_iter().eq(once), "{count}");
    }
}

#[test]
fn a_date_outside_of_pythons_years_cannot_be_written() {
    for seconds in [i64::MIN, -62_135_596_801, 253_402_300_800, i64::MAX] {
        assert_eq!(
            json::dumps(&Value::DateTime(seconds)),
            Err(JsonError::DateOutOfRange)
        );
    }
    for (seconds, date) in [
        (-62_135_596_800, r#""Mon, 01 Jan 0001 00:00:00 GMT""#),
        (253_402_300_799, r#""Fri, 31 Dec 9999 23:59:59 GMT""#),
    ] {
        assert_eq!(json::dumps(&Value::DateTime(seconds)).as_deref(), Ok(date));
    }
}

#[test]
fn a_value_goes_through_serde_and_comes_back_as_it_was() {
    let value = one_of_each();
    assert_eq!(json::to_value(&value).unwrap(), value);
    assert_eq!(json::from_value::<Value>(value.clone()).unwrap(), value);

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Holder {
        inner: Option<Vec<Value>>,
    }
    let holder = Holder {
        inner: Some(vec![value]),
    };
    let there = json::to_value(&holder).unwrap();
    assert_eq!(json::from_value::<Holder>(there).unwrap(), holder);
}

#[test]
fn a_dict_goes_through_serde_as_the_value_that_it_is() {
    let mut dict = Dict::new();
    dict.insert("all".to_owned(), one_of_each());
    dict.insert("at".to_owned(), Value::Tuple(vec![1.into(), 2.into()]));
    let value = json::to_value(&dict).unwrap();
    assert_eq!(value, Value::Dict(dict.clone()));
    assert_eq!(json::from_value::<Dict>(value).unwrap(), dict);
    let session = carafe::Session::new();
    session.insert("cart", &dict).unwrap();
    assert_eq!(session.get::<Dict>("cart"), Some(dict));

    let from_text = serde_json::from_str::<Dict>(r#"{"b": [1], "a": {}}"#).unwrap();
    let text = serde_json::to_string(&from_text).unwrap();
    assert_eq!(text, r#"{"b":[1],"a":{}}"#);
    let error = json::from_value::<Dict>(Value::from(vec![1])).unwrap_err();
    assert_eq!(error.to_string(), "invalid type: list, expected a dict");
}

#[test]
fn another_format_sees_plain_data() {
    let text = serde_json::to_string(&Value::Tuple(vec![
        Value::Markup("<b>".to_owned()),
        Value::Uuid(Uuid::nil()),
        Value::DateTime(7),
        Value::Null,
    ]));
    assert_eq!(
        text.unwrap(),
        r#"["<b>","00000000-0000-0000-0000-000000000000",7,null]"#
    );
    let value: Value =
        serde_json::from_str(r#"{"a":[1,18446744073709551615,1.5,"x",null]}"#).unwrap();
    assert_eq!(
        value,
        json::loads(r#"{"a":[1,18446744073709551615,1.5,"x",null]}"#).unwrap()
    );
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum Shape {
    Empty,
    Circle(f64),
    Segment(i32, i32),
    Named { name: String, id: Uuid },
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Everything {
    small: i8,
    large: u64,
    huge: i128,
    float: f32,
    letter: char,
    pair: (bool, String),
    unit: (),
    some: Option<u16>,
    none: Option<u16>,
    shapes: Vec<Shape>,
    by_number: BTreeMap<i16, u8>,
    by_flag: BTreeMap<bool, u8>,
    big_key: BTreeMap<u64, u8>,
}

#[test]
fn any_type_that_serde_knows_makes_the_round_trip() {
    let everything = Everything {
        small: -128,
        large: u64::MAX,
        huge: i128::MIN,
        float: 1.5,
        letter: '😀',
        pair: (true, "x".to_owned()),
        unit: (),
        some: Some(1),
        none: None,
        shapes: vec![
            Shape::Empty,
            Shape::Circle(2.0),
            Shape::Segment(1, -1),
            Shape::Named {
                name: "n".to_owned(),
                id: Uuid::max(),
            },
        ],
        by_number: BTreeMap::from([(-1, 1), (300, 2)]),
        by_flag: BTreeMap::from([(false, 0), (true, 1)]),
        big_key: BTreeMap::from([(u64::MAX, 9)]),
    };
    let value = json::to_value(&everything).unwrap();
    assert_eq!(
        value.get("huge"),
        Some(&Value::BigInt(i128::MIN.to_string()))
    );
    assert_eq!(
        value.get("pair"),
        Some(&Value::Tuple(vec![true.into(), "x".into()]))
    );
    assert_eq!(
        value.get("by_number").and_then(|map| map.get("-1")),
        Some(&Value::Int(1))
    );
    assert_eq!(
        json::from_value::<Everything>(value.clone()).unwrap(),
        everything
    );
    // And through the text of a session.
    let text = TaggedJsonSerializer.dumps(&value).unwrap();
    let read = TaggedJsonSerializer.loads(&text).unwrap();
    assert_eq!(json::from_value::<Everything>(read).unwrap(), everything);
}

#[test]
fn a_value_of_the_wrong_shape_is_an_error() {
    assert!(json::from_value::<u8>(Value::Int(256)).is_err());
    assert!(json::from_value::<u8>(Value::Int(-1)).is_err());
    assert!(json::from_value::<String>(Value::Int(1)).is_err());
    assert!(json::from_value::<Shape>(Value::from("Square")).is_err());
    assert!(json::from_value::<(u8, u8)>(Value::from(vec![1, 2, 3])).is_err());
    assert!(json::to_value(&BTreeMap::from([(vec![1], 1)])).is_err());
}
