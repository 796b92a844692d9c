//! The view's thread asks, where there is a request, and gives the other one what it got: the object may
//! go where the proxy does not lead.

use std::thread;

use carafe::{App, Error, Scaffold, request};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.get("/shout", shout);
    app
}

fn shout() -> String {
    let request = request();
    let thread = thread::spawn(move || -> Result<String, Error> {
        Ok(request.args().get("text").unwrap_or("").to_uppercase())
    });
    match thread.join() {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => error.to_string(),
        Err(_panic) => "the thread panicked".to_owned(),
    }
}
// ANCHOR_END: app
