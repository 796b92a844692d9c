//! The book, served by Carafe, with a page that sends requests of your own to a live app.
//!
//! ```text
//! mdbook build book
//! cargo run --features server --example live_book
//! ```
//!
//! Open the address that it prints, and there "Send your own request". Each request is answered by a real
//! app in this process, and what it went through is played by the book's stepper.
//!
//! `files.rs` serves the book, `live.rs` the requests of its readers, and `demo.rs` is the app that gets them.
//! How a trace is made and shown comes from the example `lifecycle`.

#[allow(dead_code, reason = "its command line and its other apps")]
#[path = "../lifecycle/main.rs"]
mod lifecycle;

pub(crate) mod demo;
pub(crate) mod files;
pub(crate) mod headers;
pub(crate) mod live;
pub(crate) mod moments;

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use carafe::server::Server;
use carafe::wsgi::{Body, Environ, Pace, StartResponse, WsgiApp};
use carafe::{App, Error};

use live::Live;

const USAGE: &str = "\
usage: live_book [--bind ADDR] [--book DIR]

  --bind ADDR   listen here; 127.0.0.1:5000 without it
  --book DIR    where mdbook has built the book; target/book without it
";

// ANCHOR: site
/// The book, and below `/live/` the requests of its readers.
pub(crate) struct Site {
    book: App,
    live: Live,
}

impl Site {
    fn part(&self, environ: &Environ) -> &dyn WsgiApp {
        match environ.path_info.starts_with(live::ROOT) {
            true => &self.live,
            false => &self.book,
        }
    }
}

impl WsgiApp for Site {
    fn call(
        &self,
        environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        self.part(&environ).call(environ, start_response)
    }

    fn pace(&self, environ: &Environ) -> Option<&Arc<Pace>> {
        self.part(environ).pace(environ)
    }
}
// ANCHOR_END: site

/// The site, or in words why there is none.
pub(crate) fn create_site(book: &Path) -> Result<Site, String> {
    let folder = book.canonicalize().ok();
    let folder = folder.filter(|folder| folder.join("index.html").is_file());
    let Some(folder) = folder else {
        return Err(format!(
            "There is no book in {}. Build it first: mdbook build book",
            book.display()
        ));
    };
    let secret_key = secret_key().map_err(|error| format!("/dev/urandom: {error}"))?;
    let app = demo::create_app(&secret_key).map_err(|error| error.to_string())?;
    Ok(Site {
        book: files::create_app(folder),
        live: Live::new(app),
    })
}

/// Another one each time: the sessions of readers end with the process.
fn secret_key() -> std::io::Result<String> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    }))
}

fn run() -> Result<(), String> {
    let (mut bind, mut book) = ("127.0.0.1:5000".to_owned(), "target/book".to_owned());
    let mut options = std::env::args().skip(1);
    while let Some(option) = options.next() {
        let mut value = || {
            let value = options.next();
            value.ok_or_else(|| format!("{option} wants a value\n{USAGE}"))
        };
        match option.as_str() {
            "--bind" => bind = value()?,
            "--book" => book = value()?,
            "--help" => {
                print!("{USAGE}");
                return Ok(());
            }
            _ => return Err(format!("what is {option}?\n{USAGE}")),
        }
    }
    let site = create_site(Path::new(&book))?;
    let server = Server::new(site).max_body_bytes(64 * 1024).bind(&bind);
    let served = server.and_then(Server::serve);
    served.map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("live_book: {why}");
            ExitCode::FAILURE
        }
    }
}
