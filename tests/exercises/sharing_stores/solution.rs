//! Each of the settings that the two apps have to agree on.

use std::sync::Arc;

use carafe::session::store::MemoryStore;
use carafe::session::{Format, ServerSideSessionInterface};
use carafe::{App, Error, Scaffold, session};

// ANCHOR: app
pub(crate) fn create_app(store: Arc<MemoryStore>) -> App {
    let mut app = App::new("exercise");
    app.config().set_secret_key("adavafa");
    app.config().set("SESSION_COOKIE_NAME", "id").unwrap();
    let sessions = ServerSideSessionInterface::new(store)
        .use_signer(true)
        .key_prefix("shop:")
        .serialization_format(Format::Json);
    app.session_interface(sessions);
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
