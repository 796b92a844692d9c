//! Every session is permanent, by a before function, as many a tutorial has it.

use carafe::{App, Error, Scaffold, request, session};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.config().set_secret_key("adavafa");
    app.before_request(|| session().set_permanent(true));
    app.get("/about", || "about us");
    app.get("/", index);
    app.post("/login", login);
    app
}

fn index() -> String {
    let username: Option<String> = session().get("username");
    format!("Hello, {}!", username.unwrap_or("stranger".to_owned()))
}

fn login() -> Result<&'static str, Error> {
    let request = request();
    let form = request.form()?;
    session().insert("username", form.require("username")?)?;
    Ok("welcome")
}
// ANCHOR_END: app
