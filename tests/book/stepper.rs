//! The pages' steppers: a recorded visit as data for `book/theme/stepper.js`, and as a list for those who
//! have no JavaScript.
//!
//! The data are the JSON of the lifecycle example, cut down to what is shown. A step there has an enter and
//! an exit; here they become moments, of which only those are kept at which there is something to see.

#[path = "stepper/eras.rs"]
pub(crate) mod eras;

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::lifecycle::options::Options;
use crate::lifecycle::{apps, report, visits};

/// One visit to play.
pub(crate) struct Scene {
    /// The file below `book/src/generated/stepper`, without `.html`.
    pub(crate) name: &'static str,
    title: &'static str,
    app: &'static str,
    /// Which of the app's visits.
    visit: usize,
}

const fn scene(name: &'static str, title: &'static str, app: &'static str, visit: usize) -> Scene {
    Scene {
        name,
        title,
        app,
        visit,
    }
}

pub(crate) const SCENES: &[Scene] = &[
    scene("first", "First visit", "tutorial", 0),
    scene("returning", "The visitor returns", "tutorial", 1),
    scene("view_error", "A view fails", "tutorial", 2),
    scene("http_error", "A view aborts with 404", "http_error", 1),
    scene(
        "after_error",
        "An after_request function fails",
        "after_error",
        0,
    ),
    scene(
        "blueprints",
        "A blueprint inside a blueprint",
        "blueprints",
        1,
    ),
    scene(
        "streaming",
        "A response that outlives its request",
        "streaming",
        0,
    ),
];

/// What stands in the page: an element that JavaScript turns into a player.
pub(crate) fn fragment(scene: &Scene) -> String {
    let data = scene.data();
    let mut html = format!("<carafe-stepper name=\"{}\">\n", scene.name);
    add(&mut html, &script(&data));
    add(&mut html, &list(&data));
    html.push_str("</carafe-stepper>");
    assert!(!html.contains("\n\n"), "Markdown would end the HTML there");
    html
}

/// JSON in a page, an entry a line. Neither HTML nor mdBook finds anything of its own in it.
pub(crate) fn script(data: &Value) -> String {
    let mut lines = Vec::new();
    for (key, value) in data.as_object().unwrap() {
        let value = match value.as_array() {
            Some(list) => {
                let entries: Vec<String> = list.iter().map(Value::to_string).collect();
                format!("[\n{}]", entries.join(",\n"))
            }
            None => value.to_string(),
        };
        lines.push(format!("\"{key}\":{value}"));
    }
    let json = format!("{{{}}}", lines.join(",\n"));
    let json = json.replace('<', "\\u003c").replace("{{", "{\\u007b");
    format!("<script type=\"application/json\">{json}</script>")
}

impl Scene {
    fn data(&self) -> Value {
        let app = apps::Example::find(self.app).unwrap();
        let options = Options {
            app,
            ..Options::default()
        };
        let document = report::document(visits::all(&options).unwrap());
        let visit = &document["visits"][self.visit];
        let mut moments = Moments::new(&document["sources"], visit);
        moments.server(document["server"].as_str().unwrap());
        let (steps, moments, sources, states) = moments.finish();
        json!({
            "title": self.title,
            "visit": visit["request"],
            "app": format!("examples/lifecycle/{}", app.file),
            "request": visit["wire"]["request"],
            "response": visit["wire"]["response"],
            "sources": sources,
            "states": states,
            "steps": steps,
            "moments": moments,
        })
    }
}

/// An error without the sentences that its page would have.
fn brief(error: &str) -> &str {
    let long = error.len() > 80;
    let end = error.match_indices(": ").nth(1).filter(|_| long);
    end.map_or(error, |(at, _)| &error[..at])
}

/// The number of the last line of a function that has these words. Its head does not count, nor the `stage!`
/// that it calls itself in.
fn line_of(excerpt: &Value, words: &str) -> Option<u64> {
    let lines = excerpt["lines"].as_array()?;
    let at = lines.iter().rposition(|line| {
        let line = line.as_str().unwrap_or_default();
        line.contains(words) && !line.trim_start().starts_with("stage!(")
    })?;
    (at > 0).then_some(excerpt["first"].as_u64()? + at as u64)
}

/// Collects the moments of a visit, and what they show.
struct Moments<'a> {
    /// All excerpts there are, by their keys.
    table: &'a Value,
    visit: &'a Value,
    /// Those that are shown; a moment has an index.
    sources: Vec<&'a str>,
    states: Vec<&'a Value>,
    steps: Vec<Value>,
    moments: Vec<Value>,
    /// How many pieces of the answer have been sent.
    sent: usize,
}

impl<'a> Moments<'a> {
    fn new(table: &'a Value, visit: &'a Value) -> Self {
        Moments {
            table,
            visit,
            sources: Vec::new(),
            states: Vec::new(),
            steps: Vec::new(),
            moments: Vec::new(),
            sent: 0,
        }
    }

    fn recorded(&self) -> &'a [Value] {
        self.visit["steps"].as_array().unwrap()
    }

    fn pieces(&self) -> usize {
        self.visit["wire"]["response"].as_array().unwrap().len()
    }

    /// From the server's call of the app to the last byte.
    fn server(&mut self, server: &'a str) {
        let first = &self.recorded()[0]["before"];
        self.server_step("server: calls the app", server, "app.call(");
        let say = format!(
            "the server has read {} and calls the app",
            text(&self.visit["request"])
        );
        self.moment(self.steps.len() - 1, "enter", first, &say);
        let mut open: Vec<usize> = Vec::new();
        for (index, step) in self.recorded().iter().enumerate() {
            self.leave(&mut open, index);
            self.between(open.last().copied(), step);
            self.enter(step);
            if !is_event(step) {
                open.push(index);
            }
        }
        self.leave(&mut open, usize::MAX);
        if self.sent < self.pieces() {
            let last = *self.states.last().unwrap();
            self.server_step("server: sends the answer", server, "body.next()");
            let say = "the server sends the answer";
            self.sent = self.pieces();
            self.moment(self.steps.len() - 1, "enter", last, say);
        }
        assert_eq!(self.sent, self.pieces());
    }

    /// What the server does is no part of the trace.
    fn server_step(&mut self, label: &str, source: &'a str, line: &str) {
        let at = line_of(&self.table[source], line).unwrap();
        let source = self.source(source);
        self.steps.push(json!({
            "depth": 0, "kind": "server", "label": label, "source": source, "line": at,
        }));
    }

    fn enter(&mut self, step: &'a Value) {
        let mut shown = Map::new();
        for key in ["depth", "kind", "label", "error"] {
            if !step[key].is_null() {
                shown.insert(key.to_owned(), step[key].clone());
            }
        }
        if text(&step["label"]).starts_with("server:") {
            shown["kind"] = json!("server");
        }
        shown.insert(
            "source".to_owned(),
            json!(self.source(text(&step["source"]))),
        );
        // A span is opened before what it is for.
        let line = if text(&step["label"]).starts_with("server:") {
            json!(line_of(&self.table[text(&step["source"])], "body.next()"))
        } else {
            step["at"].clone()
        };
        shown.insert("line".to_owned(), line);
        if let Some(key) = step["implementation"].as_str() {
            shown.insert("calls".to_owned(), json!(self.source(key)));
        }
        self.steps.push(Value::Object(shown));
        let label = text(&step["label"]);
        let say = match text(&step["kind"]) {
            "signal" => format!("signal {label} is sent"),
            "log" => format!("a line is logged: {label}"),
            _ if label.starts_with("server:") => "the server asks for the next piece".to_owned(),
            _ => format!("{label} is called"),
        };
        let opens = step["name"] == "open_session" && step["kind"] == "stage";
        let shown = self.steps.len() - 1;
        self.moment(shown, "enter", &step["before"], &say);
        if opens {
            let brought = &step["cookies"][0];
            let what = match brought["signed_with"].as_str() {
                _ if brought.is_null() => "no session cookie came with the request",
                Some(_) => "a session cookie came with the request, and its signature is right",
                None => "a session cookie came with the request, and its signature is wrong",
            };
            self.cookie("it came with the request", brought, what);
        }
    }

    /// The steps that end before the one at `index` begins.
    fn leave(&mut self, open: &mut Vec<usize>, index: usize) {
        while let Some(inner) = open.last().copied() {
            let step = &self.recorded()[inner];
            if step["end"].as_u64().unwrap() as usize > index {
                return;
            }
            open.pop();
            self.exit(inner, step);
        }
    }

    fn exit(&mut self, index: usize, step: &'a Value) {
        let shown = index + 1;
        let label = text(&step["label"]);
        let asked = label.starts_with("server:");
        let error = step["error"].as_str();
        let cookie = if step["name"] == "save_session" {
            &step["cookies"][0]
        } else {
            &Value::Null
        };
        let matched = &step["fields"];
        let matched = match (
            matched["rule"].as_str(),
            matched["routing_exception"].as_str(),
        ) {
            (Some(rule), _) => Some(format!(
                "the rule is {rule}, the endpoint {}",
                text(&matched["endpoint"])
            )),
            (_, Some(error)) => Some(format!("no rule: {error} is kept for dispatch_request")),
            _ => None,
        };
        let changed = self.states.last() != Some(&&step["after"]);
        let sends = asked && self.sent < self.pieces();
        let saves = step["name"] == "save_session";
        if !changed && error.is_none() && !saves && matched.is_none() && !asked {
            return;
        }
        let say = match error {
            Some("panicked") => format!("{label} panics"),
            Some(error) if self.is_passed_on(index, error) => {
                format!("{label} passes the error on")
            }
            Some(error) => format!("{label} fails: {}", brief(error)),
            None if sends => "the server sends the piece".to_owned(),
            None if asked => "there is no next piece: the answer is complete".to_owned(),
            None => format!("{label} returns"),
        };
        self.sent += usize::from(sends);
        self.moment(shown, "exit", &step["after"], &say);
        let moment = self.moments.last_mut().unwrap();
        if let Some(matched) = matched {
            moment["changes"]
                .as_array_mut()
                .unwrap()
                .push(json!(matched));
        }
        if saves && error.is_none() {
            let what = if cookie.is_null() {
                "no session cookie goes with the answer"
            } else {
                "a new session cookie goes with the answer"
            };
            self.cookie("it goes with the answer", cookie, what);
        }
    }

    /// Whether the error was raised before: inside of the step, or what an error handling stage was given.
    fn is_passed_on(&self, index: usize, error: &str) -> bool {
        let steps = self.recorded();
        let first = if steps[index]["kind"] == "stage" {
            0
        } else {
            index + 1
        };
        let end = steps[index]["end"].as_u64().unwrap() as usize;
        let mut inside = (first..end).filter(|at| *at != index).map(|at| &steps[at]);
        inside.any(|step| step["kind"] == "hook" && step["error"] == *error)
    }

    /// What the function around a step did before the step began.
    fn between(&mut self, around: Option<usize>, step: &'a Value) {
        let changed = self.states.last() != Some(&&step["before"]);
        let Some(around) = around.filter(|_| changed && !is_event(step)) else {
            return;
        };
        let label = text(&self.recorded()[around]["label"]);
        let say = if label.starts_with("server:") {
            "stream_with_context puts the contexts back".to_owned()
        } else {
            format!("{label} goes on")
        };
        self.moment(around + 1, "within", &step["before"], &say);
        // Where it has got to: the line that calls the step. What is above it has been done.
        let name = text(&step["name"]).rsplit('.').next().unwrap_or_default();
        let call = format!("{name}(");
        let outer = text(&self.recorded()[around]["source"]);
        let mut line = line_of(&self.table[outer], &call);
        let mut source = None;
        if let (None, Some(inner)) = (line, self.recorded()[around]["implementation"].as_str()) {
            // The function that the work was handed to has done it, not the one around that.
            line = line_of(&self.table[inner], "self.next_chunk()");
            source = Some(self.source(inner));
        }
        let moment = self.moments.last_mut().unwrap();
        for (key, value) in [("line", json!(line)), ("source", json!(source))] {
            if !value.is_null() {
                moment[key] = value;
            }
        }
    }

    fn moment(&mut self, step: usize, phase: &str, state: &'a Value, say: &str) {
        let before = self.states.last().copied();
        let mut changes = changes(before.unwrap_or(state), state);
        let sent = self
            .moments
            .last()
            .map_or(0, |moment| moment["sent"].as_u64().unwrap() as usize);
        if let Some(piece) = self.visit["wire"]["response"]
            .get(sent)
            .filter(|_| self.sent > sent)
        {
            let bytes = text(piece).len();
            changes.push(format!("{bytes} bytes of the answer are sent"));
        }
        self.states.push(state);
        self.moments.push(json!({
            "step": step, "phase": phase, "state": self.states.len() - 1,
            "say": say, "changes": changes, "sent": self.sent,
        }));
    }

    fn cookie(&mut self, how: &str, cookie: &Value, what: &str) {
        let moment = self.moments.last_mut().unwrap();
        moment["changes"].as_array_mut().unwrap().push(json!(what));
        if cookie.is_null() {
            return;
        }
        let mut kept = Map::new();
        kept.insert("how".to_owned(), json!(how));
        for key in [
            "raw_payload",
            "raw_timestamp",
            "signature",
            "payload",
            "compressed",
            "date",
            "signed_with",
        ] {
            kept.insert(key.to_owned(), cookie[key].clone());
        }
        moment["cookie"] = Value::Object(kept);
    }

    fn source(&mut self, key: &'a str) -> usize {
        let known = self.sources.iter().position(|known| *known == key);
        known.unwrap_or_else(|| {
            self.sources.push(key);
            self.sources.len() - 1
        })
    }

    /// The steps, the moments, the excerpts and the states, each state once.
    fn finish(mut self) -> (Vec<Value>, Vec<Value>, Vec<Value>, Vec<Value>) {
        let mut states: Vec<Value> = Vec::new();
        for (moment, state) in self.moments.iter_mut().zip(&self.states) {
            let known = states.iter().position(|known| known == *state);
            moment["state"] = json!(known.unwrap_or_else(|| {
                states.push((*state).clone());
                states.len() - 1
            }));
        }
        let sources = self.sources.iter().map(|key| self.table[*key].clone());
        (self.steps, self.moments, sources.collect(), states)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn is_event(step: &Value) -> bool {
    step["kind"] == "signal" || step["kind"] == "log"
}

/// What is new, in words.
fn changes(from: &Value, to: &Value) -> Vec<String> {
    let mut changes = Vec::new();
    for (key, what) in [
        ("request_contexts", "request context"),
        ("app_contexts", "app context"),
    ] {
        let (from, to) = (names(&from[key]), names(&to[key]));
        let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        changes.extend(
            from[same..]
                .iter()
                .map(|name| format!("{what} {name} is popped")),
        );
        changes.extend(
            to[same..]
                .iter()
                .map(|name| format!("{what} {name} is pushed")),
        );
    }
    // A context brings its g and session, and takes them with it.
    if from["app_contexts"] == to["app_contexts"] && from["g"] != to["g"] {
        changes.push(format!("g holds {}", names(&to["g"]).join(", ")));
    }
    let (old, new) = (&from["session"], &to["session"]);
    if from["request_contexts"] == to["request_contexts"] && old != new && !new.is_null() {
        let data = new["data"].to_string();
        if old.is_null() {
            let is_new = new["new"] == true;
            let word = if is_new {
                "a new session"
            } else {
                "the session"
            };
            changes.push(format!("{word} is open: {data}"));
        } else if old["data"] != new["data"] {
            changes.push(format!("the session holds {data}"));
        }
        for flag in ["modified", "accessed"] {
            if new[flag] == true && old[flag] != true {
                changes.push(format!("the session is marked as {flag}"));
            }
        }
    }
    changes
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array()
        .map_or_else(Vec::new, |list| list.iter().map(text).collect())
}

/// The trace as nested lists: what is read without JavaScript.
fn list(data: &Value) -> String {
    let mut html = String::new();
    let title = escape(&format!(
        "{}: {}",
        text(&data["title"]),
        text(&data["visit"])
    ));
    add(
        &mut html,
        &format!("<div class=\"as-list\"><p><strong>{title}</strong></p>"),
    );
    wire(&mut html, "The request", &[&data["request"]]);
    let steps = data["steps"].as_array().unwrap();
    let mut at = 0;
    items(&mut html, data, steps, &mut at, 0);
    let response: Vec<&Value> = data["response"].as_array().unwrap().iter().collect();
    wire(&mut html, "The answer", &response);
    html.push_str("</div>");
    html
}

fn items(html: &mut String, data: &Value, steps: &[Value], at: &mut usize, depth: u64) {
    add(html, "<ol>");
    while let Some(step) = steps
        .get(*at)
        .filter(|step| step["depth"].as_u64().unwrap() >= depth)
    {
        let index = *at;
        *at += 1;
        let has_inner = steps
            .get(*at)
            .is_some_and(|next| next["depth"].as_u64().unwrap() > depth);
        let line = item(data, step);
        let happens = happens(data, index);
        if has_inner {
            let open = if depth < 2 { " open" } else { "" };
            add(
                html,
                &format!("<li><details{open}><summary>{line}</summary>{happens}"),
            );
            items(html, data, steps, at, depth + 1);
            add(html, "</details></li>");
        } else {
            let gap = if happens.is_empty() { "" } else { "<br>" };
            add(html, &format!("<li>{line}{gap}{happens}</li>"));
        }
    }
    add(html, "</ol>");
}

fn item(data: &Value, step: &Value) -> String {
    let word = match text(&step["kind"]) {
        "signal" => "signal ",
        "log" => "log: ",
        _ => "",
    };
    let label = escape(text(&step["label"]));
    let source = &data["sources"][step["source"].as_u64().unwrap() as usize];
    let place = format!("{}:{}", text(&source["file"]), step["line"]);
    let raises = if step["error"].is_null() { "" } else { " ✗" };
    format!("{word}<strong>{label}</strong>{raises} <code>{place}</code>")
}

/// All that changes at the moments of a step, and how it fails.
fn happens(data: &Value, step: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for moment in data["moments"].as_array().unwrap() {
        if moment["step"] != step {
            continue;
        }
        let said = text(&moment["say"]);
        if said.contains(" fails: ")
            || said.ends_with(" passes the error on")
            || said.ends_with(" panics")
        {
            lines.push(escape(said));
        }
        lines.extend(names(&moment["changes"]).into_iter().map(escape));
    }
    lines.join("<br>")
}

fn wire(html: &mut String, title: &str, pieces: &[&Value]) {
    let bytes: String = pieces.iter().map(|piece| text(piece)).collect();
    // A blank line would end the HTML for Markdown.
    let lines: Vec<String> = bytes.lines().map(escape).collect();
    let lines = lines.join("&#10;");
    _ = writeln!(
        html,
        "<details><summary>{title}</summary><pre>{lines}</pre></details>"
    );
}

pub(crate) fn escape(text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    // Neither Markdown nor mdBook shall find anything in it.
    text.replace('{', "&#123;").replace('"', "&quot;")
}

pub(crate) fn add(html: &mut String, line: &str) {
    html.push_str(line);
    html.push('\n');
}
