//! axum with tower-sessions and its `MemoryStore`: the session stays in the server, and the cookie holds an id.
//!
//! As the documentation of tower-sessions has it, without `Secure`, which plain HTTP would not bring back. The cookie is not
//! signed; the store is one map behind one lock.

use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use peer_common::{LONGEST_WAIT, Options};
use tokio::net::TcpListener;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer, session::Error};

fn failed(_: Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn login(session: Session) -> Result<&'static str, StatusCode> {
    session.insert("n", 41).await.map_err(failed)?;
    session.insert("username", "jack").await.map_err(failed)?;
    Ok("welcome")
}

async fn counter(session: Session) -> Result<String, StatusCode> {
    let nobody = StatusCode::UNAUTHORIZED;
    let n: u64 = session.get("n").await.map_err(failed)?.ok_or(nobody)?;
    let username: Option<String> = session.get("username").await.map_err(failed)?;
    let username = username.ok_or(nobody)?;
    session.insert("n", n + 1).await.map_err(failed)?;
    Ok(format!("{username} {}", n + 1))
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
    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_name("session")
        .with_secure(false);
    let app = Router::new()
        .route("/login", get(login))
        .route("/counter", get(counter))
        .route("/hello", get(hello))
        .route("/sleep/{ms}", get(sleep))
        .route("/block/{ms}", get(block))
        .route("/offload/{ms}", get(offload))
        .layer(sessions);
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
