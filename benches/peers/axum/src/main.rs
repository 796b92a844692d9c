//! axum with `SignedCookieJar` of axum-extra: the session is JSON in a cookie that the jar signs (HMAC-SHA256).
//!
//! As axum-extra's documentation has it: the key sits in the state, the jar is an extractor, and is returned with the body.
//! The jar percent-encodes the JSON. `axum::serve` sets no timeouts.

use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, Path};
use axum::http::StatusCode;
use axum::routing::get;
use axum_extra::extract::SignedCookieJar;
use axum_extra::extract::cookie::{Cookie, Key};
use peer_common::{LONGEST_WAIT, Options, SECRET_KEY, Session};
use tokio::net::TcpListener;

#[derive(Clone)]
struct AppState {
    key: Key,
}

impl FromRef<AppState> for Key {
    fn from_ref(state: &AppState) -> Self {
        state.key.clone()
    }
}

/// The session's cookie, with the attributes that Flask gives it.
fn cookie(session: &Session) -> Result<Cookie<'static>, StatusCode> {
    let json = serde_json::to_string(session).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Cookie::build(("session", json))
        .path("/")
        .http_only(true)
        .build())
}

async fn login(jar: SignedCookieJar) -> Result<(SignedCookieJar, &'static str), StatusCode> {
    Ok((jar.add(cookie(&Session::jack())?), "welcome"))
}

async fn counter(jar: SignedCookieJar) -> Result<(SignedCookieJar, String), StatusCode> {
    let held = jar.get("session").ok_or(StatusCode::UNAUTHORIZED)?;
    let mut session: Session =
        serde_json::from_str(held.value()).map_err(|_| StatusCode::UNAUTHORIZED)?;
    session.n += 1;
    Ok((jar.add(cookie(&session)?), session.greeting()))
}

async fn hello() -> &'static str {
    "Hello, World!"
}

fn time(ms: u64) -> Duration {
    Duration::from_millis(ms.min(LONGEST_WAIT))
}

/// Waits as async code does.
async fn sleep(Path(ms): Path<u64>) -> &'static str {
    tokio::time::sleep(time(ms)).await;
    "slept"
}

/// Waits as a synchronous database driver does, called from a view as it is.
async fn block(Path(ms): Path<u64>) -> &'static str {
    std::thread::sleep(time(ms));
    "slept"
}

/// The same, as tokio's documentation wants it.
async fn offload(Path(ms): Path<u64>) -> Result<&'static str, StatusCode> {
    tokio::task::spawn_blocking(move || std::thread::sleep(time(ms)))
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok("slept")
}

async fn serve(options: Options) -> std::io::Result<()> {
    let app = Router::new()
        .route("/login", get(login))
        .route("/counter", get(counter))
        .route("/hello", get(hello))
        .route("/sleep/{ms}", get(sleep))
        .route("/block/{ms}", get(block))
        .route("/offload/{ms}", get(offload))
        .with_state(AppState {
            key: Key::from(SECRET_KEY),
        });
    let listener = TcpListener::bind(options.bind).await?;
    peer_common::announce(listener.local_addr()?);
    axum::serve(listener, app).await
}

fn main() -> std::io::Result<()> {
    let options = Options::from_args();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(options.threads)
        .enable_all()
        .build()?
        .block_on(serve(options))
}
