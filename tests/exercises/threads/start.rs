//! The threads go without a context.

use std::thread;

use carafe::{App, Error, Scaffold, request, session};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.config().set_secret_key("adavafa");
    app.get("/prices", prices);
    app
}

fn prices() -> Result<String, Error> {
    let threads: Vec<_> = (1..=4)
        .map(|shop| thread::spawn(move || ask(shop)))
        .collect();
    let mut answers = Vec::new();
    for thread in threads {
        let answer = thread
            .join()
            .map_err(|_panic| Error::runtime("a thread panicked"))?;
        answers.push(answer?);
    }
    Ok(answers.join(", "))
}

/// The answer of one shop.
fn ask(shop: u32) -> Result<String, Error> {
    let request = request();
    let thing = request.args().require("of")?;
    let asked: u32 = session().get("asked").unwrap_or(0);
    thread::yield_now();
    session().insert("asked", asked + 1)?;
    Ok(format!("{thing}: {shop}"))
}
// ANCHOR_END: app
