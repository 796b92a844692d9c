//! The visits that real Flasks were recorded with, side by side.
//!
//! `tests/eras` records them into `book/src/generated/eras/<version>.json`. Here the steps of one era are
//! laid beside those of the one before, as lines are by `diff`: by their names, in their order.

use serde_json::{Map, Value, json};

use super::fragment::{add, escape, script, text};

const ERAS: [&str; 4] = ["1.0.4", "1.1.4", "2.2.5", "3.1.3"];

/// What stands in the page.
pub(crate) fn fragment() -> String {
    let recorded: Vec<Vec<Value>> = ERAS.iter().map(|era| read(era)).collect();
    let scenes: Vec<Value> = (0..recorded[0].len())
        .map(|index| {
            let eras: Vec<&Value> = recorded.iter().map(|scenes| &scenes[index]).collect();
            scene(&eras)
        })
        .collect();
    let data = json!({"eras": ERAS, "scenes": scenes});
    let mut html = "<carafe-eras name=\"eras\">\n".to_owned();
    add(&mut html, &script(&data));
    add(&mut html, &list(&data));
    html.push_str("</carafe-eras>");
    assert!(!html.contains("\n\n"), "Markdown would end the HTML there");
    html
}

fn read(era: &str) -> Vec<Value> {
    let root = env!("CARGO_MANIFEST_DIR");
    let path = format!("{root}/book/src/generated/eras/{era}.json");
    let json = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&json).unwrap()
}

/// One visit, an array with the index of the step of each era in each row.
fn scene(eras: &[&Value]) -> Value {
    let title = text(&eras[0]["scene"]);
    assert!(eras.iter().all(|era| era["scene"] == title), "{title}");
    let steps: Vec<&[Value]> = eras
        .iter()
        .map(|era| era["steps"].as_array().unwrap().as_slice())
        .collect();
    let mut rows: Vec<Value> = align(&steps)
        .iter()
        .map(|row| row_json(row, &steps))
        .collect();
    rows.push(answers(eras));
    json!({
        "name": title.replace(' ', "_"),
        "title": title,
        "request": eras[0]["request"],
        "rows": rows,
    })
}

type Row = Vec<Option<usize>>;

fn align(eras: &[&[Value]]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (era, steps) in eras.iter().enumerate() {
        let names: Vec<&str> = rows.iter().map(|row| name(row, eras)).collect();
        let added: Vec<&str> = steps.iter().map(|step| text(&step["name"])).collect();
        let pairs = common(&names, &added);
        let mut merged = Vec::new();
        let (mut old, mut new) = (0, 0);
        for (row, step) in pairs.into_iter().chain([(rows.len(), steps.len())]) {
            merged.extend(rows[old..row].iter().cloned());
            merged.extend((new..step).map(|step| only(era, step)));
            if row < rows.len() {
                let mut both = rows[row].clone();
                both.resize(era, None);
                both.push(Some(step));
                merged.push(both);
            }
            (old, new) = (row + 1, step + 1);
        }
        for row in &mut merged {
            row.resize(era + 1, None);
        }
        rows = merged;
    }
    rows
}

fn only(era: usize, step: usize) -> Row {
    let mut row = vec![None; era];
    row.push(Some(step));
    row
}

fn name<'a>(row: &Row, eras: &[&'a [Value]]) -> &'a str {
    text(&any(row, eras)["name"])
}

/// The step of the latest era that has one.
fn any<'a>(row: &Row, eras: &[&'a [Value]]) -> &'a Value {
    let (era, step) = row
        .iter()
        .enumerate()
        .rev()
        .find_map(|(era, step)| Some((era, (*step)?)))
        .unwrap();
    &eras[era][step]
}

/// The longest common subsequence, as pairs of indices.
fn common(a: &[&str], b: &[&str]) -> Vec<(usize, usize)> {
    let mut length = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            length[i][j] = if a[i] == b[j] {
                length[i + 1][j + 1] + 1
            } else {
                length[i + 1][j].max(length[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut pairs = Vec::new();
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if length[i + 1][j] >= length[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

fn row_json(row: &Row, eras: &[&[Value]]) -> Value {
    let step = any(row, eras);
    let cells = (0..eras.len()).map(|era| cell(row, era, eras));
    json!({
        "name": step["name"],
        "kind": step["kind"],
        "depth": step["depth"],
        "cells": cells.collect::<Vec<_>>(),
    })
}

/// What is to be said of a step in one era, compared to the era before.
fn cell(row: &Row, era: usize, eras: &[&[Value]]) -> Value {
    let here = row[era].map(|step| &eras[era][step]);
    let before = era
        .checked_sub(1)
        .and_then(|before| Some(&eras[before][row[before]?]));
    // Whether the step has another place in that era.
    let elsewhere = |era: usize| {
        let name = name(row, eras);
        eras[era].iter().any(|step| step["name"] == *name)
    };
    let (mark, note) = match (here, before) {
        (Some(_), None) if era == 0 => ("same", String::new()),
        (Some(_), None) if elsewhere(era - 1) => (
            "moved",
            format!("moved here, inside {}", parent(eras[era], row[era])),
        ),
        (Some(_), None) => ("new", "new".to_owned()),
        (None, Some(_)) if elsewhere(era) => ("gone", "moved away".to_owned()),
        (None, Some(_)) => ("gone", "gone".to_owned()),
        (None, None) => ("absent", String::new()),
        (Some(here), Some(before)) => {
            let (inside, was_inside) = (
                parent(eras[era], row[era]),
                parent(eras[era - 1], row[era - 1]),
            );
            if inside != was_inside {
                ("moved", format!("now inside {inside}"))
            } else if here["raises"] != before["raises"] {
                let how = if here["raises"].is_null() {
                    "no longer fails"
                } else {
                    "now fails"
                };
                ("changed", how.to_owned())
            } else {
                ("same", String::new())
            }
        }
    };
    let mut cell = kept(mark, &note);
    if let Some(step) = here {
        cell.insert(
            "place".to_owned(),
            json!(format!("{}:{}", text(&step["file"]), step["line"])),
        );
    }
    if mark == "absent" {
        Value::Null
    } else {
        Value::Object(cell)
    }
}

/// A cell with what there is to say of it.
fn kept(mark: &str, note: &str) -> Map<String, Value> {
    let said = [("mark", mark), ("note", note)].into_iter();
    let said = said.filter(|(_, text)| !matches!(*text, "" | "same"));
    said.map(|(key, text)| (key.to_owned(), json!(text)))
        .collect()
}

/// The step that a step is inside of.
fn parent(steps: &[Value], index: Option<usize>) -> &str {
    let Some(index) = index else { return "" };
    let depth = steps[index]["depth"].as_u64();
    let around = steps[..index]
        .iter()
        .rev()
        .find(|step| step["depth"].as_u64() < depth);
    around.map_or("the server", |step| text(&step["name"]))
}

/// The last row: what the visitor gets.
fn answers(eras: &[&Value]) -> Value {
    let all: Vec<String> = eras.iter().map(|era| answer(era)).collect();
    let cells = all.iter().enumerate().map(|(era, answer)| {
        let same = era == 0 || all[era - 1] == *answer;
        let (mark, note) = if same {
            ("same", "")
        } else {
            ("changed", "another answer")
        };
        let mut cell = kept(mark, note);
        cell.insert("answer".to_owned(), json!(answer));
        Value::Object(cell)
    });
    json!({"name": "the answer", "kind": "server", "depth": 0, "cells": cells.collect::<Vec<_>>()})
}

fn answer(era: &Value) -> String {
    let mut answer = format!("HTTP/1.1 {}\n", text(&era["status"]));
    for header in era["headers"].as_array().unwrap() {
        answer.push_str(&format!("{}: {}\n", text(&header[0]), text(&header[1])));
    }
    answer.push('\n');
    answer + text(&era["body"])
}

/// The same as tables.
fn list(data: &Value) -> String {
    let mut html = "<div class=\"as-list\">\n".to_owned();
    for scene in data["scenes"].as_array().unwrap() {
        let title = escape(&format!(
            "{}: {}",
            text(&scene["title"]),
            text(&scene["request"])
        ));
        add(
            &mut html,
            &format!("<details><summary>{title}</summary><div class=\"scroll\"><table>"),
        );
        let eras = ERAS.map(|era| format!("<th>{era}</th>")).concat();
        add(
            &mut html,
            &format!("<thead><tr><th></th>{eras}</tr></thead><tbody>"),
        );
        for row in scene["rows"].as_array().unwrap() {
            let depth = row["depth"].as_u64().unwrap() as usize;
            let indent = "&nbsp;".repeat(2 * depth);
            let cells = row["cells"].as_array().unwrap().iter();
            let cells: String = cells
                .map(|cell| match cell["note"].as_str() {
                    _ if cell.is_null() => "<td></td>".to_owned(),
                    None => "<td>●</td>".to_owned(),
                    Some(note) => format!("<td><strong>{}</strong></td>", escape(note)),
                })
                .collect();
            add(
                &mut html,
                &format!(
                    "<tr><td>{indent}{}</td>{cells}</tr>",
                    escape(text(&row["name"]))
                ),
            );
        }
        add(&mut html, "</tbody></table></div></details>");
    }
    html.push_str("</div>");
    html
}
