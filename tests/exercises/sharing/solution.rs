//! Stock Flask's SHA-1, and the old key among the fallbacks, which open and do not sign.

use carafe::session::SecureCookieSessionInterface;
use carafe::{App, Error, Scaffold, Value, session};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.session_interface(SecureCookieSessionInterface::flask());
    app.config().set_secret_key("the new key");
    let old = Value::from(vec!["the old key"]);
    app.config().set("SECRET_KEY_FALLBACKS", old).unwrap();
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
