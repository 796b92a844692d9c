//! An after function counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use carafe::{App, Error, Response, Scaffold};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let served = Arc::new(AtomicUsize::new(0));
    let mut app = App::new("exercise");
    app.get("/", || "light");
    app.get("/heavy", || "heavy ".repeat(1000));
    let so_far = Arc::clone(&served);
    app.get("/count", move || so_far.load(Ordering::Relaxed).to_string());
    app.after_request(weigh);
    app.after_request(move |_: &mut Response| {
        served.fetch_add(1, Ordering::Relaxed);
    });
    app
}

fn weigh(response: &mut Response) -> Result<(), Error> {
    match response.get_data()?.len() {
        0..1000 => Ok(()),
        _ => Err(Error::value_error("too heavy")),
    }
}
// ANCHOR_END: app
