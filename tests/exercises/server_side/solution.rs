//! Counts the visits of those who have a session anyway, moves it at the login, and ends it at the logout.

use carafe::session::ServerSideSessionInterface;
use carafe::{App, Error, Scaffold, session};

// ANCHOR: app
pub(crate) fn create_app(sessions: ServerSideSessionInterface) -> App {
    let mut app = App::new("exercise");
    app.session_interface(sessions);
    app.before_request(|| {
        if session().is_empty() {
            return Ok(());
        }
        let visits: u64 = session().get("visits").unwrap_or(0);
        session().insert("visits", visits + 1)
    });
    app.get("/", || {
        let user: Option<String> = session().get("user");
        let item: Option<String> = session().get("cart");
        let item = item.map_or("nothing".to_owned(), |item| format!("an {item}"));
        format!("{} has {item}", user.unwrap_or("nobody".to_owned()))
    });
    app.get("/cart/<item>", |item: String| {
        session().insert("cart", item)?;
        Ok::<_, Error>("in the cart")
    });
    app.get("/login/<user>", |user: String| {
        session().regenerate();
        session().insert("user", user)?;
        Ok::<_, Error>("welcome")
    });
    app.get("/logout", || {
        session().clear()?;
        Ok::<_, Error>("bye")
    });
    app
}
// ANCHOR_END: app
