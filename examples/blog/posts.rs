//! The blueprint `blog`: the posts, and who may change them.
//!
//! Flask's tutorial: `flaskr/blog.py`, "Blog Blueprint".
//!
//! Read next: `templates.rs`, then `templates/base.html`.

use carafe::typing::{IntoReturnValue, ReturnValue};
use carafe::{
    Blueprint, Error, Response, Route, Scaffold, abort, abort_with_description, current_app, flash,
    redirect, request, url_for,
};
use minijinja::context;
use minijinja::value::Serde;
use rusqlite::{OptionalExtension, Row};
use serde::Serialize;

use super::auth::{LoginRequired, logged_in_user};
use super::db::get_db;
use super::forms::Form;
use super::templates::render_template;

const PER_PAGE: usize = 8;
/// How much of a post the index shows, in characters.
const EXCERPT: usize = 400;
const TITLE_MAX: usize = 120;
const BODY_MAX: usize = 20_000;

/// One post, with its author's name.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Post {
    id: i64,
    title: String,
    body: String,
    /// Unix seconds.
    created: i64,
    author_id: i64,
    username: String,
}

impl Post {
    const SELECT: &str = "SELECT p.id, title, body, created, author_id, username \
                          FROM post p JOIN user u ON p.author_id = u.id";

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Post {
            id: row.get(0)?,
            title: row.get(1)?,
            body: row.get(2)?,
            created: row.get(3)?,
            author_id: row.get(4)?,
            username: row.get(5)?,
        })
    }
}

pub(crate) fn blueprint() -> Blueprint {
    let mut bp = Blueprint::new("blog");
    bp.get("/", index);
    bp.get("/<int:id>", show);
    let form = |rule| Route::new(rule).methods(["GET", "POST"]);
    bp.route(form("/create"), LoginRequired(create));
    bp.route(form("/<int:id>/update"), LoginRequired(update));
    bp.post("/<int:id>/delete", LoginRequired(delete));
    bp
}

/// The posts, the latest first, some on each page.
fn index() -> Result<String, Error> {
    let page: usize = request().args().get_as("page").unwrap_or(1).max(1);
    let skipped = (page - 1).saturating_mul(PER_PAGE);
    let db = get_db()?;
    // One more than is shown says whether there is a next page.
    let mut posts = db
        .lock()
        .prepare(&format!(
            "{} ORDER BY created DESC, p.id DESC LIMIT ? OFFSET ?",
            Post::SELECT
        ))?
        .query_map(
            (
                PER_PAGE as i64 + 1,
                i64::try_from(skipped).unwrap_or(i64::MAX),
            ),
            Post::from_row,
        )?
        .collect::<Result<Vec<Post>, _>>()?;
    if posts.is_empty() && page > 1 {
        return Err(abort(404));
    }
    let has_older = posts.len() > PER_PAGE;
    posts.truncate(PER_PAGE);
    render_template(
        "blog/index.html",
        context! { posts => Serde(&posts), page, has_older, excerpt => EXCERPT },
    )
}

fn show(id: i64) -> Result<String, Error> {
    let post = get_post(id)?;
    render_template("blog/show.html", context! { post => Serde(&post) })
}

/// The post with this id.
///
/// # Errors
/// A 404 where there is none.
fn get_post(id: i64) -> Result<Post, Error> {
    let db = get_db()?;
    let select = format!("{} WHERE p.id = ?", Post::SELECT);
    let post = db.lock().query_row(&select, [id], Post::from_row);
    post.optional()?
        .ok_or_else(|| abort_with_description(404, format!("There is no post number {id}.")))
}

/// The post with this id, for its author to change.
///
/// # Errors
/// A 404 where there is none, a 403 where it is somebody else's.
fn get_own_post(id: i64) -> Result<Post, Error> {
    let post = get_post(id)?;
    if post.author_id != logged_in_user()?.id {
        let whose = format!(
            "This post is {}'s, and only they can change it.",
            post.username
        );
        return Err(abort_with_description(403, whose));
    }
    Ok(post)
}

fn create() -> Result<ReturnValue, Error> {
    if request().method() != "POST" {
        return edit_page(&Form::new(), None).into_return_value();
    }
    let form = read_post()?;
    if !form.is_valid() {
        return (edit_page(&form, None), 422).into_return_value();
    }
    let now = current_app().config().settings().clock.now();
    let author = logged_in_user()?;
    let db = get_db()?;
    let id: i64 = db.lock().query_row(
        "INSERT INTO post (title, body, created, author_id) VALUES (?, ?, ?, ?) RETURNING id",
        (
            form.get("title").trim(),
            form.get("body").trim(),
            i64::try_from(now)?,
            author.id,
        ),
        |row| row.get(0),
    )?;
    flash("Your post is published.")?;
    redirect_to_post(id).into_return_value()
}

fn update(id: i64) -> Result<ReturnValue, Error> {
    let post = get_own_post(id)?;
    if request().method() != "POST" {
        let mut form = Form::new();
        form.set("title", &post.title);
        form.set("body", &post.body);
        return edit_page(&form, Some(&post)).into_return_value();
    }
    let form = read_post()?;
    if !form.is_valid() {
        return (edit_page(&form, Some(&post)), 422).into_return_value();
    }
    let db = get_db()?;
    db.lock().execute(
        "UPDATE post SET title = ?, body = ? WHERE id = ?",
        (form.get("title").trim(), form.get("body").trim(), id),
    )?;
    flash("Your changes are saved.")?;
    redirect_to_post(id).into_return_value()
}

fn delete(id: i64) -> Result<Response, Error> {
    let post = get_own_post(id)?;
    let db = get_db()?;
    db.lock()
        .execute("DELETE FROM post WHERE id = ?", [post.id])?;
    flash(format!("“{}” is deleted.", post.title))?;
    redirect(url_for("blog.index").build()?)
}

/// What was typed into the form of a post, checked.
fn read_post() -> Result<Form, Error> {
    let mut form = Form::read(&["title", "body"])?;
    form.check_length("title", "A title", TITLE_MAX);
    form.check_length("body", "A text", BODY_MAX);
    Ok(form)
}

/// The form of a new post, or of one that there is.
fn edit_page(form: &Form, post: Option<&Post>) -> Result<String, Error> {
    let limits = context! { title_max => TITLE_MAX, body_max => BODY_MAX };
    render_template(
        "blog/edit.html",
        context! { form => form.to_value(), post => Serde(post), limits },
    )
}

fn redirect_to_post(id: i64) -> Result<Response, Error> {
    redirect(url_for("blog.show").arg("id", id).build()?)
}
