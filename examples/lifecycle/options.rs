//! The command line.

use super::apps::{self, Example};

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Run(Options),
    Help,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) app: &'static Example,
    pub(crate) format: Format,
    /// How many columns it prints, but for `--step`.
    pub(crate) width: usize,
    pub(crate) step: bool,
    pub(crate) real_time: bool,
    /// The URL of the store that sessions are kept in; `None` is a signed cookie.
    pub(crate) store: Option<String>,
    /// Empty: those that the app comes with.
    pub(crate) requests: Vec<Request>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            app: &apps::ALL[0],
            format: Format::default(),
            width: NARROWEST,
            step: false,
            real_time: false,
            store: None,
            requests: Vec::new(),
        }
    }
}

impl Options {
    /// The visits to make.
    pub(crate) fn visits(&self) -> Vec<Request> {
        if !self.requests.is_empty() {
            return self.requests.clone();
        }
        let texts = self.app.visits.iter();
        texts.filter_map(|text| Request::parse(text).ok()).collect()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Format {
    #[default]
    Tree,
    Json,
    Mermaid,
}

/// One visit: `POST /login username="jack sparrow"`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) form: Vec<(String, String)>,
}

pub(crate) const HELP: &str = "\
Watch requests go through Flask's lifecycle.

Usage: cargo run --example lifecycle -- [options]

  --app APP          tutorial (the default), or one that shows one thing:
                     http_error    a view aborts, a handler answers
                     after_error   an after_request function fails
                     blueprints    hooks of nested blueprints, who runs first
                     streaming     a response that outlives its request
  --request \"METHOD /path key=value ...\"
                     Visit this instead; the key=value pairs are sent as a
                     form. A value with spaces stands in quotes, as in
                     'POST /login username=\"jack sparrow\"'.
                     May be given more than once: the cookies of one
                     visit go with the next. METHOD may be left out: GET.
  --format FORMAT    tree (the default), json or mermaid
  --width COLUMNS    How wide it prints without --step: 80, or more
  --step             Stop at each function, show its source, wait for a key
  --real-time        Take the time from the system. Without this it is
                     2023-11-14 22:13:20 UTC, one minute later each visit,
                     so that the output is the same every time.
  --store URL        Keep the session in a store instead of the cookie, and show
                     what goes to it: memory:, file:///directory, or one whose
                     feature is on: redis://, memcached://, mongodb://,
                     sqlite:///, postgres://, mysql://. Implies --real-time,
                     since a store's server has a clock of its own.
  --help             This text

The tutorial app is examples/lifecycle/tutorial.rs. It knows / and /login and
/fail. The others are in examples/lifecycle/apps/.
Colours are used on a terminal, unless NO_COLOR is set.
";

/// Reads the arguments, which do not include the program's name.
pub(crate) fn parse(args: &[String]) -> Result<Command, String> {
    let mut options = Options::default();
    let mut format_given = false;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        // Both "--format json" and "--format=json".
        let (name, inline) = match arg.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (arg.as_str(), None),
        };
        let has_value = inline.is_some();
        let mut value = || {
            let given = inline.clone().or_else(|| args.next().cloned());
            given.ok_or_else(|| format!("{name} wants a value"))
        };
        match name {
            "--app" => {
                let name = value()?;
                options.app = Example::find(&name).ok_or_else(|| {
                    let names: Vec<&str> = apps::ALL.iter().map(|app| app.name).collect();
                    format!("no app {name:?}: {}", names.join(", "))
                })?;
            }
            "--request" => options.requests.push(Request::parse(&value()?)?),
            "--format" => {
                options.format = Format::parse(&value()?)?;
                format_given = true;
            }
            "--width" => options.width = width(&value()?)?,
            "--store" => {
                options.store = Some(value()?);
                options.real_time = true;
            }
            "--step" | "--real-time" | "--help" | "-h" if has_value => {
                return Err(format!("{name} takes no value"));
            }
            "--step" => options.step = true,
            "--real-time" => options.real_time = true,
            "--help" | "-h" => return Ok(Command::Help),
            _ => return Err(format!("there is no option {arg:?}")),
        }
    }
    if options.step && format_given && options.format != Format::Tree {
        return Err("--step shows its own: it goes without --format".to_owned());
    }
    Ok(Command::Run(options))
}

/// All headings fit into so many columns, and so does what the book shows.
const NARROWEST: usize = 80;

fn width(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(width) if width >= NARROWEST => Ok(width),
        _ => Err(format!(
            "--width takes {NARROWEST} columns or more, not {text:?}"
        )),
    }
}

impl Format {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "tree" => Ok(Format::Tree),
            "json" => Ok(Format::Json),
            "mermaid" => Ok(Format::Mermaid),
            _ => Err(format!("no format {text:?}: tree, json or mermaid")),
        }
    }
}

impl Request {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (first, rest) = word(text);
        let (method, path, mut rest) = match first.starts_with('/') {
            true => ("GET".to_owned(), first, rest),
            false if first.chars().all(|c| c.is_ascii_alphabetic()) => {
                let (path, rest) = word(rest);
                (first.to_uppercase(), path, rest)
            }
            false => return Err(format!("{first:?} in {text:?} is neither method nor path")),
        };
        if !path.starts_with('/') {
            return Err(format!("{text:?} has no path: one starts with /"));
        }
        let mut form = Vec::new();
        while !rest.is_empty() {
            let (pair, more) = pair(rest).map_err(|error| format!("{error} in {text:?}"))?;
            form.push(pair);
            rest = more.trim_start();
        }
        Ok(Request {
            method,
            path: path.to_owned(),
            form,
        })
    }
}

/// The first word of a text, and what is behind it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// The `key=value` that a text starts with, and what is behind it.
fn pair(text: &str) -> Result<((String, String), &str), String> {
    let no_pair = || format!("{:?} is no key=value", word(text).0);
    let (key, rest) = text.split_once('=').ok_or_else(no_pair)?;
    if key.contains(char::is_whitespace) {
        return Err(no_pair());
    }
    let (value, rest) = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let ends =
                |(_, rest): &(&str, &str)| rest.is_empty() || rest.starts_with(char::is_whitespace);
            let quoted = rest[1..].split_once(quote).filter(ends);
            quoted.ok_or_else(|| format!("the value of {key:?} has no quote at its end"))?
        }
        _ => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
    };
    Ok(((key.to_owned(), value.to_owned()), rest))
}

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        for (key, value) in &self.form {
            let quote = match value {
                plain if !plain.contains([' ', '"', '\'']) => "",
                with_quotes if with_quotes.contains('"') => "'",
                _ => "\"",
            };
            write!(f, " {key}={quote}{value}{quote}")?;
        }
        Ok(())
    }
}
