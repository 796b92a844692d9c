//! The thread asks for the request that it works for.

use std::thread;

use carafe::context::try_request;
use carafe::{App, Error, Scaffold};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.get("/shout", shout);
    app
}

fn shout() -> String {
    let thread = thread::spawn(|| -> Result<String, Error> {
        let request = try_request()?;
        Ok(request.args().get("text").unwrap_or("").to_uppercase())
    });
    match thread.join() {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => error.to_string(),
        Err(_panic) => "the thread panicked".to_owned(),
    }
}
// ANCHOR_END: app
