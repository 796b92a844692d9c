//! The app of every Flask session tutorial, with one of each kind of hook.
//!
//! Read `create_app` first, then the functions in the order in which a request meets them.

use carafe::{
    App, Error, HttpException, Response, Scaffold, ViewArgs, after_this_request, escape, g,
    request, session,
};

/// Signs the session cookie. A real app reads it from where nobody else can.
pub(crate) const SECRET_KEY: &str = "adavafa";

// ANCHOR: create_app
pub(crate) fn create_app() -> App {
    let mut app = App::new("tutorial");
    app.config().set_secret_key(SECRET_KEY);

    app.before_first_request(create_tables);
    app.url_value_preprocessor(count_args);
    app.before_request(load_user);
    app.get("/", index);
    app.post("/login", login);
    app.get("/fail", fail);
    app.errorhandler(500, apologize);
    app.after_request(add_header);
    app.teardown_request(close_cursor);
    app.teardown_appcontext(close_database);
    app
}
// ANCHOR_END: create_app

fn create_tables() {}

fn count_args(_endpoint: Option<&str>, args: Option<&mut ViewArgs>) {
    g().set("args", args.map_or(0, |args| args.len()));
}

// ANCHOR: load_user
fn load_user() {
    if let Some(name) = session().get::<String>("username") {
        g().set("user", name);
    }
}
// ANCHOR_END: load_user

// ANCHOR: index
fn index() -> String {
    match g().get::<String>("user") {
        Some(name) => format!("Hello, {}!", escape(&name)),
        None => "You are not logged in.".to_owned(),
    }
}
// ANCHOR_END: index

fn login() -> Result<String, Error> {
    let name = request().form()?.require("username")?.to_owned();
    session().insert("username", &name)?;
    after_this_request(|response| response.set_header("X-Welcome", "yes"));
    Ok(format!("Welcome, {}!", escape(&name)))
}

fn fail() -> Result<&'static str, Error> {
    let _seven: i32 = "seven".parse()?;
    Ok("never said")
}

fn apologize(_error: &HttpException) -> (&'static str, u16) {
    ("Something went wrong. It is not your fault.", 500)
}

fn add_header(response: &mut Response) -> Result<(), Error> {
    response.set_header("X-App", "tutorial")
}

fn close_cursor(_error: Option<&Error>) {}

fn close_database(_error: Option<&Error>) {}
