//! Deletes the sessions that have expired from a store that does not do so by itself: Flask-Session's
//! `flask session_cleanup`. For cron, or whatever else keeps time.
//!
//! ```text
//! cargo run --example session_cleanup -- file:///var/lib/shop/sessions
//! ```
//!
//! An app that would rather not needs `ServerSideSessionInterface::cleanup_n_requests`.

use std::process::ExitCode;

use carafe::clock::{Clock, SystemClock};
use carafe::session::store;

fn main() -> ExitCode {
    let Some(url) = std::env::args().nth(1) else {
        eprintln!("usage: session_cleanup URL");
        return ExitCode::from(2);
    };
    // ANCHOR: session_cleanup
    let deleted = store::open(&url).and_then(|store| store.cleanup(SystemClock.now()));
    match deleted {
        Ok(deleted) => {
            println!("{deleted} sessions had expired");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
    // ANCHOR_END: session_cleanup
}
