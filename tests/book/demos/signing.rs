//! For the chapter on signing: the signature made by hand, and one attack after another.

use std::sync::Arc;

use carafe::clock::FixedClock;
use carafe::json::TaggedJsonSerializer;
use carafe::signing::{
    DigestMethod, KeyDerivation, SecretKeys, SignerOptions, TimestampSigner, URLSafe,
    URLSafeTimedSerializer, base64_encode,
};
use carafe::trace::Cookie;
use carafe::{App, Scaffold, Value, session};
use hmac::{Hmac, KeyInit, Mac};
use miniz_oxide::deflate::compress_to_vec_zlib;
use sha2::Sha256;

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[
    ("signing/by_hand", by_hand),
    ("signing/forged", forged),
    ("signing/timing", timing),
    ("signing/same_salt", same_salt),
    ("signing/weak_key", weak_key),
    ("signing/padded_keys", padded_keys),
    ("signing/rotation", rotation),
    ("signing/replay", replay),
    ("signing/bomb", bomb),
];

/// 2023-11-14 22:13:20 UTC.
const NOW: u64 = 1_700_000_000;

/// An app that knows its visitor by the session.
fn app(key: &str) -> (App, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::new(NOW));
    let mut app = App::new("demo");
    app.config().set_secret_key(key);
    app.config().set_clock(clock.clone());
    app.route("/", || {
        let name: Option<String> = session().get("username");
        name.unwrap_or_else(|| "nobody".to_owned())
    });
    app.route("/login/<name>", |name: String| {
        session().insert("username", name)?;
        Ok::<_, carafe::Error>("welcome")
    });
    app.route("/logout", || {
        session().clear()?;
        Ok::<_, carafe::Error>("bye")
    });
    (app, clock)
}

/// The cookie that the app gives jack.
fn jacks_cookie(app: &App) -> String {
    let mut client = app.test_client();
    client.get("/login/jack").send().unwrap();
    client.get_cookie("session").unwrap().to_owned()
}

// ANCHOR: who
/// Whom the app takes the owner of this cookie for.
fn who(app: &App, cookie: &str) -> String {
    let mut client = app.test_client();
    client.set_cookie("session", cookie);
    let response = client.get("/").send().unwrap();
    match response.status_code() {
        200 => response.text(),
        status => format!("status {status}"),
    }
}
// ANCHOR_END: who

/// The settings of a session cookie.
fn options() -> SignerOptions {
    SignerOptions {
        key_derivation: KeyDerivation::Hmac,
        digest_method: DigestMethod::Sha256,
        ..SignerOptions::default()
    }
}

/// What signs and opens cookies, or other things with another salt.
fn serializer(
    keys: impl Into<SecretKeys>,
    salt: &str,
) -> URLSafeTimedSerializer<TaggedJsonSerializer> {
    let payload = URLSafe::new(TaggedJsonSerializer);
    URLSafeTimedSerializer::new(keys, salt, payload, &options(), &[]).unwrap()
}

fn user(name: &str) -> Value {
    Value::from_iter([("username", name)])
}

// ANCHOR: by_hand
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.chain_update(message).finalize().into_bytes().to_vec()
}

fn by_hand() -> String {
    let secret_key = b"adavafa";
    let signing_key = hmac_sha256(secret_key, b"cookie-session");
    let signed = "eyJ1c2VybmFtZSI6ImphY2sifQ.ZVPxAA";
    let signature = hmac_sha256(&signing_key, signed.as_bytes());
    let by_hand = format!("{signed}.{}", base64_encode(&signature));

    let by_the_app = jacks_cookie(&app("adavafa").0);
    format!("by hand:    {by_hand}\nby the app: {by_the_app}")
}
// ANCHOR_END: by_hand

// ANCHOR: forged
fn forged() -> String {
    let (app, _) = app("adavafa");
    let cookie = jacks_cookie(&app);
    let [payload, time, signature] = cookie.split('.').collect::<Vec<_>>()[..] else {
        return "a cookie has three parts".to_owned();
    };
    let admin = base64_encode(br#"{"username":"admin"}"#);
    let own_key = serializer("a key of my own", "cookie-session");
    let attempts = [
        ("the true cookie", cookie.clone()),
        ("another payload", format!("{admin}.{time}.{signature}")),
        ("a later time", format!("{payload}.ZVPxAB.{signature}")),
        ("no signature", format!("{payload}.{time}.")),
        ("no time", format!("{payload}.{signature}")),
        (
            "signed with a key of my own",
            own_key.dumps_at(&user("admin"), NOW).unwrap(),
        ),
    ];
    let lines = attempts.map(|(what, cookie)| format!("{what:<28} {}", who(&app, &cookie)));
    lines.join("\n")
}
// ANCHOR_END: forged

// ANCHOR: leaky
/// Compares as `==` may: it stops at the first byte that differs. The number is how many bytes it
/// looked at, which an attacker learns from the time that it takes.
fn leaky(right: &[u8], guess: &[u8]) -> (bool, usize) {
    let mut looked_at = 0;
    for (right, guess) in right.iter().zip(guess) {
        looked_at += 1;
        if right != guess {
            return (false, looked_at);
        }
    }
    (right.len() == guess.len(), looked_at)
}

/// Compares all bytes, whatever they are.
fn constant(right: &[u8], guess: &[u8]) -> (bool, usize) {
    let pairs = right.iter().zip(guess);
    let difference = pairs.fold(0, |all, (right, guess)| all | (right ^ guess));
    (difference == 0 && right.len() == guess.len(), right.len())
}
// ANCHOR_END: leaky

// ANCHOR: timing
/// Finds a signature by asking `compare`, one byte after another. Gives up where no guess for a byte
/// takes longer than the others.
fn find(compare: impl Fn(&[u8]) -> (bool, usize)) -> Result<usize, String> {
    let (mut guess, mut asked) = (vec![0; 32], 0);
    for at in 0..guess.len() {
        let mut times = Vec::new();
        for byte in 0..=255 {
            guess[at] = byte;
            asked += 1;
            match compare(&guess) {
                (true, _) => return Ok(asked),
                (false, time) => times.push((time, byte)),
            }
        }
        let (slowest, byte) = *times.iter().max().unwrap();
        if times.iter().all(|(time, _)| *time == slowest) {
            return Err(format!(
                "gave up at byte {at}: {asked} guesses took the same time"
            ));
        }
        guess[at] = byte;
    }
    Err("the last byte is wrong".to_owned())
}

fn timing() -> String {
    // What the server works out for a payload of the attacker's; he never sees it.
    let key = hmac_sha256(b"adavafa", b"cookie-session");
    let right = hmac_sha256(&key, br#"eyJ1c2VybmFtZSI6ImFkbWluIn0.ZVPxAA"#);

    let leaked = find(|guess| leaky(&right, guess));
    let kept = find(|guess| constant(&right, guess));
    let tell = |result| match result {
        Ok(asked) => format!("found all 32 bytes with {asked} guesses"),
        Err(why) => why,
    };
    format!(
        "stops early: {}\nlooks at all: {}",
        tell(leaked),
        tell(kept)
    )
}
// ANCHOR_END: timing

// ANCHOR: same_salt
/// An app that, besides its sessions, signs the names of guests for a guest book.
fn guest_book(salt: &'static str) -> App {
    let (mut app, _) = app("adavafa");
    app.route("/sign/<name>", move |name: String| {
        serializer("adavafa", salt).dumps_at(&user(&name), NOW)
    });
    app
}

fn same_salt() -> String {
    let lines = ["cookie-session", "guest-book"].map(|salt| {
        let app = guest_book(salt);
        let signed = app.test_client().get("/sign/admin").send().unwrap().text();
        format!("salt {salt:<15} as a session it is: {}", who(&app, &signed))
    });
    lines.join("\n")
}
// ANCHOR_END: same_salt

// ANCHOR: weak_key
/// Tries every word on a cookie. Asks no server.
fn guess_key<'w>(cookie: &str, words: &[&'w str]) -> Option<(usize, &'w str)> {
    let mut cookie = Cookie::take_apart(cookie);
    let right = |word: &&str| cookie.check(*word, Cookie::SALT, DigestMethod::Sha256);
    let at = words.iter().position(right)?;
    Some((at + 1, words[at]))
}

fn weak_key() -> String {
    let words = ["secret", "password", "dev", "changeme", "secret key"];
    let lines = ["dev", "8f42a73054b1749f8f58848be5e6502c"].map(|key| {
        let (app, _) = app(key);
        match guess_key(&jacks_cookie(&app), &words) {
            None => format!("none of {} words is the key", words.len()),
            Some((tries, key)) => {
                let cookie = serializer(key, "cookie-session").dumps_at(&user("admin"), NOW);
                let now = who(&app, &cookie.unwrap());
                format!("{tries} tries: the key is {key:?}, and I am now: {now}")
            }
        }
    });
    lines.join("\n")
}
// ANCHOR_END: weak_key

// ANCHOR: padded_keys
fn padded_keys() -> String {
    use sha2::Digest;
    let long = "x".repeat(100);
    let hashed = Sha256::digest(&long);
    let same = |one: &[u8], other: &[u8]| {
        let message = b"cookie-session";
        hmac_sha256(one, message) == hmac_sha256(other, message)
    };
    format!(
        "\"dev\" and \"dev\\0\" sign alike: {}\n\
         100 bytes and their SHA-256 sign alike: {}\n\
         \"dev\" and \"deV\" sign alike: {}",
        same(b"dev", b"dev\0"),
        same(long.as_bytes(), &hashed),
        same(b"dev", b"deV"),
    )
}
// ANCHOR_END: padded_keys

// ANCHOR: rotation
fn rotation() -> String {
    let (app, _) = app("old key");
    let cookie = jacks_cookie(&app);
    let config = app.config();
    let mut lines = Vec::new();

    config.set_secret_key("new key");
    lines.push(format!("only the new key: {}", who(&app, &cookie)));

    let fallbacks = Value::from(vec!["old key"]);
    config.set("SECRET_KEY_FALLBACKS", fallbacks).unwrap();
    lines.push(format!("the old one as fallback: {}", who(&app, &cookie)));

    let mut newer = Cookie::take_apart(&jacks_cookie(&app));
    let by = ["old key", "new key"]
        .into_iter()
        .find(|key| newer.check(*key, Cookie::SALT, DigestMethod::Sha256));
    lines.push(format!(
        "a login now is signed with the {}",
        by.unwrap_or("?")
    ));

    config.set("SECRET_KEY_FALLBACKS", Value::Null).unwrap();
    lines.push(format!(
        "without the fallback again: {}",
        who(&app, &cookie)
    ));
    lines.join("\n")
}
// ANCHOR_END: rotation

// ANCHOR: replay
fn replay() -> String {
    let (app, clock) = app("adavafa");
    let mut jack = app.test_client();
    jack.get("/login/jack").send().unwrap();
    let copy = jack.get_cookie("session").unwrap().to_owned();

    jack.get("/logout").send().unwrap();
    let browser = jack.get("/").send().unwrap().text();
    let thief = who(&app, &copy);
    clock.advance(31 * 24 * 60 * 60 + 1);
    let later = who(&app, &copy);
    format!(
        "after the logout, the browser is: {browser}\n\
         after the logout, the copy is: {thief}\n\
         31 days and a second later, the copy is: {later}"
    )
}
// ANCHOR_END: replay

// ANCHOR: bomb
/// A cookie with this text as its compressed payload. Only who has the key can make it.
fn packed(text: &str) -> String {
    let payload = base64_encode(&compress_to_vec_zlib(text.as_bytes(), 9));
    let signer = TimestampSigner::with_options("adavafa", "cookie-session", &options()).unwrap();
    let signer = signer.clock(Arc::new(FixedClock::new(NOW)));
    String::from_utf8(signer.sign(format!(".{payload}").as_bytes())).unwrap()
}

fn bomb() -> String {
    let (app, _) = app("adavafa");
    let texts = [
        ("two million spaces", " ".repeat(2_000_000) + "{}"),
        (
            "lists, 100,000 deep",
            format!(r#"{{"a":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000)),
        ),
        (
            "lists, 300 deep",
            format!(r#"{{"a":{}{}}}"#, "[".repeat(300), "]".repeat(300)),
        ),
    ];
    let lines = texts.map(|(what, text)| {
        let cookie = packed(&text);
        format!(
            "{what:<20} {:>7} bytes in a cookie of {:>4}: {}",
            text.len(),
            cookie.len(),
            who(&app, &cookie)
        )
    });
    lines.join("\n")
}
// ANCHOR_END: bomb
