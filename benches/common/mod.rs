//! What is measured: an app of two routes, the requests to it, and the same work done by hand.
//!
//! Shared by `speed.rs`, which measures time, and `count.rs`, which is run under callgrind.

#![allow(
    clippy::needless_pass_by_value,
    reason = "an app takes the environ, so the floor does"
)]

use std::hint::black_box;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use carafe::wsgi::{Body, Environ};
use carafe::{App, Error, Scaffold, session};
use hmac::{Hmac, KeyInit, Mac};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, uri::Scheme};
use sha2::Sha256;

/// What `SECRET_KEY` is set to.
pub(crate) const SECRET_KEY: &[u8] = b"a secret key of thirty-two bytes";

/// Two routes. `/hello` touches no session; `/counter` reads it, changes it, and so has it signed anew.
pub(crate) fn app(secret_key: Option<&[u8]>) -> App {
    let mut app = App::new("bench");
    if let Some(key) = secret_key {
        app.config().set_secret_key(key);
    }
    app.route("/hello", || "Hello, World!");
    app.route("/counter", || {
        let count = session().get::<u64>("count").unwrap_or(0) + 1;
        session().insert("count", count)?;
        Ok::<_, Error>(format!("visit {count}"))
    });
    app
}

/// What a server would hand over for a `GET` of `path` by a browser that brings this cookie.
pub(crate) fn environ(path: &str, cookie: Option<&HeaderValue>) -> Environ {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_static("localhost:5000"));
    headers.insert("accept", HeaderValue::from_static("*/*"));
    headers.insert("user-agent", HeaderValue::from_static("bench/1.0"));
    if let Some(cookie) = cookie {
        headers.insert(COOKIE, cookie.clone());
    }
    Environ {
        method: Method::GET,
        script_name: String::new(),
        path_info: path.to_owned(),
        query_string: String::new(),
        headers,
        url_scheme: Scheme::HTTP,
        server_name: "localhost".to_owned(),
        server_port: 5000,
        remote_addr: None,
        protocol: Version::HTTP_11,
        input: Box::new(std::io::empty()),
        input_terminated: false,
        extensions: http::Extensions::new(),
    }
}

/// One request, to the last byte of the answer.
pub(crate) fn request(app: &App, environ: Environ) -> Result<(), Error> {
    let body = app.wsgi_app(environ, &mut |status: StatusCode, headers: HeaderMap| {
        black_box((status, headers));
    })?;
    black_box(body.into_bytes()?);
    Ok(())
}

/// The whole `Cookie` header of a visitor who has been to `/counter` 41 times.
pub(crate) fn cookie(by_hand: &ByHand) -> Option<HeaderValue> {
    let session = by_hand.sign(br#"{"count":41,"username":"jack"}"#, by_hand.now());
    HeaderValue::try_from(format!("session={session}")).ok()
}

/// Flask's cookie and nothing else: the floor. Signed with SHA-256, as Carafe does.
pub(crate) struct ByHand {
    keyed: Hmac<Sha256>,
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    match Hmac::new_from_slice(key) {
        Ok(keyed) => keyed,
        Err(_) => unreachable!("HMAC takes a key of any length"),
    }
}

impl ByHand {
    /// Derives the key, once.
    pub(crate) fn new() -> Self {
        let derived = keyed(SECRET_KEY).chain_update("cookie-session").finalize();
        ByHand {
            keyed: keyed(&derived.into_bytes()),
        }
    }

    pub(crate) fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    }

    /// The signature of a value.
    pub(crate) fn hmac(&self, value: &[u8]) -> [u8; 32] {
        let mac = self.keyed.clone().chain_update(value).finalize();
        mac.into_bytes().into()
    }

    /// `payload.timestamp.signature`.
    pub(crate) fn sign(&self, json: &[u8], now: u64) -> String {
        let mut out = String::with_capacity(128);
        URL_SAFE_NO_PAD.encode_string(json, &mut out);
        out.push('.');
        URL_SAFE_NO_PAD.encode_string(&now.to_be_bytes()[4..], &mut out);
        let mac = self.hmac(out.as_bytes());
        out.push('.');
        URL_SAFE_NO_PAD.encode_string(mac, &mut out);
        out
    }

    /// The JSON of a cookie whose signature is right and which is not too old.
    pub(crate) fn verify(&self, signed: &str, now: u64) -> Option<Vec<u8>> {
        let (value, signature) = signed.rsplit_once('.')?;
        let mut mac = [0; 32];
        let length = URL_SAFE_NO_PAD.decode_slice(signature, &mut mac).ok()?;
        let keyed = self.keyed.clone().chain_update(value);
        keyed.verify_slice(mac.get(..length)?).ok()?;
        let (payload, timestamp) = value.split_once('.')?;
        let mut seconds = [0; 4];
        let length = URL_SAFE_NO_PAD.decode_slice(timestamp, &mut seconds).ok()?;
        let signed_at = u64::from(u32::from_be_bytes(seconds));
        if length != 4 || now.checked_sub(signed_at)? > 31 * 24 * 60 * 60 {
            return None;
        }
        URL_SAFE_NO_PAD.decode(payload).ok()
    }

    /// `/counter` from the request's headers to the last byte of the answer.
    pub(crate) fn counter(&self, environ: Environ) -> Option<()> {
        let cookies = environ.headers.get(COOKIE)?.to_str().ok()?;
        let signed = cookies
            .split("; ")
            .find_map(|pair| pair.strip_prefix("session="))?;
        let json = self.verify(signed, self.now())?;
        let mut session: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&json).ok()?;
        let count = session.get("count")?.as_u64()? + 1;
        session.insert("count".to_owned(), count.into());
        let signed = self.sign(&serde_json::to_vec(&session).ok()?, self.now());
        let cookie = format!("session={signed}; HttpOnly; Path=/");

        let mut headers = HeaderMap::new();
        headers.insert(
            SET_COOKIE,
            HeaderValue::from_maybe_shared(Bytes::from(cookie)).ok()?,
        );
        headers.insert(VARY, HeaderValue::from_static("Cookie"));
        respond(headers, Bytes::from(format!("visit {count}")));
        Some(())
    }

    /// `/hello`: nothing but the answer.
    pub(crate) fn hello(&self, environ: Environ) -> Option<()> {
        if environ.path_info != "/hello" {
            return None;
        }
        respond(HeaderMap::new(), Bytes::from_static(b"Hello, World!"));
        Some(())
    }
}

fn respond(mut headers: HeaderMap, body: Bytes) {
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    black_box((StatusCode::OK, headers));
    black_box(Body::from(body).into_bytes().ok());
}
