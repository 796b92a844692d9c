//! actix-session with its `RedisSessionStore`, for `benches/stores.rs`: peer-actix-session-redis URL
//!
//! Reads a number from each line, makes so many requests to the app, without a socket, and prints the nanoseconds of each.
//! Its store waits on tokio, in this one thread. The cookie is signed and not encrypted; Carafe's and Flask-Session's is
//! neither, and actix has no such setting.

use std::io::BufRead;
use std::time::Instant;

use actix_session::config::CookieContentSecurity;
use actix_session::storage::RedisSessionStore;
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::Key;
use actix_web::{App, Error, get, test};

#[get("/login")]
async fn login(session: Session) -> Result<&'static str, Error> {
    session.insert("count", 41)?;
    session.insert("username", "jack")?;
    Ok("welcome")
}

#[get("/counter")]
async fn counter(session: Session) -> Result<String, Error> {
    let count = session.get::<u64>("count")?.unwrap_or(0) + 1;
    session.insert("count", count)?;
    Ok(format!("visit {count}"))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("give it a Redis URL")?;
    let store = RedisSessionStore::new(url).await?;
    let sessions = SessionMiddleware::builder(store, Key::from(&[7; 64]))
        .cookie_secure(false)
        .cookie_content_security(CookieContentSecurity::Signed)
        .build();
    let app = App::new().wrap(sessions).service(login).service(counter);
    let app = test::init_service(app).await;
    let request = test::TestRequest::get().uri("/login").to_request();
    let response = test::call_service(&app, request).await;
    let cookie = response
        .response()
        .cookies()
        .next()
        .ok_or("no cookie")?
        .into_owned();
    let mut expected = 41;
    for line in std::io::stdin().lock().lines() {
        let mut times = Vec::new();
        for _ in 0..line?.trim().parse()? {
            let request = test::TestRequest::get().uri("/counter");
            let request = request.cookie(cookie.clone()).to_request();
            let begin = Instant::now();
            let response = test::call_service(&app, request).await;
            let text = test::read_body(response).await;
            times.push(begin.elapsed().as_nanos().to_string());
            expected += 1;
            assert_eq!(text, format!("visit {expected}"));
        }
        println!("{}", times.join(" "));
    }
    Ok(())
}
