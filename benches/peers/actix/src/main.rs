//! actix-web with actix-session's `CookieSessionStore`: the session is JSON in a cookie, signed (HMAC-SHA256).
//!
//! As actix-session's documentation has it, with two settings that make it faster or comparable: the cookie is signed and not
//! encrypted, as Flask's is, and a connection is kept for 75 seconds and not for 5. actix has a timeout on a request's
//! headers by default, and keeps it.

use std::time::Duration;

use actix_session::storage::CookieSessionStore;
use actix_session::{Session, SessionMiddleware, config::CookieContentSecurity};
use actix_web::cookie::Key;
use actix_web::{App, Error, HttpServer, Responder, error, get, web};
use peer_common::{LONGEST_WAIT, Options, SECRET_KEY};

#[get("/login")]
async fn login(session: Session) -> Result<impl Responder, Error> {
    session.insert("n", 41)?;
    session.insert("username", "jack")?;
    Ok("welcome")
}

#[get("/counter")]
async fn counter(session: Session) -> Result<impl Responder, Error> {
    let nobody = || error::ErrorUnauthorized("not logged in");
    let n = session.get::<u64>("n")?.ok_or_else(nobody)? + 1;
    let username = session.get::<String>("username")?.ok_or_else(nobody)?;
    session.insert("n", n)?;
    Ok(format!("{username} {n}"))
}

#[get("/hello")]
async fn hello() -> impl Responder {
    "Hello, World!"
}

fn time(ms: u64) -> Duration {
    Duration::from_millis(ms.min(LONGEST_WAIT))
}

/// Waits as async code does.
#[get("/sleep/{ms}")]
async fn sleep(ms: web::Path<u64>) -> impl Responder {
    actix_web::rt::time::sleep(time(*ms)).await;
    "slept"
}

/// Waits as a synchronous database driver does, called from a view as it is.
#[get("/block/{ms}")]
async fn block(ms: web::Path<u64>) -> impl Responder {
    std::thread::sleep(time(*ms));
    "slept"
}

/// The same, as actix's documentation wants it.
#[get("/offload/{ms}")]
async fn offload(ms: web::Path<u64>) -> Result<impl Responder, Error> {
    web::block(move || std::thread::sleep(time(*ms))).await?;
    Ok("slept")
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let options = Options::from_args();
    let key = Key::from(SECRET_KEY);
    let server = HttpServer::new(move || {
        let session = SessionMiddleware::builder(CookieSessionStore::default(), key.clone())
            .cookie_name("session".to_owned())
            .cookie_content_security(CookieContentSecurity::Signed)
            .cookie_secure(false)
            .build();
        App::new()
            .wrap(session)
            .service((login, counter, hello, sleep, block, offload))
    })
    .workers(options.threads)
    .keep_alive(Duration::from_secs(75))
    .bind(options.bind)?;
    for address in server.addrs() {
        peer_common::announce(address);
    }
    server.run().await
}
