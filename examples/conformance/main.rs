//! Runs scenarios on Carafe: `cargo run --release --example conformance < scenarios.jsonl`.
//!
//! A scenario is a small app and a list of requests, as one line of JSON (`tests/conformance/format.md`); its
//! result is one line too, in the same order. `tests/conformance/` runs the same scenarios on real Flask and
//! compares. A line that is no scenario gets `{"id": ..., "error": "..."}`, and the next one is read.
//!
//! Read next: `scenario.rs` (how a scenario becomes an app), `ops.rs` (what its functions do),
//! `client.rs` (how its requests are sent).

// Nothing outside of a program can reach into it.
#![allow(unreachable_pub)]

mod client;
mod ops;
mod scenario;

use std::io::{self, BufRead, Write};
use std::panic::catch_unwind;

use carafe::{Dict, Value, json};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

fn main() -> io::Result<()> {
    // A bad rule or a duplicate name panics, as it should at start-up; here it is one more result.
    std::panic::set_hook(Box::new(|_| {}));
    // Unhandled errors are what many scenarios are about. A log that hears them and keeps none of it
    // keeps them off standard error.
    let silent = tracing_subscriber::registry().with(LevelFilter::WARN);
    tracing::subscriber::set_global_default(silent).map_err(io::Error::other)?;

    let mut out = io::stdout().lock();
    for line in io::stdin().lock().split(b'\n') {
        let line = line?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        // Flushed line by line: whoever asks for one scenario at a time waits for the answer.
        let result = json::dumps(&answer(&line)).map_err(io::Error::other)?;
        writeln!(out, "{result}")?;
        out.flush()?;
    }
    Ok(())
}

/// The result of one line.
fn answer(line: &[u8]) -> Value {
    let scenario = match json::loads_bytes(line) {
        Ok(Value::Dict(scenario)) => scenario,
        Ok(_) => return failed(Value::Null, "a scenario is an object"),
        Err(error) => return failed(Value::Null, &error.to_string()),
    };
    let id = scenario.get("id").cloned().unwrap_or_default();
    match catch_unwind(|| client::run(&scenario)) {
        Ok(Ok(responses)) => Value::Dict(Dict::from_iter([
            ("id".to_owned(), id),
            ("responses".to_owned(), Value::List(responses)),
        ])),
        Ok(Err(message)) => failed(id, &message),
        Err(payload) => {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
            failed(id, text.unwrap_or("the app could not be set up"))
        }
    }
}

fn failed(id: Value, message: &str) -> Value {
    Value::Dict(Dict::from_iter([
        ("id".to_owned(), id),
        ("error".to_owned(), Value::from(message)),
    ]))
}
