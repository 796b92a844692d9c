//! `abort` makes the error, and the caller passes it on.

use carafe::{App, Error, Scaffold, abort, request};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.get("/report/<int:number>", report);
    app
}

fn must_be_member() -> Result<(), Error> {
    let name = request().args().get("name").map(str::to_owned);
    match name.as_deref() {
        Some("jack") => Ok(()),
        _ => Err(abort(403)),
    }
}

fn report(number: i64) -> Result<String, Error> {
    must_be_member()?;
    match number {
        1..=3 => Ok(format!("report {number}")),
        _ => Err(abort(404)),
    }
}
// ANCHOR_END: app
