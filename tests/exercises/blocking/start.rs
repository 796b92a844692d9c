//! Neither view waits, so both are declared not to. But a before function does, for each of them.

use carafe::{App, Error, Route, Scaffold, g};

use super::Database;

// ANCHOR: app
pub(crate) fn create_app(database: &'static Database) -> App {
    let mut app = App::new("club");
    app.before_request(|| {
        g().set("user", database.user()?);
        Ok::<_, Error>(())
    });
    app.get(Route::new("/profile").blocking(false), || {
        let user: String = g().get("user").unwrap_or_default();
        format!("You are {user}.")
    });
    app.get(Route::new("/health").blocking(false), || "well");
    app
}
// ANCHOR_END: app
