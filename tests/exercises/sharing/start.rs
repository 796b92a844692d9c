//! The app has the key that Flask signs with, and nothing else of what Flask signs with.

use carafe::{App, Error, Scaffold, session};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.config().set_secret_key("the new key");
    app.get("/name", name);
    app.get("/count", count);
    app
}

fn name() -> String {
    session().get("username").unwrap_or_default()
}

fn count() -> Result<&'static str, Error> {
    let visits: u32 = session().get("visits").unwrap_or(0);
    session().insert("visits", visits + 1)?;
    Ok("counted")
}
// ANCHOR_END: app
