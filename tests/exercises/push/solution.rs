//! A before function asks. By then the push has opened the session and matched the URL, so it knows the
//! visitor and the endpoint; and no 404 has been raised yet.

use carafe::{App, Error, Scaffold, abort, request, session};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("club");
    app.config().set_secret_key("adavafa");
    app.before_request(members_only);
    app.post("/login", login);
    app.get("/members", members);
    app
}

fn members_only() -> Result<(), Error> {
    let open = request().endpoint() == Some("login");
    match open || session().contains_key("member") {
        true => Ok(()),
        false => Err(abort(401)),
    }
}

fn login() -> Result<&'static str, Error> {
    session().insert("member", true)?;
    Ok("welcome")
}

fn members() -> &'static str {
    "jack and jill"
}
// ANCHOR_END: app
