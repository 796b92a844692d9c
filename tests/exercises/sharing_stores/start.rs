//! The app is on Flask's store, and knows the secret key.

use std::sync::Arc;

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::MemoryStore;
use carafe::{App, Error, Scaffold, session};

// ANCHOR: app
pub(crate) fn create_app(store: Arc<MemoryStore>) -> App {
    let mut app = App::new("exercise");
    app.config().set_secret_key("adavafa");
    app.session_interface(ServerSideSessionInterface::new(store));
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
