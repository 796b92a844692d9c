//! The application factory: settings, blueprints, static files, error pages, and the headers that every
//! response gets.
//!
//! Flask's tutorial: `flaskr/__init__.py`, "Application Setup".
//!
//! Read next: `db.rs`, then `auth.rs`.

use std::path::Path;

use carafe::{App, Error, HttpException, Response, Route, Scaffold, abort};
use minijinja::context;

use super::templates::render_template;
use super::{auth, db, posts, same_site};

/// The largest body that is read, in bytes: that of a post of the longest text, each of its characters
/// percent-encoded.
const MAX_BODY: u64 = 256 * 1024;

/// The blog, with its posts in the SQLite file `database`, which is made where there is none.
///
/// It has no secret key yet.
///
/// # Errors
/// Where the database cannot be made or opened.
pub(crate) fn create_app(database: &Path) -> Result<App, Error> {
    let mut app = App::new("blog");
    let config = app.config();
    config.set("DATABASE", database.to_string_lossy().into_owned())?;
    config.set("MAX_CONTENT_LENGTH", MAX_BODY)?;
    // The browser sends the session along with a link to here, but not with a form on another site.
    // Behind https set SESSION_COOKIE_SECURE too. HTTPONLY is Flask's default.
    config.set("SESSION_COOKIE_SAMESITE", "Lax")?;

    db::init_app(&mut app);
    app.app_context().with(db::create_tables)??;

    // The first of all: what another site sent is not even looked at.
    app.before_request(same_site::refuse_other_sites);
    app.after_request(protect);
    app.errorhandler_for(error_page);
    app.get("/hello", hello);
    app.get(
        Route::new("/static/<path:filename>").endpoint("static"),
        |filename: String| static_file(&filename),
    );
    app.register_blueprint(auth::blueprint());
    app.register_blueprint(posts::blueprint());
    Ok(app)
}

/// Gives the app a key that nobody knows, and that is gone when the process is.
///
/// # Errors
/// Where the system has no randomness to give.
pub(crate) fn make_secret_key(app: &App) -> Result<(), Error> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)?;
    app.config().set_secret_key(key);
    Ok(())
}

fn hello() -> &'static str {
    "Hello, World!"
}

/// The files in `static/`. They are part of the program, so that it needs nothing beside it; a larger
/// site leaves them to the web server in front of it.
fn static_file(filename: &str) -> Result<Response, Error> {
    let (content_type, text) = match filename {
        "style.css" => ("text/css; charset=utf-8", include_str!("static/style.css")),
        "icon.svg" => ("image/svg+xml", include_str!("static/icon.svg")),
        _ => return Err(abort(404)),
    };
    let mut response = Response::new(text);
    response.set_content_type(content_type)?;
    response.set_header("Cache-Control", "public, max-age=300")?;
    Ok(response)
}

/// Every HTTP error, that of an unhandled error included, as a page of the blog.
fn error_page(error: &HttpException) -> Result<Response, Error> {
    let mut response = error.get_response();
    // Where somebody aborted with a response, that is the answer.
    if error.response.is_none() {
        response.set_data(render_template(
            "error.html",
            context! {
                code => error.code,
                name => error.name(),
                description => error.description(),
            },
        )?);
    }
    Ok(response)
}

/// The pages need a style sheet, an image, and forms that go to here: so nothing else is allowed, and
/// a script that somebody got into a post despite the escaping would not run.
fn protect(response: &mut Response) -> Result<(), Error> {
    response.set_header(
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    )?;
    response.set_header("X-Content-Type-Options", "nosniff")?;
    response.set_header("Referrer-Policy", "same-origin")
}
