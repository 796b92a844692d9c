//! The exercise of the chapter on signing.
//!
//! Who forgot the password gets a link by mail. The token in it says who it is for, is good for an
//! hour, and for nothing but a new password: not as a session, and no session is good as a token.

mod solution;
mod start;

use carafe::Value;
use carafe::json::TaggedJsonSerializer;
use carafe::signing::{KeyDerivation, SignerOptions, URLSafe, URLSafeTimedSerializer};

use crate::harness::fails;

/// What makes tokens and reads them.
type Serializer = URLSafeTimedSerializer<TaggedJsonSerializer>;
type Make = fn(user: &str, now: u64) -> String;
type Read = fn(token: &str, now: u64) -> Option<String>;

/// The app's one secret key.
const SECRET_KEY: &str = "8f42a73054b1749f8f58848be5e6502c";

/// What the app signs with, for one purpose.
fn serializer(salt: &str) -> Serializer {
    let options = SignerOptions {
        key_derivation: KeyDerivation::Hmac,
        ..SignerOptions::default()
    };
    let payload = URLSafe::new(TaggedJsonSerializer);
    URLSafeTimedSerializer::new(SECRET_KEY, salt, payload, &options, &[]).unwrap()
}

// ANCHOR: check
fn check(make: Make, read: Read) {
    let now = 1_700_000_000;
    let token = make("jack", now);
    assert_eq!(
        read(&token, now + 3600).as_deref(),
        Some("jack"),
        "a token is good for an hour"
    );
    assert_eq!(
        read(&token, now + 3601),
        None,
        "an hour is over, and the token is still good"
    );

    let sessions = serializer("cookie-session");
    assert!(
        sessions.loads_at(&token, None, now).is_err(),
        "who has the mail can paste its token as a session cookie"
    );
    let session = Value::from_iter([("user", "jack")]);
    let cookie = sessions.dumps_at(&session, now).unwrap();
    assert_eq!(
        read(&cookie, now),
        None,
        "who has the cookie can set a new password"
    );
    assert_eq!(read("rubbish", now), None, "rubbish is no token");
}
// ANCHOR_END: check

#[test]
fn the_solution_passes() {
    check(solution::make, solution::read);
}

#[test]
fn the_start_fails() {
    fails("signing", || check(start::make, start::read));
}

#[test]
#[ignore = "yours to solve: see the chapter"]
fn yours() {
    check(start::make, start::read);
}
