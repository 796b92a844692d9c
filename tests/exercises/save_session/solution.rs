//! The login decides. And a permanent session is sent anew where it changed, not with every page.

use carafe::{App, Error, Scaffold, request, session};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.config().set_secret_key("adavafa");
    app.config()
        .set("SESSION_REFRESH_EACH_REQUEST", false)
        .unwrap();
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
    session().set_permanent(form.get("remember") == Some("yes"))?;
    Ok("welcome")
}
// ANCHOR_END: app
