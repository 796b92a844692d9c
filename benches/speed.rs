//! How long things take, and beside each its floor: `cargo bench --bench speed`.
//!
//! `docs/benchmarks.md` says what was measured, and how to read it. A request's `Environ` is the
//! server's work: divan makes it outside of the time that is measured, and drops it inside, where the
//! app does.

#![allow(clippy::expect_used, reason = "a bench says what went wrong")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};

use carafe::json::TaggedJsonSerializer;
use carafe::routing::{BindArgs, Map, Rule};
use carafe::signing::{
    DigestMethod, KeyDerivation, SignerOptions, URLSafe, URLSafeTimedSerializer,
};
use carafe::{Dict, Value};
use common::{ByHand, SECRET_KEY, app, cookie, environ, request};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

#[divan::bench_group(sample_count = 300, sample_size = 100)]
mod a_request {
    use super::*;

    #[divan::bench]
    fn hello_without_secret_key(bencher: Bencher<'_, '_>) {
        let app = app(None);
        bencher
            .with_inputs(|| environ("/hello", None))
            .bench_values(|environ| request(&app, environ));
    }

    #[divan::bench]
    fn hello(bencher: Bencher<'_, '_>) {
        let app = app(Some(SECRET_KEY));
        bencher
            .with_inputs(|| environ("/hello", None))
            .bench_values(|environ| request(&app, environ));
    }

    #[divan::bench]
    fn hello_by_hand(bencher: Bencher<'_, '_>) {
        let by_hand = ByHand::new();
        bencher
            .with_inputs(|| environ("/hello", None))
            .bench_values(|environ| by_hand.hello(environ));
    }

    #[divan::bench]
    fn counter(bencher: Bencher<'_, '_>) {
        let app = app(Some(SECRET_KEY));
        let cookie = cookie(&ByHand::new());
        bencher
            .with_inputs(|| environ("/counter", cookie.as_ref()))
            .bench_values(|environ| request(&app, environ));
    }

    #[divan::bench]
    fn counter_by_hand(bencher: Bencher<'_, '_>) {
        let by_hand = ByHand::new();
        let cookie = cookie(&by_hand);
        bencher
            .with_inputs(|| environ("/counter", cookie.as_ref()))
            .bench_values(|environ| by_hand.counter(environ));
    }

    /// What it costs to count, or to lock: an instruction with a lock prefix.
    #[divan::bench]
    fn one_locked_instruction(bencher: Bencher<'_, '_>) {
        let count = AtomicUsize::new(0);
        bencher.bench_local(|| black_box(&count).fetch_add(1, Ordering::Relaxed));
    }

    #[divan::bench]
    fn drop_environ_only(bencher: Bencher<'_, '_>) {
        let cookie = cookie(&ByHand::new());
        bencher
            .with_inputs(|| environ("/counter", cookie.as_ref()))
            .bench_values(drop);
    }
}

#[divan::bench_group(sample_count = 300, sample_size = 100)]
mod a_cookie {
    use super::*;

    fn serializer() -> URLSafeTimedSerializer<TaggedJsonSerializer> {
        let options = SignerOptions {
            key_derivation: KeyDerivation::Hmac,
            digest_method: DigestMethod::Sha256,
            ..SignerOptions::default()
        };
        let codec = URLSafe::new(TaggedJsonSerializer);
        URLSafeTimedSerializer::new(SECRET_KEY, "cookie-session", codec, &options, &[])
            .expect("the options are good")
    }

    fn session() -> Dict {
        Dict::from_iter([
            ("count".to_owned(), Value::Int(41)),
            ("username".to_owned(), Value::from("jack")),
        ])
    }

    #[divan::bench]
    fn sign(bencher: Bencher<'_, '_>) {
        let (serializer, session) = (serializer(), session());
        bencher.bench_local(|| drop(black_box(serializer.dumps(black_box(&session)))));
    }

    /// Sessions by the size of their JSON. zlib makes those of 119 and 253 bytes shorter.
    const SESSIONS: [&str; 6] = [
        r#"{"count":41,"username":"jack"}"#,
        r#"{"count":41,"theme":"dark","user_id":12345,"username":"jack"}"#,
        r#"{"_user_id":"1042","csrf_token":"5f2c9a7e0b41d86c3e97f10a2b4d6e8f90a1c3e5"}"#,
        r#"{"_fresh":true,"_user_id":"1042","csrf_token":"5f2c9a7e0b41d86c3e97f10a2b4d6e8f90a1c3e5","lang":"en-GB","theme":"dark"}"#,
        r#"{"csrf_token":"ImY4NTZkMjNhOTQ3YjEwZWM4MjVkZjYxMzA5N2JlNGE1ZDZjODIwZjci.ZVPxAA.t0r6Qm3XwK9bLhYz4JvNcE8sUgI","user_id":7}"#,
        r#"{"_flashes":[{" t":["message","Your profile was saved."]}],"_fresh":true,"_id":"9b1e6a4f70c25d3e8f9016b7a2c4d5e3f0a1b2c3d4e5f60718293a4b5c6d7e8f","_user_id":"1042","csrf_token":"5f2c9a7e0b41d86c3e97f10a2b4d6e8f90a1c3e5","theme":"dark","username":"jack"}"#,
    ];

    #[divan::bench(args = SESSIONS.map(str::len))]
    fn sign_sizes(bencher: Bencher<'_, '_>, size: usize) {
        let json = SESSIONS.into_iter().find(|json| json.len() == size);
        let session = json.and_then(|json| TaggedJsonSerializer.loads(json).ok());
        let session = session.expect("there is one of this size");
        let serializer = serializer();
        bencher.bench_local(|| drop(black_box(serializer.dumps(black_box(&session)))));
    }

    #[divan::bench]
    fn sign_by_hand(bencher: Bencher<'_, '_>) {
        let (by_hand, session) = (
            ByHand::new(),
            serde_json::json!({"count": 41, "username": "jack"}),
        );
        bencher.bench_local(|| {
            let json = serde_json::to_vec(black_box(&session)).unwrap_or_default();
            drop(black_box(by_hand.sign(&json, by_hand.now())));
        });
    }

    #[divan::bench]
    fn verify(bencher: Bencher<'_, '_>) {
        let serializer = serializer();
        let signed = serializer.dumps(&session()).expect("it can be signed");
        bencher.bench_local(|| drop(black_box(serializer.loads(black_box(&signed), Some(60)))));
    }

    #[divan::bench]
    fn verify_by_hand(bencher: Bencher<'_, '_>) {
        let by_hand = ByHand::new();
        let signed = by_hand.sign(br#"{"count":41,"username":"jack"}"#, by_hand.now());
        bencher.bench_local(|| {
            let json = by_hand.verify(black_box(&signed), by_hand.now());
            let json = json.unwrap_or_default();
            drop(black_box(serde_json::from_slice::<serde_json::Value>(
                &json,
            )));
        });
    }

    #[divan::bench]
    fn one_hmac(bencher: Bencher<'_, '_>) {
        let by_hand = ByHand::new();
        bencher.bench_local(|| {
            by_hand.hmac(black_box(
                b"eyJjb3VudCI6NDEsInVzZXJuYW1lIjoiamFjayJ9.ZVPxAA",
            ))
        });
    }
}

/// Matching of a path, among this many rules.
#[divan::bench_group(sample_count = 300, sample_size = 100)]
mod a_match {
    use super::*;

    const RULES: [usize; 3] = [10, 100, 10_000];

    /// Every rule has a static first segment of its own; half of them take a number behind it.
    fn map(rules: usize) -> Map {
        let mut map = Map::new();
        for number in 0..rules {
            let rule = match number % 2 {
                0 => format!("/page{number}/edit"),
                _ => format!("/item{number}/<int:id>"),
            };
            let rule = Rule::try_new(rule, format!("endpoint{number}")).expect("a good rule");
            map.add(rule.with_methods(["GET"])).expect("a good rule");
        }
        map
    }

    fn find(bencher: Bencher<'_, '_>, rules: usize, path: &str) {
        let map = map(rules);
        let adapter = map.bind(BindArgs::default());
        bencher.bench_local(|| drop(black_box(adapter.match_(Some(black_box(path)), None))));
    }

    #[divan::bench(args = RULES)]
    fn static_path(bencher: Bencher<'_, '_>, rules: usize) {
        find(bencher, rules, &format!("/page{}/edit", rules - 2));
    }

    #[divan::bench(args = RULES)]
    fn path_with_a_number(bencher: Bencher<'_, '_>, rules: usize) {
        find(bencher, rules, &format!("/item{}/7", rules - 1));
    }

    #[divan::bench(args = RULES)]
    fn no_such_path(bencher: Bencher<'_, '_>, rules: usize) {
        find(bencher, rules, "/nothing/here");
    }
}
