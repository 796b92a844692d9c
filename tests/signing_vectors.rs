//! The signing layers against what itsdangerous 2.2 once answered. This needs no Python; the random
//! comparison with it is in `signing.rs`.

#![allow(clippy::unwrap_used)] // A test's helper may panic as the test may.

use std::sync::Arc;

use carafe::Value;
use carafe::clock::{Clock, FixedClock};
use carafe::json::TaggedJsonSerializer;
use carafe::signing::{
    Algorithm, CompactJson, DigestMethod, KeyDerivation, PythonJson, SecretKeys, Serializer,
    Signer, SignerError, SignerOptions, SigningError, TimestampSigner, URLSafe, URLSafeSerializer,
    URLSafeTimedSerializer, base64_decode, base64_encode, bytes_to_int, int_to_bytes,
};

const NOW: u64 = 1_700_000_000;

fn cookie_serializer(
    keys: impl Into<SecretKeys>,
    digest_method: DigestMethod,
) -> URLSafeTimedSerializer<TaggedJsonSerializer> {
    let key_derivation = KeyDerivation::Hmac;
    let options = SignerOptions {
        key_derivation,
        digest_method,
        ..Default::default()
    };
    let serializer = URLSafe::new(TaggedJsonSerializer);
    URLSafeTimedSerializer::new(keys, "cookie-session", serializer, &options, &[]).unwrap()
}

fn jack() -> Value {
    Value::from_iter([("username", Value::from("jack")), ("n", 1.into())])
}

#[test]
fn flasks_session_cookie_is_the_same_text_with_each_digest() {
    let cookies = [
        (
            DigestMethod::Sha1,
            "eyJuIjoxLCJ1c2VybmFtZSI6ImphY2sifQ.ZVPxAA.OGNyNZ3ITNaiNC61kwJtY3KlORo",
        ),
        (
            DigestMethod::Sha256,
            "eyJuIjoxLCJ1c2VybmFtZSI6ImphY2sifQ.ZVPxAA._pxP2sxwSQ_zIBEFAmUGLvNQQwvL2nsSOQDBBGkVzhs",
        ),
        (
            DigestMethod::Sha512,
            "eyJuIjoxLCJ1c2VybmFtZSI6ImphY2sifQ.ZVPxAA.KGuDBMKEQcJcwzpS49Tkm_gUTTsdCq_c3rUFmGqLyWu\
             phbBeu31bPi-o6sYMCDVfLdhG5n6AZbFX0g-t9u2dhA",
        ),
    ];
    for (digest, cookie) in cookies {
        let serializer = cookie_serializer("adavafa", digest);
        assert_eq!(serializer.dumps_at(&jack(), NOW).unwrap(), cookie);
        let (value, signed) = serializer.loads_at(cookie, Some(0), NOW).unwrap();
        // Read back in the order of the text, which is sorted.
        assert_eq!(
            (value, signed),
            (
                Value::from_iter([("n", 1.into()), ("username", Value::from("jack"))]),
                NOW
            )
        );
    }
}

#[test]
fn each_key_derivation_gives_its_own_signature() {
    let signed = [
        (KeyDerivation::Concat, "hello.AWQ1ujkOPH2I8GH-i62wjKgY23w"),
        (
            KeyDerivation::DjangoConcat,
            "hello.VgUGB8UTMUHNtCYYhHr13bowvyQ",
        ),
        (KeyDerivation::Hmac, "hello.Wd47-VzKqF5hEZB2dQ1vLBj3Xbo"),
        (KeyDerivation::None, "hello.EHzFTG7LWfdBDH6hYdC4nFcggqo"),
    ];
    for (key_derivation, expected) in signed {
        let options = SignerOptions {
            key_derivation,
            ..Default::default()
        };
        let signer = Signer::with_options("secret key", "salt", &options).unwrap();
        assert_eq!(signer.sign(b"hello"), expected.as_bytes());
        assert!(signer.validate(expected.as_bytes()));
        assert!(!signer.validate(expected.replace("hello", "hullo").as_bytes()));
    }
}

#[test]
fn each_serializer_writes_its_own_json() {
    let options = SignerOptions::default();
    let value = Value::from_iter([("b", Value::from(1)), ("a", vec![true].into())]);
    let plain = Serializer::new("secret", "itsdangerous", PythonJson, &options, &[]).unwrap();
    assert_eq!(
        plain.dumps(&value).unwrap(),
        r#"{"b": 1, "a": [true]}.-ftsvlA-VmYZIHwBzZ9bQyKgffo"#
    );

    let compact = URLSafe::new(CompactJson);
    let url_safe =
        URLSafeSerializer::new("secret", "itsdangerous", compact, &options, &[]).unwrap();
    let value = Value::from_iter([
        ("name", Value::from("Zoë")),
        ("list", vec![Value::from(1), 2.5.into(), Value::Null].into()),
    ]);
    let signed = "eyJuYW1lIjoiWm_DqyIsImxpc3QiOlsxLDIuNSxudWxsXX0.EI--RNLenR2D1oO79UKC84ViB7A";
    assert_eq!(url_safe.dumps(&value).unwrap(), signed);
    let compressed = ".eJxTqqADUAIAfKsvJQ.Ui7GTFhTnJH3Ux4z8Q8p69q9yCM";
    assert_eq!(
        url_safe.loads(compressed).unwrap(),
        Value::from("x".repeat(100))
    );
}

#[test]
fn a_timestamp_signer_dates_what_it_signs() {
    let clock = Arc::new(FixedClock::new(NOW));
    let signer = TimestampSigner::new("secret key")
        .unwrap()
        .clock(clock.clone());
    let signed = signer.sign(b"hello");
    assert_eq!(signed, b"hello.ZVPxAA.PqsPtCF2xc9IAnHe0rhmU83tEpA");
    assert_eq!(
        signer.unsign(&signed, Some(0)).unwrap(),
        (&b"hello"[..], NOW)
    );

    clock.advance(10);
    assert!(signer.validate(&signed, Some(10)));
    let error = signer.unsign(&signed, Some(9)).unwrap_err();
    assert_eq!(error.to_string(), "Signature age 10 > 9 seconds");
    assert!(error.is_signature_expired() && error.is_bad_time_signature());
    assert_eq!(
        (error.payload(), error.date_signed()),
        (Some(&b"hello"[..]), Some(NOW))
    );

    clock.set(NOW - 1);
    let error = signer.unsign(&signed, Some(9)).unwrap_err();
    assert_eq!(error.to_string(), "Signature age -1 < 0 seconds");
    assert!(
        signer.validate(&signed, None),
        "without a max_age the time does not matter"
    );
    assert_eq!(clock.now(), NOW - 1);
}

#[test]
fn errors_say_what_itsdangerous_says() {
    let signer = TimestampSigner::new("secret key").unwrap();
    let plain =
        Signer::with_options("secret key", Signer::SALT, &SignerOptions::default()).unwrap();
    let cases: [(Vec<u8>, &str, &str); 5] = [
        (b"hello".to_vec(), "BadSignature", "No b'.' found in value"),
        (
            b"he'llo.x\"'\n\xff".to_vec(),
            "BadSignature",
            r#"Signature b'x"\'\n\xff' does not match"#,
        ),
        (
            b"hello.ZVPxAA.forged".to_vec(),
            "BadTimeSignature",
            "Signature b'forged' does not match",
        ),
        (
            plain.sign(b"hello"),
            "BadTimeSignature",
            "timestamp missing",
        ),
        (
            plain.sign(b"hello.AAAAAAAAAAAAAAAA"),
            "BadTimeSignature",
            "Malformed timestamp",
        ),
    ];
    for (signed, class, message) in cases {
        let error = signer.unsign(&signed, None).unwrap_err();
        assert_eq!(
            (error.class_name(), error.to_string().as_str()),
            (class, message)
        );
    }
}

#[test]
fn a_signed_time_beyond_the_year_9999_is_an_error_and_no_bad_signature() {
    let last_second: u64 = 253_402_300_799;
    // A fallback, which must not be asked once a signature was right.
    let options =
        [KeyDerivation::DjangoConcat, KeyDerivation::Concat].map(|key_derivation| SignerOptions {
            key_derivation,
            ..Default::default()
        });
    let json = URLSafe::new(TaggedJsonSerializer);
    let serializer =
        URLSafeTimedSerializer::new("key", "salt", json, &options[0], &options[1..]).unwrap();
    let signer = TimestampSigner::with_options("key", "salt", &options[0]).unwrap();
    let signed = serializer.dumps_at(&jack(), last_second).unwrap();
    let (_, date_signed) = serializer.loads_at(signed, None, 0).unwrap();
    assert_eq!(date_signed, last_second);

    for timestamp in [last_second + 1, 1 << 62, u64::MAX] {
        let signed = serializer.dumps_at(&jack(), timestamp).unwrap();
        for max_age in [None, Some(60)] {
            let error = serializer.loads_at(&signed, max_age, NOW).unwrap_err();
            assert_eq!(error.class_name(), "ValueError");
            assert!(!error.is_bad_signature());
        }
        assert!(signer.validate(signed.as_bytes(), None));
        assert!(!signer.validate(signed.as_bytes(), Some(60)));
        // Where the signature is wrong as well, it is only that.
        let forged = signed.replacen('.', ".A", 1);
        let error = serializer.loads(forged, None).unwrap_err();
        assert_eq!(error.class_name(), "BadTimeSignature");
    }
}

#[test]
fn the_newest_key_signs_and_every_key_verifies() {
    let old = cookie_serializer("old", DigestMethod::Sha1);
    let both = cookie_serializer(["old", "new"], DigestMethod::Sha1);
    let new = cookie_serializer("new", DigestMethod::Sha1);
    let signed = both.dumps_at(&jack(), NOW).unwrap();
    println!("with the keys \"old\" and \"new\": {signed}");
    assert_eq!(signed, new.dumps_at(&jack(), NOW).unwrap());
    assert!(old.loads(&signed, None).unwrap_err().is_bad_signature());
    assert!(
        both.loads(old.dumps_at(&jack(), NOW).unwrap(), None)
            .is_ok()
    );
}

#[test]
fn fallback_signers_verify_and_do_not_sign() {
    let fallback = SignerOptions {
        key_derivation: KeyDerivation::Hmac,
        ..Default::default()
    };
    let options = SignerOptions {
        digest_method: DigestMethod::Sha256,
        ..fallback.clone()
    };
    let serializer = URLSafeTimedSerializer::new(
        "adavafa",
        "cookie-session",
        URLSafe::new(TaggedJsonSerializer),
        &options,
        &[fallback],
    )
    .unwrap();
    let stock = cookie_serializer("adavafa", DigestMethod::Sha1)
        .dumps_at(&jack(), NOW)
        .unwrap();
    assert!(serializer.loads(&stock, None).is_ok());
    assert_ne!(serializer.dumps_at(&jack(), NOW).unwrap(), stock);
}

#[test]
fn loads_unsafe_reads_what_was_not_signed_and_says_so() {
    let serializer = cookie_serializer("adavafa", DigestMethod::Sha1);
    let forged = "eyJuIjoxfQ.ZVPxAA.forged";
    let value = Value::from_iter([("n", 1)]);
    assert_eq!(
        serializer.loads_unsafe(forged, None).unwrap(),
        (false, Some(value))
    );
    assert_eq!(
        serializer.loads_unsafe("rubbish", None).unwrap(),
        (false, None)
    );
}

#[test]
fn a_payload_that_unpacks_to_more_than_the_limit_is_refused() {
    let options = SignerOptions::default();
    let big = Value::from("x".repeat(2 << 20));
    let wide = URLSafe::new(TaggedJsonSerializer).max_payload(4 << 20);
    let wide = URLSafeSerializer::new("secret", "salt", wide, &options, &[]).unwrap();
    let narrow = URLSafe::new(TaggedJsonSerializer);
    let narrow = URLSafeSerializer::new("secret", "salt", narrow, &options, &[]).unwrap();
    let bomb = wide.dumps(&big).unwrap();
    assert!(bomb.len() < 4096, "it fits a cookie");
    assert_eq!(wide.loads(&bomb).unwrap(), big);
    let error = narrow.loads(&bomb).unwrap_err();
    assert!(matches!(error, SigningError::BadPayload { .. }) && !error.is_bad_signature());
    // To the byte: two quotes and 98 characters.
    let text = Value::from("x".repeat(98));
    for (limit, fits) in [(100, true), (99, false), (0, false)] {
        let limited = URLSafe::new(TaggedJsonSerializer).max_payload(limit);
        let limited = URLSafeSerializer::new("secret", "salt", limited, &options, &[]).unwrap();
        assert_eq!(
            limited.loads(limited.dumps(&text).unwrap()).is_ok(),
            fits,
            "{limit}"
        );
    }
}

#[test]
fn keys_and_separators_that_cannot_work_are_refused() {
    let none: [&str; 0] = [];
    assert_eq!(Signer::new(none).unwrap_err(), SignerError::NoSecretKey);
    assert_eq!(Signer::new("").unwrap_err(), SignerError::EmptySecretKey);
    assert_eq!(
        Signer::new(["", "new"]).unwrap_err(),
        SignerError::EmptySecretKey
    );
    for sep in ["", "a", "-", "=", "xyz"] {
        let options = SignerOptions {
            sep: sep.into(),
            ..Default::default()
        };
        let error = Signer::with_options("key", "salt", &options).unwrap_err();
        assert_eq!(error, SignerError::BadSeparator, "{sep}");
    }
}

#[test]
fn the_none_algorithm_signs_with_nothing() {
    let options = SignerOptions {
        algorithm: Some(Algorithm::None),
        ..Default::default()
    };
    let signer = Signer::with_options("key", "salt", &options).unwrap();
    assert_eq!(signer.sign(b"hello"), b"hello.");
    assert!(signer.validate(b"anything.") && !signer.validate(b"anything.AAAA"));
}

#[test]
fn no_key_is_seen_in_debug_output() {
    let keys = SecretKeys::from(["hunter2", "hunter3"]);
    let signer = Signer::with_options(keys.clone(), "salt", &SignerOptions::default()).unwrap();
    let timed = TimestampSigner::new(keys.clone()).unwrap();
    let serializer = cookie_serializer(keys.clone(), DigestMethod::Sha1);
    let text = format!("{keys:?} {signer:?} {timed:?} {serializer:?}");
    assert!(
        !text.contains("hunter") && !text.contains("104, 117"),
        "{text}"
    );
    assert_eq!(format!("{signer:?}"), r#"Signer { keys: 2, sep: ".", .. }"#);
}

#[test]
fn base64_and_integers_are_as_short_as_can_be() {
    for (bytes, text) in [
        (&b""[..], ""),
        (b"\xff", "_w"),
        (b"\xfb\xff", "-_8"),
        (b"abc", "YWJj"),
    ] {
        assert_eq!(base64_encode(bytes), text);
        assert_eq!(base64_decode(text.as_bytes()).as_deref(), Some(bytes));
    }
    assert_eq!(base64_decode(b"+/8").as_deref(), Some(&b"\xfb\xff"[..]));
    assert_eq!(base64_decode(b"A"), None);
    for (number, bytes) in [
        (0, &b""[..]),
        (255, b"\xff"),
        (256, b"\x01\x00"),
        (NOW, b"eS\xf1\x00"),
    ] {
        assert_eq!(int_to_bytes(number), bytes);
        assert_eq!(bytes_to_int(bytes), Some(number));
    }
    assert_eq!(bytes_to_int(&[0; 9]), None);
}
