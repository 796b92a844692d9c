//! What went to a session store, printed: the commands, the keys, and the bytes with what they say.

use std::io::{self, Write};

use carafe::trace::{Cookie, Kind, Step, StoreAnswer, StoreCall, Stored, Trace};

use super::report::{Look, fit, paint};

/// Where the second column starts.
const COLUMN: usize = 16;

/// All calls of the store, each with the commands that the store gave.
pub(crate) fn calls(trace: &Trace, out: &mut impl Write, look: Look) -> io::Result<()> {
    let steps = trace.steps();
    for (index, step) in steps.iter().enumerate() {
        let Some(call) = &step.store_call else {
            continue;
        };
        let inside = steps.get(index + 1..step.end).unwrap_or_default();
        writeln!(out)?;
        let stage = stage_around(&steps[..index], index);
        let name = paint(look.color, "1", &format!("{:<COLUMN$}", "store"));
        let store = step.field("store").unwrap_or_default();
        writeln!(out, "{name}{store}, in {stage}: {}", step.name)?;
        for command in inside.iter().filter(|step| step.kind == Kind::Command) {
            text(out, look, "  command", &command.name)?;
        }
        for (name, value) in sends(call) {
            row(out, look, &format!("  {name}"), &value)?;
        }
        for (name, value) in answer(call) {
            row(out, look, &format!("  {name}"), &value)?;
        }
        if let Some(error) = &step.error {
            text(out, look, "  error", error)?;
        }
    }
    Ok(())
}

/// The lifecycle's function that the step at `index` is in.
fn stage_around(before: &[Step], index: usize) -> &str {
    let mut around = before.iter().rev().filter(|step| step.end > index);
    let stage = around.find(|step| step.kind == Kind::Stage);
    stage.map_or("no request", |step| step.name.as_str())
}

/// What a call takes to the store.
pub(crate) fn sends(call: &StoreCall) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    rows.extend(call.short_key().map(|key| ("key", key)));
    let seconds = call.seconds.map(|seconds| format!("{seconds} seconds"));
    rows.extend(seconds.map(|seconds| ("lifetime", seconds)));
    rows.extend(call.sent.iter().flat_map(|sent| bytes("sent", sent)));
    rows
}

/// What came back.
fn answer(call: &StoreCall) -> Vec<(&'static str, String)> {
    match &call.answer {
        Some(StoreAnswer::Found(found)) => bytes("found", found),
        Some(StoreAnswer::Nothing) => vec![("found", "nothing".to_owned())],
        Some(StoreAnswer::NotDone) => vec![("answer", "is not there any more".to_owned())],
        Some(StoreAnswer::Count(count)) => vec![("answer", count.to_string())],
        _ => Vec::new(),
    }
}

/// The bytes as they are, and as what they say.
fn bytes(name: &'static str, stored: &Stored) -> Vec<(&'static str, String)> {
    let size = stored.bytes.len();
    let text = stored.text.as_deref().unwrap_or("not to be read");
    vec![
        (name, stored.escaped()),
        ("", format!("{text}  ({size} bytes of {})", stored.format)),
    ]
}

/// Text that may take several lines, as SQL does.
fn text(out: &mut impl Write, look: Look, name: &str, text: &str) -> io::Result<()> {
    let mut line = String::new();
    let mut name = name;
    for word in text.split_whitespace() {
        let room = (look.width - COLUMN).saturating_sub(word.chars().count());
        if !line.is_empty() && line.chars().count() >= room {
            row(
                out,
                look,
                std::mem::take(&mut name),
                &std::mem::take(&mut line),
            )?;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    row(out, look, name, &line)
}

fn row(out: &mut impl Write, look: Look, name: &str, value: &str) -> io::Result<()> {
    writeln!(out, "{name:<COLUMN$}{}", fit(value, look.width - COLUMN))
}

/// A cookie that holds an id.
pub(crate) fn cookie(
    verb: &str,
    cookie: &Cookie,
    out: &mut impl Write,
    look: Look,
) -> io::Result<()> {
    let name = paint(look.color, "1", "session cookie");
    writeln!(out, "{name}  {verb}: {} bytes", cookie.value.len())?;
    row(out, look, "  id", &cookie.value)?;
    let meaning = "(random: the session itself is in the store, under this key)";
    row(out, look, "", meaning)
}
