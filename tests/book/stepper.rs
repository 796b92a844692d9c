//! The pages' steppers: a recorded visit as data for `book/theme/stepper.js`, and as a list for those who
//! have no JavaScript.
//!
//! `examples/live_book/moments.rs` makes the data.

#[path = "stepper/eras.rs"]
pub(crate) mod eras;

use std::fmt::Write as _;

use serde_json::Value;

use crate::lifecycle::options::Options;
use crate::lifecycle::{apps, report, visits};
use crate::moments;

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
        let file = format!("lifecycle/{}", app.file);
        let data = moments::of(&document, self.visit, self.title, &file);
        let shown = data["moments"].as_array().unwrap().last().unwrap();
        let pieces = data["response"].as_array().unwrap();
        assert_eq!(shown["sent"], pieces.len(), "the answer is sent");
        data
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
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
