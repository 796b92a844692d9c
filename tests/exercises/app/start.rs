//! The page is added when it is to be seen.

use carafe::{App, Scaffold, current_app};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("shop");
    app.post("/open", open);
    app
}

fn open() -> &'static str {
    current_app().get("/sale", sale);
    "open"
}

fn sale() -> &'static str {
    "All pears must go!"
}
// ANCHOR_END: app
