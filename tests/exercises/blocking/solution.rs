//! Who needs the user asks for it, and says that this may wait.

use carafe::{App, Error, Route, Scaffold};

use super::Database;

// ANCHOR: app
pub(crate) fn create_app(database: &'static Database) -> App {
    let mut app = App::new("club");
    app.get(Route::new("/profile").blocking(true), || {
        let user = database.user()?;
        Ok::<_, Error>(format!("You are {user}."))
    });
    app.get(Route::new("/health").blocking(false), || "well");
    app
}
// ANCHOR_END: app
