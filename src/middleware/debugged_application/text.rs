//! The report as plain text, for a client that does not ask for HTML, and to be copied.
//!
//! Read next: `trace/tree.rs`, most of it.

use std::fmt::Write;

use super::report::Report;
use crate::trace::visible;

/// How many characters of one text are told.
const TEXT: usize = 10_000;
/// How wide the trace is.
const WIDTH: usize = 100;

pub(super) fn text(report: &Report<'_>) -> String {
    let mut out = String::new();
    // A String takes all that is written to it.
    _ = write(report, &mut out);
    // The trace has texts of its own in it.
    visible(&out, usize::MAX).into_owned()
}

fn write(report: &Report<'_>, out: &mut String) -> std::fmt::Result {
    let asked = report.asked;
    for (index, cause) in report.causes.iter().enumerate() {
        let before = if index == 0 { "" } else { "  caused by: " };
        let message = visible(&cause.message, TEXT);
        match &cause.name {
            Some(name) => writeln!(out, "{before}{name}: {message}")?,
            None => writeln!(out, "{before}{message}")?,
        }
    }
    if let Some(raised) = &report.raised {
        writeln!(out, "\n{raised}")?;
    }
    if let Some(at) = &report.line {
        writeln!(out, "{} {}:{}", at.how, at.file, at.line)?;
        for (number, line) in &report.source {
            let mark = if *number == at.line { '>' } else { ' ' };
            writeln!(out, "{mark} {number:>5}  {}", visible(line, TEXT))?;
        }
    }
    let (url, protocol) = (visible(&asked.url, TEXT), &asked.protocol);
    writeln!(out, "\n{} {url} {protocol}", asked.method)?;
    if let Some(client) = &asked.client {
        writeln!(out, "from {client}")?;
    }
    for (name, value) in &asked.headers {
        writeln!(out, "  {name}: {}", visible(value, TEXT))?;
    }
    writeln!(out, "\nWhat the request went through\n")?;
    writeln!(out, "{}", report.trace.tree().width(WIDTH))?;
    let app = visible(report.app, TEXT);
    writeln!(
        out,
        "This is shown because DEBUG is on for the app {app:?}."
    )
}
