//! The app that readers of the book send their requests to.
//!
//! It has a bit of everything that a request can meet: hooks, a session, a page that is streamed, and ways to
//! fail. Readers choose among [`CHOICES`]; what they can say in their own words is the form.

use carafe::{
    App, Error, HttpException, Response, Scaffold, abort, after_this_request, g, request, session,
    stream_with_context,
};

/// A name of its own: cookies are for all ports of a host, and other apps may live there too.
pub(crate) const COOKIE: &str = "live_book_session";

/// A request that a reader may choose.
pub(crate) struct Choice {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// The names of the form's fields, whose values are the reader's.
    pub(crate) fields: &'static [&'static str],
    pub(crate) about: &'static str,
}

const fn choice(
    method: &'static str,
    path: &'static str,
    fields: &'static [&'static str],
    about: &'static str,
) -> Choice {
    Choice {
        method,
        path,
        fields,
        about,
    }
}

// ANCHOR: choices
pub(crate) const CHOICES: &[Choice] = &[
    choice("GET", "/", &[], "greets you, and counts your visits"),
    choice(
        "POST",
        "/login",
        &["username"],
        "remembers your name; without one it is a 400",
    ),
    choice("POST", "/logout", &[], "forgets you"),
    choice("GET", "/item/7", &[], "one of the nine items"),
    choice("GET", "/item/70", &[], "a view that aborts with 404"),
    choice("GET", "/lines", &[], "a page that is made while it is sent"),
    choice("GET", "/fail", &[], "a view that fails"),
    choice("GET", "/nowhere", &[], "a URL that no rule matches"),
];
// ANCHOR_END: choices

// ANCHOR: create_app
pub(crate) fn create_app(secret_key: &str) -> Result<App, Error> {
    let mut app = App::new("demo");
    app.config().set_secret_key(secret_key);
    app.config().set("SESSION_COOKIE_NAME", COOKIE)?;
    app.config().set("SESSION_COOKIE_PATH", "/live/")?;
    app.config().set("SESSION_COOKIE_SAMESITE", "Strict")?;

    app.before_request(load_user);
    app.get("/", index);
    app.post("/login", login);
    app.post("/logout", logout);
    app.get("/item/<int:id>", item);
    app.get("/lines", lines);
    app.get("/fail", fail);
    app.errorhandler(404, not_here);
    app.errorhandler(500, apologize);
    app.after_request(add_header);
    app.teardown_request(close_cursor);
    Ok(app)
}
// ANCHOR_END: create_app

fn load_user() {
    if let Some(name) = session().get::<String>("username") {
        g().set("user", name);
    }
}

fn index() -> Result<String, Error> {
    let visits = session().get("visits").unwrap_or(0) + 1;
    session().insert("visits", visits)?;
    Ok(match g().get::<String>("user") {
        Some(name) => format!("Hello, {name}! This is visit {visits}."),
        None => format!("Hello, stranger! This is visit {visits}."),
    })
}

fn login() -> Result<String, Error> {
    let name = request().form()?.require("username")?.trim().to_owned();
    if name.is_empty() {
        return Err(abort(400));
    }
    session().insert("username", &name)?;
    after_this_request(|response| response.set_header("X-Welcome", "yes"));
    Ok(format!("Welcome, {name}!"))
}

fn logout() -> Result<&'static str, Error> {
    session().clear()?;
    Ok("Goodbye!")
}

fn item(id: i64) -> Result<String, Error> {
    match id {
        1..=9 => Ok(format!("item {id}")),
        _ => Err(abort(404)),
    }
}

fn lines() -> Response {
    let name = g().get("user").unwrap_or("stranger".to_owned());
    let lines = ["one line\n", "another line\n"].into_iter();
    let lines = lines.map(move |line| format!("{name} on {}: {line}", request().path()));
    Response::stream(stream_with_context(lines))
}

fn fail() -> Result<&'static str, Error> {
    let _seven: i32 = "seven".parse()?;
    Ok("never said")
}

fn not_here(_error: &HttpException) -> (&'static str, u16) {
    ("There is nothing here.", 404)
}

fn apologize(_error: &HttpException) -> (&'static str, u16) {
    ("Something went wrong. It is not your fault.", 500)
}

fn add_header(response: &mut Response) -> Result<(), Error> {
    // Whatever a reader typed is text.
    response.set_content_type("text/plain; charset=utf-8")?;
    response.set_header("X-App", "demo")
}

fn close_cursor(_error: Option<&Error>) {}
