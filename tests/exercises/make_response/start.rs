//! The views return what they have.

use carafe::{App, Error, Json, Scaffold, request};

// ANCHOR: app
const TEAS: [&str; 2] = ["oolong", "assam"];

pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.get("/teas/<int:id>", show);
    app.post("/teas", add);
    app
}

fn show(id: usize) -> Option<Json<&'static str>> {
    TEAS.get(id).map(|tea| Json(*tea))
}

/// Only says that it keeps the tea: here the answer is what counts.
fn add() -> Result<Json<String>, Error> {
    let name = request().form()?.require("name")?.to_owned();
    Ok(Json(name))
}
// ANCHOR_END: app
