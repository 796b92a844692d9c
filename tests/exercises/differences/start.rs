//! `abort` stands where it stood in Python.

use carafe::{App, Error, Scaffold, abort, request};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.get("/report/<int:number>", report);
    app
}

#[allow(unused_must_use)] // The compiler did warn.
fn must_be_member() {
    let name = request().args().get("name").map(str::to_owned);
    if name.as_deref() != Some("jack") {
        abort(403);
    }
}

fn report(number: i64) -> Result<String, Error> {
    must_be_member();
    match number {
        1..=3 => Ok(format!("report {number}")),
        _ => Err(abort(404)),
    }
}
// ANCHOR_END: app
