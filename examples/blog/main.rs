//! A blog: the app of Flask's own tutorial, on Carafe, with what a blog needs to be put in front of
//! people.
//!
//! ```text
//! cargo run --features blog --example blog
//! cargo run --features blog --example blog -- --bind 127.0.0.1:8000 --database /srv/blog.sqlite
//! ```
//!
//! | here | Flask's tutorial | holds |
//! | --- | --- | --- |
//! | `app.rs` | `__init__.py` | the application factory |
//! | `db.rs`, `schema.sql` | `db.py` | SQLite, one connection a request |
//! | `auth.rs`, `password.rs` | `auth.py` | who somebody is |
//! | `posts.rs` | `blog.py` | the posts |
//! | `templates.rs`, `templates/`, `static/` | Flask's own, `templates/`, `static/` | the pages |
//! | `forms.rs`, `same_site.rs` | left to the reader | what was typed wrongly; who sent it |
//!
//! Read next: `app.rs`.

pub(crate) mod app;
pub(crate) mod auth;
pub(crate) mod db;
pub(crate) mod forms;
pub(crate) mod options;
pub(crate) mod password;
pub(crate) mod posts;
pub(crate) mod same_site;
pub(crate) mod templates;

use std::process::ExitCode;

use carafe::Error;
use options::{Command, Options};

fn main() -> ExitCode {
    let args = std::env::args_os().skip(1);
    let args: Vec<String> = args.map(|arg| arg.to_string_lossy().into_owned()).collect();
    let outcome = match options::parse(&args) {
        Ok(Command::Serve(options)) => serve(&options),
        Ok(Command::Help) => {
            print!("{}", options::HELP);
            Ok(())
        }
        Err(message) => {
            eprintln!("blog: {message}\nTry --help.");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("blog: {error:?}");
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &Options) -> Result<(), Error> {
    let app = app::create_app(&options.database)?;
    app.config().from_prefixed_env("BLOG")?;
    if app.config().settings().secret_key.is_none() {
        app::make_secret_key(&app)?;
        eprintln!("blog: BLOG_SECRET_KEY is not set, so all logins end with this process");
    }
    Ok(app.run(&options.bind)?)
}
