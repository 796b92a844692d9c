//! The page is always registered. Whether it is to be seen is a value, which may change at any time.

use carafe::{App, Error, Scaffold, Value, abort, current_app};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("shop");
    app.post("/open", open);
    app.get("/sale", sale);
    app
}

fn open() -> Result<&'static str, Error> {
    current_app().config().set("SALE_IS_OPEN", true)?;
    Ok("open")
}

fn sale() -> Result<&'static str, Error> {
    match current_app().config().get("SALE_IS_OPEN") {
        Some(Value::Bool(true)) => Ok("All pears must go!"),
        _ => Err(abort(404)),
    }
}
// ANCHOR_END: app
