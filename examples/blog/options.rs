//! The command line.

use std::path::PathBuf;

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Serve(Options),
    Help,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    /// Host and port to listen on.
    pub(crate) bind: String,
    pub(crate) database: PathBuf,
}

pub(crate) const HELP: &str = "\
The blog of Flask's tutorial, on Carafe.

Usage: cargo run --features blog --example blog -- [options]

  --bind ADDR        host and port to listen on (127.0.0.1:5000); port 0 is any
                     free one
  --database PATH    the SQLite file, made where there is none
                     (target/blog.sqlite)
  --help             this

Settings are read from the environment: BLOG_SECRET_KEY signs the sessions,
BLOG_SESSION_COOKIE_SECURE=true is for https, BLOG_DEBUG=true shows errors.
";

/// Reads the arguments, without the program's name.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn parse(args: &[String]) -> Result<Command, String> {
    let mut options = Options {
        bind: "127.0.0.1:5000".to_owned(),
        database: PathBuf::from("target/blog.sqlite"),
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || {
            let value = args.next().filter(|value| !value.is_empty());
            value.cloned().ok_or_else(|| format!("{arg} takes a value"))
        };
        match arg.as_str() {
            "--bind" => options.bind = value()?,
            "--database" => options.database = value()?.into(),
            "--help" | "-h" => return Ok(Command::Help),
            _ => return Err(format!("{arg} is no option")),
        }
    }
    Ok(Command::Serve(options))
}
