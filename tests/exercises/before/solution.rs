//! The user is loaded before the gate asks for one, and the login page has no gate.

use carafe::{App, Error, Response, Scaffold, g, redirect, request, session};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.config().set_secret_key("adavafa");
    app.before_request(load_user);
    app.before_request(gate);
    app.get("/", index);
    app.get("/login", ask_name);
    app.post("/login", login);
    app
}

/// Sends strangers to the login page. Where no rule matched the path is all there is to ask for: such a
/// request has no endpoint.
fn gate() -> Result<Option<Response>, Error> {
    if request().path() == "/login" {
        return Ok(None);
    }
    match g().get::<String>("user") {
        Some(_) => Ok(None),
        None => redirect("/login").map(Some),
    }
}

/// Leaves the user's name in `g`.
fn load_user() {
    if let Some(name) = session().get::<String>("name") {
        g().set("user", name);
    }
}

fn index() -> String {
    let user: String = g().get("user").unwrap_or_default();
    format!("Hello, {user}!")
}

fn ask_name() -> &'static str {
    "Who are you?"
}

fn login() -> Result<&'static str, Error> {
    session().insert("name", request().form()?.require("name")?)?;
    Ok("Welcome!")
}
// ANCHOR_END: app
