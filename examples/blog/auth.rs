//! The blueprint `auth`: who somebody is. Registering, logging in and out, and `LoginRequired`.
//!
//! Flask's tutorial: `flaskr/auth.py`, "Blueprints and Views".
//!
//! Read next: `password.rs`, then `posts.rs`.

use carafe::typing::{IntoReturnValue, ReturnValue};
use carafe::view::View;
use carafe::{
    Blueprint, Error, Response, Route, Scaffold, ViewArgs, flash, flash_with_category, g, redirect,
    request, session, url_for,
};
use minijinja::context;
use rusqlite::{ErrorCode, OptionalExtension};
use serde::Serialize;

use super::db::get_db;
use super::forms::Form;
use super::password::{check_no_password_hash, check_password_hash, generate_password_hash};
use super::templates::render_template;

const USERNAME_MAX: usize = 30;
const PASSWORD_MIN: usize = 8;
/// Hashing a megabyte would keep a thread busy for nothing.
const PASSWORD_MAX: usize = 200;

/// Somebody with an account.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) username: String,
}

pub(crate) fn blueprint() -> Blueprint {
    let mut bp = Blueprint::new("auth").with_url_prefix("/auth");
    bp.before_app_request(load_logged_in_user);
    bp.route(Route::new("/register").methods(["GET", "POST"]), register);
    bp.route(Route::new("/login").methods(["GET", "POST"]), login);
    // A POST, unlike the tutorial's: a link can be followed by a browser that prefetches, or be put on
    // another site as an image.
    bp.post("/logout", logout);
    bp
}

/// Puts the user that the session names into `g`, for every view of the app.
fn load_logged_in_user() -> Result<(), Error> {
    // A style sheet is the same for everybody, and a cache may keep it: leave the session alone.
    if request().endpoint() == Some("static") {
        return Ok(());
    }
    let Some(id) = session().get::<i64>("user_id") else {
        return Ok(());
    };
    let db = get_db()?;
    let user = db
        .lock()
        .query_row("SELECT id, username FROM user WHERE id = ?", [id], |row| {
            Ok(User {
                id: row.get(0)?,
                username: row.get(1)?,
            })
        });
    if let Some(user) = user.optional()? {
        g().set("user", user);
    }
    Ok(())
}

/// `g.user`: who is logged in, if anybody.
pub(crate) fn user() -> Option<User> {
    g().get("user")
}

/// Who is logged in, in a view behind [`LoginRequired`].
///
/// # Errors
/// In a view that is not behind it, where nobody is: the app's mistake, so a 500.
pub(crate) fn logged_in_user() -> Result<User, Error> {
    user().ok_or_else(|| Error::runtime("this view wants LoginRequired"))
}

/// What Flask's tutorial writes above a view as `@login_required`: a view that sends whoever is not
/// logged in to the login page, and back here from there.
pub(crate) struct LoginRequired<V>(pub(crate) V);

impl<A, V: View<A>> View<A> for LoginRequired<V> {
    fn call(&self, args: ViewArgs) -> Result<ReturnValue, Error> {
        if user().is_some() {
            return self.0.call(args);
        }
        let request = request();
        let mut login = url_for("auth.login");
        // The browser comes back with a GET; not every path that takes a POST has one.
        if request.method() == "GET" {
            login = login.arg("next", request.path());
        }
        redirect(login.build()?).into_return_value()
    }

    fn name(&self) -> &'static str {
        self.0.name()
    }
}

fn register() -> Result<ReturnValue, Error> {
    if request().method() != "POST" {
        return register_page(&Form::new()).into_return_value();
    }
    let mut form = Form::read(&["username", "password"])?;
    let username = form.get("username").trim().to_owned();
    form.check_length("username", "A username", USERNAME_MAX);
    if !username.chars().all(is_in_username) {
        form.complain("username", "Use letters, digits, and . - _ only.");
    }
    form.check_length("password", "A password", PASSWORD_MAX);
    if form.get("password").chars().count() < PASSWORD_MIN {
        form.complain(
            "password",
            format!("Make it at least {PASSWORD_MIN} characters long."),
        );
    }
    if form.is_valid() {
        let hash = generate_password_hash(form.get("password"))?;
        if insert_user(&username, &hash)? {
            flash(format!("Welcome, {username}. Log in, and start writing."))?;
            return redirect(url_for("auth.login").build()?).into_return_value();
        }
        form.complain("username", format!("The name {username} is taken."));
    }
    (register_page(&form), 422).into_return_value()
}

fn is_in_username(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// Whether there was nobody of that name yet. To look first would leave a moment for somebody else.
fn insert_user(username: &str, hash: &str) -> Result<bool, Error> {
    let db = get_db()?;
    let inserted = db.lock().execute(
        "INSERT INTO user (username, password) VALUES (?, ?)",
        (username, hash),
    );
    match inserted {
        Ok(_) => Ok(true),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

fn register_page(form: &Form) -> Result<String, Error> {
    let limits = context! {
        username_max => USERNAME_MAX,
        password_min => PASSWORD_MIN,
        password_max => PASSWORD_MAX,
    };
    render_template(
        "auth/register.html",
        context! { form => form.to_value(), limits },
    )
}

fn login() -> Result<ReturnValue, Error> {
    if request().method() != "POST" {
        return login_page(&Form::new()).into_return_value();
    }
    let form = Form::read(&["username", "password"])?;
    let Some(user) = find_user(form.get("username").trim(), form.get("password"))? else {
        // Not which of the two it was.
        flash_with_category("Wrong username or password.", "error")?;
        return (login_page(&form), 422).into_return_value();
    };
    // A session from before the login is not taken over: somebody else may have set it up.
    session().clear()?;
    session().insert("user_id", user.id)?;
    flash(format!("Hello again, {}.", user.username))?;
    redirect(next_page()?).into_return_value()
}

/// The user of this name, if the password is right.
fn find_user(username: &str, password: &str) -> Result<Option<User>, Error> {
    let db = get_db()?;
    let found = db.lock().query_row(
        "SELECT id, username, password FROM user WHERE username = ?",
        [username],
        |row| {
            let user = User {
                id: row.get(0)?,
                username: row.get(1)?,
            };
            Ok((user, row.get::<_, String>(2)?))
        },
    );
    if password.chars().count() > PASSWORD_MAX {
        return Ok(None);
    }
    let Some((user, hash)) = found.optional()? else {
        check_no_password_hash(password)?;
        return Ok(None);
    };
    Ok(check_password_hash(&hash, password)?.then_some(user))
}

fn login_page(form: &Form) -> Result<String, Error> {
    render_template("auth/login.html", context! { form => form.to_value() })
}

/// Where somebody wanted to go before they were sent to log in; otherwise the index.
fn next_page() -> Result<String, Error> {
    match request().args().get("next") {
        Some(path) if is_own_path(path) => Ok(path.to_owned()),
        _ => url_for("blog.index").build(),
    }
}

/// Whether a redirect to `path` stays on this site. To a browser `//host` and `/\host` are another one,
/// and it drops tabs and line breaks before it looks.
fn is_own_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains(|c: char| c == '\\' || c.is_control())
}

fn logout() -> Result<Response, Error> {
    session().clear()?;
    flash("You are logged out.")?;
    redirect(url_for("blog.index").build()?)
}
