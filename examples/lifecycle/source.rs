//! The source of a step: the function that runs, cut out of its file.
//!
//! `--step` prints it and `--format json` has it as a table. Nothing is kept beside the code: the files
//! are read when they are shown.

use std::fs;
use std::path::Path;

use carafe::trace::{Kind, Step, Trace};

use super::server::NEXT_CHUNK;

/// A function, or what there is of it.
#[derive(Clone, Debug)]
pub(crate) struct Excerpt {
    /// The file, from the root of the repository.
    pub(crate) file: String,
    /// The number of its first line.
    pub(crate) first: usize,
    /// What is said about it above it, without its errors and panics.
    pub(crate) about: String,
    /// Its lines, without the indentation that its `impl` gives it. `None` is a line that only marks an
    /// anchor of the book.
    pub(crate) lines: Vec<Option<String>>,
}

/// Where a step is in the code.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) excerpt: Excerpt,
    /// The line that it starts at, or that sends it.
    pub(crate) line: usize,
}

/// The places of all steps of a trace. A signal or a log line has its place in the function it is sent from.
pub(crate) fn places(trace: &Trace) -> Vec<Option<Place>> {
    let mut places: Vec<Option<Place>> = Vec::new();
    for (index, step) in trace.iter().enumerate() {
        let place = if matches!(step.kind, Kind::Signal | Kind::Command | Kind::Log) {
            let mut around = trace.steps()[..index].iter();
            let caller = around.rposition(|caller| caller.end > index);
            let caller = caller.and_then(|caller| places[caller].clone());
            caller.map(|caller| sent_from(step, caller))
        } else {
            of(step).map(|excerpt| Place {
                line: match step.kind {
                    Kind::Span => step.line.map_or(excerpt.first, |line| line as usize),
                    _ => excerpt.first,
                },
                excerpt,
            })
        };
        places.push(place);
    }
    places
}

fn sent_from(step: &Step, mut caller: Place) -> Place {
    let signal = step.name.to_uppercase();
    let sends = |line: &str| match step.kind {
        Kind::Signal => line.contains(&signal),
        _ => line.contains("logging::") || line.contains("log_exception("),
    };
    let mut lines = caller.excerpt.lines.iter();
    if let Some(at) = lines.position(|line| line.as_deref().is_some_and(sends)) {
        caller.line = caller.excerpt.first + at;
    }
    caller
}

/// The function that a step is.
pub(crate) fn of(step: &Step) -> Option<Excerpt> {
    let (file, line) = (step.file.as_ref()?, step.line? as usize);
    let file = file_of(file);
    let Some(text) = read(&file) else {
        return Some(Excerpt::missing(file, line));
    };
    let lines: Vec<&str> = text.lines().collect();
    let line = line.saturating_sub(1).min(lines.len().saturating_sub(1));
    let start = match step.kind {
        // A hook's line is where it was registered. The function itself is nearby, unless it is a closure.
        Kind::Hook => lines.iter().position(|line| is_head(line, &step.name)),
        // A span is opened inside of its function.
        _ => (0..=line).rev().find(|at| has_head(lines[*at])),
    };
    Some(Excerpt::cut(file, &lines, start.unwrap_or(line)))
}

/// The function that a step hands its work to, where the step itself only says so. All apps here have
/// the session interface that Flask has, unless it is to be `in_store`, and stream with their contexts.
pub(crate) fn implementation(step: &Step, in_store: bool) -> Option<Excerpt> {
    match (step.kind, step.name.as_str()) {
        (Kind::Stage, name @ ("open_session" | "save_session")) => {
            let file = match in_store {
                true => "src/session/server_side.rs",
                false => "src/session/secure_cookie.rs",
            };
            function(file, name)
        }
        (Kind::Store, name) => {
            let file = match step.field("store")? {
                "file" => "files",
                "sqlite" | "postgres" | "mysql" => "sql",
                store => store,
            };
            let file = format!("src/session/store/{file}.rs");
            method(&file, " Store for ", name.strip_prefix("Store.")?)
        }
        (Kind::Span, NEXT_CHUNK) => function("src/context/copy.rs", "next"),
        _ => None,
    }
}

/// The function of this name.
pub(crate) fn function(file: &str, name: &str) -> Option<Excerpt> {
    method(file, "", name)
}

/// The function of this name below a line with `head` in it.
fn method(file: &str, head: &str, name: &str) -> Option<Excerpt> {
    let text = read(file)?;
    let lines: Vec<&str> = text.lines().collect();
    let head = lines.iter().position(|line| line.contains(head))?;
    let start = (head..lines.len()).find(|at| is_head(lines[*at], name))?;
    Some(Excerpt::cut(file.to_owned(), &lines, start))
}

fn read(file: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).ok()
}

/// The path from the root of the repository, whoever compiled the file: `tests/../examples/...`.
fn file_of(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn is_head(line: &str, name: &str) -> bool {
    line.contains(&format!("fn {name}(")) || line.contains(&format!("fn {name}<"))
}

fn has_head(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("fn ") || (line.starts_with("pub") && line.contains("fn "))
}

fn is_anchor(line: &str) -> bool {
    line.trim_start().starts_with("// ANCHOR")
}

impl Excerpt {
    fn missing(file: String, line: usize) -> Self {
        Excerpt {
            file,
            first: line,
            about: "The source is not here.".to_owned(),
            lines: Vec::new(),
        }
    }

    /// From the line at `start` to the one that closes it.
    fn cut(file: String, lines: &[&str], start: usize) -> Self {
        let head = lines.get(start).copied().unwrap_or_default();
        let indent = head.len() - head.trim_start().len();
        let (end, more) = (format!("{:indent$}}}", ""), format!("{:indent$}}})", ""));
        let one = head.trim_end().ends_with(';');
        let last = (start..lines.len())
            .find(|at| one || lines[*at] == end || lines[*at].starts_with(&more))
            .unwrap_or(start);
        let shown = |line: &&str| {
            (!is_anchor(line)).then(|| line.get(indent..).unwrap_or_default().to_owned())
        };
        Excerpt {
            about: about(&lines[..start]),
            file,
            first: start + 1,
            lines: lines
                .iter()
                .skip(start)
                .take(last + 1 - start)
                .map(shown)
                .collect(),
        }
    }
}

/// The comment that ends these lines; attributes may stand between.
fn about(above: &[&str]) -> String {
    let mut comment: Vec<&str> = Vec::new();
    let mut in_attribute = false;
    for line in above.iter().rev().map(|line| line.trim()) {
        if let Some(text) = line.strip_prefix("///") {
            comment.push(text.trim());
        } else if line == ")]" {
            in_attribute = true;
        } else if line.starts_with("#[") {
            in_attribute = false;
        } else if !in_attribute && !is_anchor(line) {
            break;
        }
    }
    comment.reverse();
    let mut words = comment
        .into_iter()
        .take_while(|line| !line.starts_with("# "));
    let mut about = words.next().unwrap_or_default().to_owned();
    for line in words {
        // An example is for the documentation.
        if line.starts_with("```") {
            break;
        }
        about.push(' ');
        about.push_str(line);
    }
    about.trim_end().to_owned()
}
