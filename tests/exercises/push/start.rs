//! The view asks who is there. For a page that is not there, there is no view to ask.

use carafe::{App, Error, Scaffold, abort, session};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("club");
    app.config().set_secret_key("adavafa");
    app.post("/login", login);
    app.get("/members", members);
    app
}

fn login() -> Result<&'static str, Error> {
    session().insert("member", true)?;
    Ok("welcome")
}

fn members() -> Result<&'static str, Error> {
    match session().contains_key("member") {
        true => Ok("jack and jill"),
        false => Err(abort(401)),
    }
}
// ANCHOR_END: app
