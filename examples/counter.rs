//! A session that counts: the app that every comparison of servers runs.
//!
//! `cargo run --release --features server --example counter -- --bind 127.0.0.1:0`
//!
//! | path | does |
//! | --- | --- |
//! | `/login` | sets the session to `{"n": 41, "username": "jack"}` |
//! | `/counter` | adds one to `n`, and answers `jack 42` |
//! | `/hello` | answers a short text; touches no session |
//! | `/sleep/<int:ms>` | waits, as for a database |
//!
//! `--inline` declares the first three as routes that do not wait; without it nothing is declared.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use carafe::server::Server;
use carafe::{App, Error, Route, Scaffold, session};

const USAGE: &str =
    "usage: counter [--bind ADDR] [--secret-key K] [--threads N] [--pool N] [--inline]";

fn login() -> Result<&'static str, Error> {
    session().insert("n", 41)?;
    session().insert("username", "jack")?;
    Ok("welcome")
}

fn counter() -> Result<String, Error> {
    let session = session();
    let n = session.get("n").unwrap_or(0) + 1;
    session.insert("n", n)?;
    let username: String = session.get("username").unwrap_or_default();
    Ok(format!("{username} {n}"))
}

fn app(secret_key: &str, inline: bool) -> App {
    let mut app = App::new("counter");
    app.config().set_secret_key(secret_key);
    let route = |rule: &str| match inline {
        true => Route::new(rule).blocking(false),
        false => Route::new(rule),
    };
    app.get(route("/login"), login);
    app.get(route("/counter"), counter);
    app.get(route("/hello"), || "Hello, World!");
    app.get("/sleep/<int:ms>", |ms: u64| {
        sleep(Duration::from_millis(ms));
        format!("slept {ms} ms")
    });
    app
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let (mut bind, mut secret_key) = ("127.0.0.1:5000".to_owned(), "adavafa".to_owned());
    let (mut threads, mut pool, mut inline) = (None, None, false);
    let mut options = std::env::args().skip(1);
    while let Some(option) = options.next() {
        let mut value = || {
            options
                .next()
                .ok_or(format!("{option} wants a value\n{USAGE}"))
        };
        match option.as_str() {
            "--bind" => bind = value()?,
            "--secret-key" => secret_key = value()?,
            "--threads" => threads = Some(value()?.parse()?),
            "--pool" => pool = Some(value()?.parse()?),
            "--inline" => inline = true,
            "--help" => {
                println!("{USAGE}");
                return Ok(());
            }
            _ => return Err(format!("what is {option}?\n{USAGE}").into()),
        }
    }
    let mut server = Server::new(app(&secret_key, inline)).bind(&bind)?;
    if let Some(threads) = threads {
        server = server.threads(threads);
    }
    if let Some(pool) = pool {
        server = server.pool(pool);
    }
    Ok(server.serve()?)
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
