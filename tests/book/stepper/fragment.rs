//! A player in a page: its data, and the trace as a list for those who have no JavaScript.
//!
//! `examples/live_book/moments` makes the data, and `book/theme/stepper.js` plays it.

use std::fmt::Write as _;

use serde_json::Value;

/// What stands in the page: an element that JavaScript turns into a player.
pub(crate) fn fragment(name: &str, data: &Value) -> String {
    let shown = data["moments"].as_array().unwrap().last().unwrap();
    let pieces = data["response"].as_array().unwrap();
    assert_eq!(shown["sent"], pieces.len(), "the answer is sent");
    let mut html = format!("<carafe-stepper name=\"{name}\">\n");
    add(&mut html, &script(data));
    add(&mut html, &list(data));
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

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn number(value: &Value) -> usize {
    value.as_u64().unwrap().try_into().unwrap()
}

fn entries(list: &Value) -> &[Value] {
    list.as_array().unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array()
        .map_or_else(Vec::new, |list| list.iter().map(text).collect())
}

/// The trace as nested lists: what is read without JavaScript.
fn list(data: &Value) -> String {
    let mut html = "<div class=\"as-list\">\n".to_owned();
    let visits = entries(&data["visits"]);
    let (steps, pieces) = (entries(&data["steps"]), entries(&data["response"]));
    let mut at = 0;
    for (index, visit) in visits.iter().enumerate() {
        let title = format!("{}: {}", text(&data["title"]), text(&visit["request"]));
        let title = escape(&title);
        add(&mut html, &format!("<p><strong>{title}</strong></p>"));
        wire(
            &mut html,
            "The request",
            std::slice::from_ref(&visit["wire"]),
        );
        let end = |what: &str, all: usize| {
            visits
                .get(index + 1)
                .map_or(all, |next| number(&next[what]))
        };
        items(
            &mut html,
            data,
            &steps[..end("step", steps.len())],
            &mut at,
            0,
        );
        let answer = &pieces[number(&visit["piece"])..end("piece", pieces.len())];
        wire(&mut html, "The answer", answer);
    }
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
        "command" => "command: ",
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
        lines.extend(bytes(moment));
    }
    lines.join("<br>")
}

/// What goes to a store at this moment or comes from it, as it is.
fn bytes(moment: &Value) -> Option<String> {
    let value = &moment["store"]["entry"]["value"];
    let says = match (text(&moment["phase"]), value["how"].as_str()?) {
        ("enter", "sent") => moment["store"]["said"].as_array()?.len() == 1,
        ("exit", "found") => true,
        _ => false,
    };
    says.then(|| format!("<code>{}</code>", escape(text(&value["escaped"]))))
}

fn wire(html: &mut String, title: &str, pieces: &[Value]) {
    let bytes: String = pieces.iter().map(text).collect();
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
