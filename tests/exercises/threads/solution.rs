//! Each thread gets a copy of the context, and counts in one step.

use std::thread;

use carafe::{App, Error, Scaffold, Value, copy_current_request_context, request, session};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.config().set_secret_key("adavafa");
    app.get("/prices", prices);
    app
}

// ANCHOR: prices
fn prices() -> Result<String, Error> {
    let threads: Vec<_> = (1..=4)
        .map(|shop| thread::spawn(copy_current_request_context(move || ask(shop))))
        .collect();
    let mut answers = Vec::new();
    for thread in threads {
        let answer = thread
            .join()
            .map_err(|_panic| Error::runtime("a thread panicked"))?;
        answers.push(answer??);
    }
    Ok(answers.join(", "))
}

/// The answer of one shop.
fn ask(shop: u32) -> Result<String, Error> {
    let request = request();
    let thing = request.args().require("of")?;
    session().update(|data| {
        let asked = data.get("asked").and_then(Value::as_i64).unwrap_or(0);
        data.insert("asked".to_owned(), (asked + 1).into());
    })?;
    Ok(format!("{thing}: {shop}"))
}
// ANCHOR_END: prices
// ANCHOR_END: app
