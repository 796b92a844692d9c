//! The floor: hyper on tokio, two workers, and a view by hand that runs where the request was read.
//!
//! The session is itsdangerous's signed cookie, as Carafe and Flask make it (`benches/common/mod.rs` of the crate says it in
//! process): HMAC-SHA256 with the derived key kept, URL-safe base64, a JSON object. No router, no extractors, no limits but
//! hyper's own, and no timeout unless `--header-timeout` is given, which is a tokio timer per request.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue, SET_COOKIE, VARY};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use peer_common::{LONGEST_WAIT, Options, SECRET_KEY};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;

/// How long a cookie holds: Flask's `PERMANENT_SESSION_LIFETIME`.
const MAX_AGE: u64 = 31 * 24 * 60 * 60;

/// Signs and opens the session cookie.
struct Signer {
    keyed: Hmac<Sha256>,
}

impl Signer {
    /// Derives the key, once.
    fn new(secret_key: &[u8]) -> Self {
        let keyed = |key: &[u8]| match Hmac::<Sha256>::new_from_slice(key) {
            Ok(keyed) => keyed,
            Err(_) => unreachable!("HMAC takes a key of any length"),
        };
        let derived = keyed(secret_key)
            .chain_update("cookie-session")
            .finalize()
            .into_bytes();
        Signer {
            keyed: keyed(&derived),
        }
    }

    /// `payload.timestamp.signature`.
    fn sign(&self, json: &[u8]) -> String {
        let mut out = String::with_capacity(160);
        URL_SAFE_NO_PAD.encode_string(json, &mut out);
        out.push('.');
        // itsdangerous leaves leading zero bytes away: these four have none until 2106.
        URL_SAFE_NO_PAD.encode_string(&now().to_be_bytes()[4..], &mut out);
        let mac = self.keyed.clone().chain_update(out.as_bytes()).finalize();
        out.push('.');
        URL_SAFE_NO_PAD.encode_string(mac.into_bytes(), &mut out);
        out
    }

    /// The JSON of a cookie whose signature is right and which is not too old.
    fn open(&self, signed: &str) -> Option<Vec<u8>> {
        let (value, signature) = signed.rsplit_once('.')?;
        let mut mac = [0; 32];
        let length = URL_SAFE_NO_PAD.decode_slice(signature, &mut mac).ok()?;
        let keyed = self.keyed.clone().chain_update(value);
        keyed.verify_slice(mac.get(..length)?).ok()?;
        let (payload, timestamp) = value.split_once('.')?;
        let mut seconds = [0; 4];
        let length = URL_SAFE_NO_PAD.decode_slice(timestamp, &mut seconds).ok()?;
        let signed_at = u64::from(u32::from_be_bytes(seconds));
        if length != 4 || now().checked_sub(signed_at)? > MAX_AGE {
            return None;
        }
        URL_SAFE_NO_PAD.decode(payload).ok()
    }

    /// What the request's cookie holds.
    fn session(&self, headers: &HeaderMap) -> Option<Map<String, Value>> {
        let cookies = headers.get(COOKIE)?.to_str().ok()?;
        let signed = cookies
            .split("; ")
            .find_map(|pair| pair.strip_prefix("session="))?;
        serde_json::from_slice(&self.open(signed)?).ok()
    }

    /// The headers that save a session.
    fn save(&self, session: &Map<String, Value>, headers: &mut HeaderMap) -> Option<()> {
        let signed = self.sign(&serde_json::to_vec(session).ok()?);
        let cookie = Bytes::from(format!("session={signed}; HttpOnly; Path=/"));
        headers.insert(SET_COOKIE, HeaderValue::from_maybe_shared(cookie).ok()?);
        headers.insert(VARY, HeaderValue::from_static("Cookie"));
        Some(())
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// `/login`: a session of two values.
fn login(signer: &Signer) -> Option<Response<Full<Bytes>>> {
    let mut session = Map::new();
    session.insert("n".to_owned(), json!(41));
    session.insert("username".to_owned(), json!("jack"));
    let mut response = text("welcome");
    signer.save(&session, response.headers_mut())?;
    Some(response)
}

/// `/counter`: reads the session, changes it, signs it anew. `None` without one.
fn counter(signer: &Signer, request: &HeaderMap) -> Option<Response<Full<Bytes>>> {
    let mut session = signer.session(request)?;
    let n = session.get("n")?.as_u64()? + 1;
    session.insert("n".to_owned(), n.into());
    let username = session.get("username")?.as_str()?;
    let mut response = text(format!("{username} {n}"));
    signer.save(&session, response.headers_mut())?;
    Some(response)
}

fn text(body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    response
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = text(status.canonical_reason().unwrap_or_default());
    *response.status_mut() = status;
    response
}

async fn view(request: Request<Incoming>, signer: Arc<Signer>) -> Response<Full<Bytes>> {
    match request.uri().path() {
        "/hello" => text("Hello, World!"),
        "/counter" => {
            counter(&signer, request.headers()).unwrap_or_else(|| status(StatusCode::UNAUTHORIZED))
        }
        "/login" => login(&signer).unwrap_or_else(|| status(StatusCode::INTERNAL_SERVER_ERROR)),
        path => match path
            .rsplit_once('/')
            .map(|(way, ms)| (way, ms.parse::<u64>()))
        {
            Some((way, Ok(ms))) => wait(way, Duration::from_millis(ms.min(LONGEST_WAIT))).await,
            _ => status(StatusCode::NOT_FOUND),
        },
    }
}

/// A view that waits: as async code does, as a synchronous database driver does, or as the latter is done in async code.
async fn wait(way: &str, time: Duration) -> Response<Full<Bytes>> {
    match way {
        "/sleep" => tokio::time::sleep(time).await,
        "/block" => std::thread::sleep(time),
        "/offload" => {
            let done = tokio::task::spawn_blocking(move || std::thread::sleep(time));
            if done.await.is_err() {
                return status(StatusCode::INTERNAL_SERVER_ERROR);
            }
        }
        _ => return status(StatusCode::NOT_FOUND),
    }
    text("slept")
}

async fn serve(options: Options) -> std::io::Result<()> {
    let signer = Arc::new(Signer::new(SECRET_KEY));
    let listener = TcpListener::bind(options.bind).await?;
    peer_common::announce(listener.local_addr()?);
    loop {
        let (stream, _) = match listener.accept().await {
            Ok(accepted) => accepted,
            // Out of file descriptors, most likely: they come back.
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        let signer = Arc::clone(&signer);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let signer = Arc::clone(&signer);
                async move { Ok::<_, Infallible>(view(request, signer).await) }
            });
            let mut builder = http1::Builder::new();
            if options.header_timeout {
                builder
                    .timer(TokioTimer::new())
                    .header_read_timeout(Duration::from_secs(30));
            }
            // A connection that breaks is the client's matter.
            let _ = builder
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn main() -> std::io::Result<()> {
    let options = Options::from_args();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(options.threads)
        .enable_all()
        .build()?
        .block_on(serve(options))
}
