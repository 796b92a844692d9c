//! A trace as a Mermaid sequence diagram, which many a Markdown viewer draws.
//!
//! Who calls whom: the server, the Flask object, the two contexts, the session interface, and the
//! app's own functions. What a step changed is a note.

use std::fmt::{self, Write};

use super::changes::{Item, Topic, inside, roots};
use super::{Kind, Step, Trace};

/// The columns, in the order in which a request meets them.
const PARTICIPANTS: [(&str, &str); 6] = [
    ("Server", "WSGI server"),
    ("Flask", "Flask"),
    ("RequestContext", "RequestContext"),
    ("AppContext", "AppContext"),
    ("Session", "SessionInterface"),
    ("Yours", "your functions"),
];

/// One more, where sessions are in a store.
const STORE: (&str, &str) = ("Store", "the store");

impl Trace {
    /// The trace as the text of a Mermaid sequence diagram.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut out = String::from("sequenceDiagram\n");
        for (name, label) in PARTICIPANTS {
            line(
                &mut out,
                format_args!("    participant {name} as {label}\n"),
            );
        }
        if self.iter().any(|step| step.kind == Kind::Store) {
            let (name, label) = STORE;
            line(
                &mut out,
                format_args!("    participant {name} as {label}\n"),
            );
        }
        for root in roots(self) {
            calls(self, root, "Server", &mut out);
        }
        out
    }
}

fn calls(trace: &Trace, index: usize, caller: &str, out: &mut String) {
    let Some(step) = trace.steps().get(index) else {
        return;
    };
    let Some(callee) = participant(step, caller) else {
        let word = match step.kind {
            Kind::Log => "log ",
            Kind::Command => "",
            _ => "signal ",
        };
        let text = escape(&step.label());
        return line(out, format_args!("    Note over {caller}: {word}{text}\n"));
    };
    // "Flask.wsgi_app" in Flask's own column is just "wsgi_app".
    let label = step.label();
    let short = label
        .strip_prefix(callee)
        .and_then(|rest| rest.strip_prefix('.'));
    let text = escape(short.unwrap_or(&label));
    line(out, format_args!("    {caller}->>{callee}: {text}\n"));
    for item in inside(trace, index) {
        match item {
            Item::Step(child) => calls(trace, child, callee, out),
            Item::Note(note) => {
                let text = escape(&note.text);
                match note.topic {
                    Topic::Error => line(out, format_args!("    {callee}--x{caller}: {text}\n")),
                    _ => line(out, format_args!("    Note over {callee}: {text}\n")),
                }
            }
        }
    }
}

/// The column that a step's call goes to; `None` for an event, which is no call.
fn participant<'a>(step: &Step, caller: &'a str) -> Option<&'a str> {
    match step.kind {
        Kind::Signal | Kind::Command | Kind::Log => None,
        Kind::Store => Some(STORE.0),
        Kind::Hook => Some("Yours"),
        Kind::Span => Some(caller),
        Kind::Stage => Some(match step.name.split_once('.') {
            Some((class, _)) => PARTICIPANTS
                .iter()
                .find(|(name, _)| *name == class)
                .map_or(caller, |(name, _)| name),
            None => "Session",
        }),
    }
}

/// Text that Mermaid takes for nothing else.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '#' => out.push_str("#35;"),
            ';' => out.push_str("#59;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn line(out: &mut String, text: fmt::Arguments<'_>) {
    // A String takes all that is written to it.
    _ = out.write_fmt(text);
}
