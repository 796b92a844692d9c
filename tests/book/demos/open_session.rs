//! For the chapter on opening a session.

use std::sync::Arc;

use carafe::clock::FixedClock;
use carafe::json::TaggedJsonSerializer;
use carafe::signing::{
    DigestMethod, KeyDerivation, SignerOptions, TimestampSigner, URLSafe, URLSafeTimedSerializer,
    base64_decode,
};
use carafe::{App, Scaffold, Value, session};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[
    ("open_session/parts", parts),
    ("open_session/bytes", bytes),
    ("open_session/tagged", tagged),
    ("open_session/compressed", compressed),
    ("open_session/outcomes", outcomes),
    ("open_session/age", age),
];

/// 2023-11-14 22:13:20 UTC.
const NOW: u64 = 1_700_000_000;

/// An app that keeps a name in the session, and its clock.
fn app() -> (App, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::new(NOW));
    let mut app = App::new("demo");
    app.config().set_secret_key("adavafa");
    app.config().set_clock(clock.clone());
    app.route("/", || {
        let name: Option<String> = session().get("username");
        name.unwrap_or_else(|| "nobody".to_owned())
    });
    app.route("/login", || {
        session().insert("username", "jack")?;
        Ok::<_, carafe::Error>("welcome")
    });
    (app, clock)
}

/// What signs such an app's cookies: for a key, and at a time.
fn sign(key: &str, now: u64, value: &Value) -> String {
    let payload = URLSafe::new(TaggedJsonSerializer);
    let serializer = URLSafeTimedSerializer::new(key, "cookie-session", payload, &options(), &[]);
    serializer.unwrap().dumps_at(value, now).unwrap()
}

fn jack() -> Value {
    Value::from_iter([("username", "jack")])
}

/// The cookie of the page `/login`.
fn cookie() -> String {
    let mut client = app().0.test_client();
    client.get("/login").send().unwrap();
    client.get_cookie("session").unwrap().to_owned()
}

fn parts() -> String {
    let cookie = cookie();
    let parts: Vec<&str> = cookie.split('.').collect();
    format!("{cookie}\n\n{}", parts.join("\n"))
}

// ANCHOR: bytes
fn bytes() -> String {
    let cookie = cookie();
    let parts = cookie.split('.').map(|part| {
        let bytes = base64_decode(part.as_bytes()).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x} ")).collect();
        let text = match bytes.is_ascii() {
            true => String::from_utf8_lossy(&bytes).into_owned(),
            false => "no text".to_owned(),
        };
        format!("{} bytes: {hex}\n  {text}", bytes.len())
    });
    parts.collect::<Vec<_>>().join("\n")
}
// ANCHOR_END: bytes

// ANCHOR: tagged
fn tagged() -> String {
    let values = [
        ("a list", vec![Value::from(1), 2.into()].into()),
        ("a tuple", Value::Tuple(vec![1.into(), 2.into()])),
        ("bytes", Value::Bytes(vec![0x00, 0xff])),
        ("a dict", Value::from_iter([("t", 1)])),
        ("one with a key like a tag", Value::from_iter([(" t", 1)])),
    ];
    let lines = values.map(|(name, value)| {
        let text = TaggedJsonSerializer.dumps(&value).unwrap();
        assert_eq!(TaggedJsonSerializer.loads(&text).unwrap(), value);
        format!("{name:<26} {text}")
    });
    lines.join("\n")
}
// ANCHOR_END: tagged

// ANCHOR: compressed
fn compressed() -> String {
    let cart = Value::from(vec![Value::from("apple"); 40]);
    let session = Value::from_iter([("cart", cart)]);
    let json = TaggedJsonSerializer.dumps(&session).unwrap();
    let cookie = sign("adavafa", NOW, &session);
    let payload = cookie.split('.').nth(1).unwrap();
    let bytes = base64_decode(payload.as_bytes()).unwrap();
    format!(
        "{cookie}\n\nJSON: {} bytes. Payload: {} bytes, which begin with {:02x} {:02x}.",
        json.len(),
        bytes.len(),
        bytes[0],
        bytes[1],
    )
}
// ANCHOR_END: compressed

/// What an app of this setup answers to a visitor with this cookie.
fn answer(app: &App, cookie: Option<&str>) -> String {
    let mut client = app.test_client();
    if let Some(cookie) = cookie {
        client.set_cookie("session", cookie);
    }
    let response = client.get("/").send().unwrap();
    match response.status_code() {
        200 => response.text(),
        status => status.to_string(),
    }
}

fn outcomes() -> String {
    let (app, _) = app();
    let month = 31 * 24 * 60 * 60;
    let good = sign("adavafa", NOW, &jack());
    let jane = good.replacen("eyJ1c2VybmFtZSI6ImphY2si", "eyJ1c2VybmFtZSI6ImphbmUi", 1);
    let bare = TimestampSigner::with_options("adavafa", "cookie-session", &options())
        .unwrap()
        .clock(app.config().settings().clock.clone());
    let rubbish = String::from_utf8(bare.sign(b"bm90IEpTT04")).unwrap();
    let cookies = [
        ("there is no cookie", None),
        ("it is empty", Some(String::new())),
        ("it was signed with our key", Some(good.clone())),
        ("the payload was changed", Some(jane)),
        (
            "the end is missing",
            Some(good[..good.len() - 9].to_owned()),
        ),
        (
            "it was signed with another key",
            Some(sign("guess", NOW, &jack())),
        ),
        (
            "it is 31 days old",
            Some(sign("adavafa", NOW - month, &jack())),
        ),
        (
            "and one second more",
            Some(sign("adavafa", NOW - month - 1, &jack())),
        ),
        (
            "it is from the future",
            Some(sign("adavafa", NOW + 1, &jack())),
        ),
        (
            "we signed a list",
            Some(sign("adavafa", NOW, &vec![Value::from(1)].into())),
        ),
        ("we signed what is no JSON", Some(rubbish)),
    ];
    let lines = cookies.map(|(what, cookie)| {
        let answer = answer(&app, cookie.as_deref());
        format!("{what:<31} {answer}")
    });
    lines.join("\n")
}

/// The settings with which the demo's apps sign.
fn options() -> SignerOptions {
    SignerOptions {
        key_derivation: KeyDerivation::Hmac,
        digest_method: DigestMethod::Sha256,
        ..SignerOptions::default()
    }
}

// ANCHOR: age
fn age() -> String {
    let (app, clock) = app();
    app.config().set("PERMANENT_SESSION_LIFETIME", 60).unwrap();
    let mut client = app.test_client();
    client.get("/login").send().unwrap();
    let mut lines = Vec::new();
    for seconds in [0, 60, 1] {
        clock.advance(seconds);
        let text = client.get("/").send().unwrap().text();
        let browser = match client.get_cookie("session") {
            Some(_) => "has the cookie",
            None => "has none",
        };
        lines.push(format!(
            "{seconds:>2} seconds later: {text}; the browser {browser}"
        ));
    }
    lines.join("\n")
}
// ANCHOR_END: age
