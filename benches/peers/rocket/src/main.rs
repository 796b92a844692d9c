//! Rocket with its private cookies: the session is JSON in a cookie that Rocket encrypts and authenticates (AES-256-GCM).
//!
//! Rocket 0.5 has no cookie that is signed and readable, as Flask's is. Its log is off, and a connection is kept for 75
//! seconds and not for 5. It is built on hyper 0.14, and adds three security headers to each answer (its `Shield`).

use std::net::SocketAddr;
use std::time::Duration;

use peer_common::{LONGEST_WAIT, Options, SECRET_KEY, Session};
use rocket::config::{LogLevel, SecretKey};
use rocket::fairing::AdHoc;
use rocket::http::{Cookie, CookieJar, Status};
use rocket::tokio;
use rocket::{Config, get, routes};

fn save(jar: &CookieJar<'_>, session: &Session) -> Result<(), Status> {
    let json = serde_json::to_string(session).map_err(|_| Status::InternalServerError)?;
    jar.add_private(Cookie::new("session", json));
    Ok(())
}

#[get("/login")]
fn login(jar: &CookieJar<'_>) -> Result<&'static str, Status> {
    save(jar, &Session::jack())?;
    Ok("welcome")
}

#[get("/counter")]
fn counter(jar: &CookieJar<'_>) -> Result<String, Status> {
    let held = jar.get_private("session").ok_or(Status::Unauthorized)?;
    let mut session: Session =
        serde_json::from_str(held.value()).map_err(|_| Status::Unauthorized)?;
    session.n += 1;
    save(jar, &session)?;
    Ok(session.greeting())
}

#[get("/hello")]
fn hello() -> &'static str {
    "Hello, World!"
}

fn time(ms: u64) -> Duration {
    Duration::from_millis(ms.min(LONGEST_WAIT))
}

/// Waits as async code does.
#[get("/sleep/<ms>")]
async fn sleep(ms: u64) -> &'static str {
    tokio::time::sleep(time(ms)).await;
    "slept"
}

/// Waits as a synchronous database driver does, called from a view as it is. Rocket runs a view that is no `async fn` on
/// the worker as well.
#[get("/block/<ms>")]
fn block(ms: u64) -> &'static str {
    std::thread::sleep(time(ms));
    "slept"
}

/// The same, as Rocket's guide wants it.
#[get("/offload/<ms>")]
async fn offload(ms: u64) -> Result<&'static str, Status> {
    tokio::task::spawn_blocking(move || std::thread::sleep(time(ms)))
        .await
        .map_err(|_| Status::InternalServerError)?;
    Ok("slept")
}

/// Rocket makes its runtime from the configuration, so that is where `threads` goes.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::from_args();
    let config = Config {
        address: options.bind.ip(),
        port: options.bind.port(),
        workers: options.threads,
        keep_alive: 75,
        log_level: LogLevel::Off,
        cli_colors: false,
        secret_key: SecretKey::from(SECRET_KEY),
        ..Config::release_default()
    };
    let announce = AdHoc::on_liftoff("announce", |rocket| {
        Box::pin(async move {
            let config = rocket.config();
            peer_common::announce(SocketAddr::new(config.address, config.port));
        })
    });
    let rocket = rocket::custom(config)
        .attach(announce)
        .mount("/", routes![login, counter, hello, sleep, block, offload]);
    rocket::execute(async move { rocket.launch().await }).map_err(Box::new)?;
    Ok(())
}
