//! Nothing is turned into an error that is an answer, and a tuple carries status and headers.

use carafe::{App, Error, Json, Scaffold, abort, request};

// ANCHOR: app
const TEAS: [&str; 2] = ["oolong", "assam"];

pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.get("/teas/<int:id>", show);
    app.post("/teas", add);
    app
}

fn show(id: usize) -> Result<Json<&'static str>, Error> {
    let tea = TEAS.get(id).ok_or_else(|| abort(404))?;
    Ok(Json(*tea))
}

/// A body, a status, and headers.
type Made = (Json<String>, u16, [(&'static str, &'static str); 1]);

/// Only says that it keeps the tea: here the answer is what counts.
fn add() -> Result<Made, Error> {
    let name = request().form()?.require("name")?.to_owned();
    Ok((Json(name), 201, [("Location", "/teas/2")]))
}
// ANCHOR_END: app
