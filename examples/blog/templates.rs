//! `render_template`: minijinja, with what Flask gives to every template.
//!
//! Mirrors `flask/templating.py`: `g` and `request` are there, and the functions `url_for` and
//! `get_flashed_messages`; what a name ending in `.html` prints is escaped. minijinja is Jinja2 in Rust,
//! by Jinja2's author, so the templates are what they would be in Flask.
//!
//! Read next: `templates/base.html`.

use std::sync::{Arc, LazyLock};

use carafe::context::AppCtxGlobals;
use carafe::wrappers::exceptions::escape;
use carafe::{Error, Request, g, get_flashed_messages, request, url_for};
use jiff::Timestamp;
use minijinja::value::{Kwargs, Object};
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, context};

use super::auth::User;

/// Each template by its name. They are part of the program: it needs no folder beside it.
const TEMPLATES: &[(&str, &str)] = &[
    ("base.html", include_str!("templates/base.html")),
    ("fields.html", include_str!("templates/fields.html")),
    ("error.html", include_str!("templates/error.html")),
    ("auth/login.html", include_str!("templates/auth/login.html")),
    (
        "auth/register.html",
        include_str!("templates/auth/register.html"),
    ),
    ("blog/about.html", include_str!("templates/blog/about.html")),
    ("blog/index.html", include_str!("templates/blog/index.html")),
    ("blog/show.html", include_str!("templates/blog/show.html")),
    ("blog/edit.html", include_str!("templates/blog/edit.html")),
];

/// Flask: `app.jinja_env`. Templates are compiled when the first page is made.
static JINJA_ENV: LazyLock<Result<Environment<'static>, minijinja::Error>> =
    LazyLock::new(create_jinja_environment);

fn create_jinja_environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut env = Environment::new();
    // A name that is misspelt shall not print as nothing. To ask whether there is one is fine.
    env.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    env.add_function("url_for", url_for_in_template);
    env.add_function("get_flashed_messages", flashed_messages);
    env.add_filter("date", date);
    env.add_filter("paragraphs", paragraphs);
    env.add_filter("excerpt", excerpt);
    for (name, source) in TEMPLATES {
        env.add_template(name, source)?;
    }
    Ok(env)
}

/// The page that a template makes of `context`. Flask: `render_template`.
///
/// # Errors
/// Where there is no such template, or it fails.
///
/// # Panics
/// Outside a request context.
pub(crate) fn render_template(name: &str, context: Value) -> Result<String, Error> {
    let env = JINJA_ENV
        .as_ref()
        .map_err(|error| Error::runtime(format!("{error:#}")))?;
    let always = context! {
        g => Value::from_object(TemplateG(g())),
        request => Value::from_object(TemplateRequest(request())),
    };
    Ok(env
        .get_template(name)?
        .render(context! { ..context, ..always })?)
}

/// `g`, as far as templates use it. What is in it has a type, which somebody has to know.
#[derive(Debug)]
struct TemplateG(Arc<AppCtxGlobals>);

impl Object for TemplateG {
    fn get_value(self: &Arc<Self>, name: &Value) -> Option<Value> {
        match name.as_str()? {
            "user" => self.0.get::<User>("user").map(|user| {
                context! { id => user.id, username => user.username }
            }),
            _ => None,
        }
    }
}

/// `request`, as far as templates use it.
#[derive(Debug)]
struct TemplateRequest(Arc<Request>);

impl Object for TemplateRequest {
    fn get_value(self: &Arc<Self>, name: &Value) -> Option<Value> {
        match name.as_str()? {
            "endpoint" => Some(self.0.endpoint().into()),
            "method" => Some(self.0.method().into()),
            "path" => Some(self.0.path().into()),
            "args" => Some(Value::from_iter(self.0.args().iter())),
            _ => None,
        }
    }
}

/// An error of ours, in a template.
fn failed(error: &Error) -> minijinja::Error {
    minijinja::Error::new(ErrorKind::InvalidOperation, error.to_string())
}

/// `url_for('blog.show', id=7)`.
#[expect(clippy::needless_pass_by_value, reason = "minijinja gives it so")]
fn url_for_in_template(endpoint: String, values: Kwargs) -> Result<Value, minijinja::Error> {
    let mut url = url_for(endpoint);
    for name in values.args() {
        let value: Value = values.get(name)?;
        url = match value.as_i64() {
            Some(number) => url.arg(name, number),
            None => url.arg(name, value.to_string()),
        };
    }
    let url = url.build().map_err(|error| failed(&error))?;
    // Escaped here as Python's Markup is: minijinja would write a slash as &#x2f;, which is right too
    // but hard to read.
    Ok(Value::from_safe_string(escape(&url)))
}

/// `get_flashed_messages()`, always with the categories.
fn flashed_messages() -> Result<Vec<Value>, minijinja::Error> {
    let flashes = get_flashed_messages().map_err(|error| failed(&error))?;
    let as_value = |flash: carafe::Flash| {
        context! { category => flash.category, message => flash.message }
    };
    Ok(flashes.into_iter().map(as_value).collect())
}

/// `{{ post.created | date('%-d %B %Y') }}`: a time in Unix seconds, in UTC.
fn date(seconds: i64, format: &str) -> Result<String, minijinja::Error> {
    let invalid =
        |error: jiff::Error| minijinja::Error::new(ErrorKind::InvalidOperation, error.to_string());
    let time = Timestamp::from_second(seconds).map_err(invalid)?;
    Ok(time.strftime(format).to_string())
}

/// The paragraphs of a text: what empty lines divide.
fn paragraphs(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let paragraphs = lines.split(|line| line.trim().is_empty());
    let paragraphs = paragraphs.filter(|lines| !lines.is_empty());
    paragraphs.map(|lines| lines.join("\n")).collect()
}

/// The beginning of a text, of `max` characters at most, up to the end of a word.
fn excerpt(text: &str, max: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(max) else {
        return text.to_owned();
    };
    let start = &text[..end];
    let cut = start.rfind(char::is_whitespace).unwrap_or(end);
    format!("{}…", start[..cut].trim_end())
}
