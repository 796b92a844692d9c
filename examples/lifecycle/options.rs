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

/// One visit: `POST /login username=jack`.
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
                     form. May be given more than once: the cookies of one
                     visit go with the next. METHOD may be left out: GET.
  --format FORMAT    tree (the default), json or mermaid
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
        let mut words = text.split_whitespace().peekable();
        let method = match words.next_if(|word| !word.starts_with('/')) {
            Some(word) if word.chars().all(|c| c.is_ascii_alphabetic()) => word.to_uppercase(),
            Some(word) => return Err(format!("{word:?} in {text:?} is neither method nor path")),
            None => "GET".to_owned(),
        };
        let Some(path) = words.next().filter(|word| word.starts_with('/')) else {
            return Err(format!("{text:?} has no path: one starts with /"));
        };
        let pair = |word: &str| match word.split_once('=') {
            Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
            None => Err(format!("{word:?} in {text:?} is no key=value")),
        };
        Ok(Request {
            method,
            path: path.to_owned(),
            form: words.map(pair).collect::<Result<_, _>>()?,
        })
    }
}

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        for (key, value) in &self.form {
            write!(f, " {key}={value}")?;
        }
        Ok(())
    }
}
