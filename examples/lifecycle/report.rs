//! What was recorded, printed: as trees, as JSON, as Mermaid diagrams.

use std::io::{self, Write};

use carafe::trace::{Cookie, State, Trace};
use serde_json::{Map, Value, json};

use super::options::Options;
use super::source::{self, Excerpt};
use super::stored;
use super::visits::Visit;

/// How it is to look.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    /// How many columns there are.
    pub(crate) width: usize,
    pub(crate) color: bool,
}

const LEGEND: &str = "\
Each line is a function, by its name in Flask; at the right is where it stands
in this repository. A hook stands where the app registered it.

  A, R   ┃ as long as an app context (A), a request context (R) is pushed
  ·      what the function above it did
  ✗      returned an error
";

/// The visits as trees, each with its answer, its session and its cookie.
pub(crate) fn trees(
    options: &Options,
    visits: impl Iterator<Item = Visit>,
    out: &mut impl Write,
    look: Look,
) -> io::Result<()> {
    let Look { width, color } = look;
    if options.requests.is_empty() {
        let count = match options.app.visits.len() {
            1 => "One visit",
            2 => "Two visits",
            _ => "Three visits",
        };
        let file = options.app.file;
        writeln!(out, "{count} to the app in examples/lifecycle/{file}.")?;
    }
    write!(out, "{LEGEND}")?;
    for (number, visit) in (1..).zip(visits) {
        let title = fit(&format!("━━ {number}. {} ", visit.request), width);
        let rule = "━".repeat(width.saturating_sub(title.chars().count()));
        writeln!(out, "\n{}\n", paint(color, "1", &format!("{title}{rule}")))?;
        writeln!(out, "{}", visit.trace.tree().width(width).color(color))?;
        summary(&visit, out, look)?;
    }
    Ok(())
}

/// The answer, the session, and each cookie taken apart.
pub(crate) fn summary(visit: &Visit, out: &mut impl Write, look: Look) -> io::Result<()> {
    let Look { width, color } = look;
    let mut line = |name: &str, text: &str| {
        let name = paint(color, "1", &format!("{name:<16}"));
        writeln!(out, "{name}{}", fit(text, width - 16))
    };
    line("answer", &answer(visit))?;
    let (before, after) = sessions(&visit.trace);
    line("session before", &before)?;
    line("session after", &after)?;
    stored::calls(&visit.trace, out, look)?;
    for (stage, cookie) in cookies(&visit.trace) {
        let verb = match stage {
            "open_session" => "came with the request",
            _ => "set, for the next visit to bring",
        };
        writeln!(out)?;
        match cookie.is_id {
            true => stored::cookie(verb, cookie, out, look)?,
            false => cookie_parts(verb, cookie, out, look)?,
        }
    }
    Ok(())
}

fn cookie_parts(verb: &str, cookie: &Cookie, out: &mut impl Write, look: Look) -> io::Result<()> {
    let Look { width, color } = look;
    let bytes = cookie.value.len();
    let name = paint(color, "1", "session cookie");
    writeln!(out, "{name}  {verb}: {bytes} bytes, three parts")?;
    let (json, how) = match (&cookie.payload, cookie.compressed) {
        (Some(json), false) => (json.as_str(), "base64 of JSON: anyone can read it"),
        (Some(json), true) => (json.as_str(), "base64 of zlib of JSON: anyone can read it"),
        (None, _) => ("", "no JSON in it"),
    };
    let date = cookie.date().unwrap_or_else(|| "no time in it".to_owned());
    let signature = match cookie.digest_name() {
        Some(digest) => format!("right: the HMAC-{digest} of both, with the app's key"),
        None => "WRONG: not made with the app's key, so the session starts anew".to_owned(),
    };
    let parts = [
        ("payload", &cookie.raw_payload, json, how),
        (
            "timestamp",
            &cookie.raw_timestamp,
            &*date,
            "when it was signed",
        ),
        ("signature", &cookie.signature, &*signature, ""),
    ];
    for (name, raw, meaning, how) in parts {
        let raw = paint(color, "2", &fit(raw, width - 16));
        writeln!(out, "  {name:<14}{raw}")?;
        if !meaning.is_empty() {
            writeln!(out, "{:16}{}", "", fit(meaning, width - 16))?;
        }
        if !how.is_empty() {
            writeln!(out, "{:16}{}", "", paint(color, "2", &format!("({how})")))?;
        }
    }
    Ok(())
}

/// `200 OK, "Welcome, jack!"`.
pub(crate) fn answer(visit: &Visit) -> String {
    match &visit.response {
        Ok(response) => {
            format!("{}, {:?}", response.status, response.text())
        }
        Err(error) => format!("none: {error:?} left the app"),
    }
}

/// What the session held when it had just been opened, and at the end.
fn sessions(trace: &Trace) -> (String, String) {
    let states = || trace.iter().flat_map(|step| [&step.before, &step.after]);
    let text = |state: Option<&State>| {
        let session = state.and_then(State::session);
        session.map_or_else(
            || "none was opened".to_owned(),
            |dict| carafe::json::dumps(dict).unwrap_or_default(),
        )
    };
    let open = |state: &&State| state.session.is_some();
    // The steps are in the order of their enters; of two, the one entered last is left first.
    let last = trace.iter().rev().map(|step| &step.before).find(open);
    (text(states().find(open)), text(last))
}

fn cookies(trace: &Trace) -> impl Iterator<Item = (&str, &Cookie)> {
    trace.iter().flat_map(|step| {
        let cookies = step.cookies.iter();
        cookies.map(|cookie| (step.name.as_str(), cookie))
    })
}

/// All that the trees show, and more, for a program.
pub(crate) fn json(visits: impl Iterator<Item = Visit>, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &document(visits))?;
    writeln!(out)
}

/// What [`json`] prints.
///
/// A visit has the bytes of its request and of its answer, and its steps. A step's `source` is the key of
/// its function in the table `sources`, and `at` is the line where it starts or where it is sent;
/// `implementation` is the function it hands its work to, `server` the one that called the app.
pub(crate) fn document(visits: impl Iterator<Item = Visit>) -> Value {
    let mut sources = Map::new();
    let server = source::function("examples/lifecycle/server.rs", "serve");
    let server = server.map(|excerpt| keep(&mut sources, &excerpt));
    let visits: Vec<Value> = visits
        .map(|visit| visit_json(&visit, &mut sources))
        .collect();
    json!({"visits": visits, "server": server, "sources": sources})
}

fn visit_json(visit: &Visit, sources: &mut Map<String, Value>) -> Value {
    let (response, sent) = match &visit.response {
        Ok(answer) => {
            let headers = answer.headers.iter().map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                json!([name.as_str(), value])
            });
            let response = json!({
                "status": answer.status.as_u16(),
                "headers": headers.collect::<Vec<_>>(),
                "body": answer.text(),
            });
            (response, answer.wire())
        }
        Err(error) => (json!({"error": format!("{error:?}")}), Vec::new()),
    };
    let mut steps = json!(visit.trace);
    let places = source::places(&visit.trace);
    let all = steps.as_array_mut().into_iter().flatten();
    for ((value, step), place) in all.zip(&visit.trace).zip(places) {
        if let Some(place) = place {
            value["source"] = json!(keep(sources, &place.excerpt));
            value["at"] = json!(place.line);
        }
        if let Some(excerpt) = source::implementation(step, visit.in_store) {
            value["implementation"] = json!(keep(sources, &excerpt));
        }
    }
    json!({
        "request": visit.request.to_string(),
        "response": response,
        "wire": {"request": visit.sent, "response": sent},
        "steps": steps,
    })
}

/// Puts an excerpt into the table, and returns its key there.
fn keep(sources: &mut Map<String, Value>, excerpt: &Excerpt) -> String {
    let key = format!("{}:{}", excerpt.file, excerpt.first);
    let Excerpt {
        file,
        first,
        about,
        lines,
    } = excerpt;
    let value = json!({"file": file, "first": first, "about": about, "lines": lines});
    sources.insert(key.clone(), value);
    key
}

/// A diagram for each visit, as Markdown.
pub(crate) fn mermaid(visits: impl Iterator<Item = Visit>, out: &mut impl Write) -> io::Result<()> {
    for (number, visit) in (1..).zip(visits) {
        let gap = if number > 1 { "\n" } else { "" };
        writeln!(out, "{gap}## {number}. {}\n", visit.request)?;
        writeln!(out, "```mermaid\n{}```", visit.trace.mermaid())?;
    }
    Ok(())
}

pub(crate) fn paint(color: bool, style: &str, text: &str) -> String {
    if color {
        format!("\x1b[{style}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// The text in one line of this width, without anything that a terminal would obey.
pub(crate) fn fit(text: &str, width: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    if text.chars().count() <= width {
        return text.chars().map(plain).collect();
    }
    let start = text.chars().take(width.saturating_sub(1));
    start.map(plain).chain(['…']).collect()
}
