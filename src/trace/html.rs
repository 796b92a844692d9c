//! A trace as HTML: the rows of the tree, for a page that brings the styles.
//!
//! A row says how deep it is (class `d3`), what it is (`stage`, `hook`, `signal`, `log`, `span`, or `note`),
//! and which context stacks had something on them: two `<i>` that are `on`. All text in it may come
//! from a client and is escaped.
//!
//! Read next: `middleware/debugged_application/page.rs`, the page.

use std::borrow::Cow;
use std::fmt::{self, Write};

use super::changes::{Item, Note, Topic, inside, roots};
use super::{Kind, State, Step, Trace};
use crate::wrappers::exceptions::escape;

/// How many of a step's items are shown at each end; a loop in a view may have logged without end.
const SHOWN: usize = 150;
/// How deep it goes. The classes of rows end here, too.
pub(crate) const DEEPEST: usize = 30;
/// How many characters of a text fit into a row.
const TEXT: usize = 400;

impl Trace {
    /// The rows of the tree, as the items of an HTML list. The step at `marked` gets the id `raised`.
    pub(crate) fn html(&self, marked: Option<usize>) -> String {
        let mut rows = Rows {
            trace: self,
            marked,
            out: String::new(),
        };
        for root in roots(self) {
            rows.step(root, 0);
        }
        rows.out
    }
}

struct Rows<'a> {
    trace: &'a Trace,
    marked: Option<usize>,
    out: String,
}

impl Rows<'_> {
    fn step(&mut self, index: usize, depth: usize) {
        let Some(step) = self.trace.steps().get(index) else {
            return;
        };
        self.step_row(index, step, depth);
        let items = inside(self.trace, index);
        if depth == DEEPEST {
            return self.left_out(items.len(), &step.before, depth);
        }
        let (head, tail) = if items.len() > 2 * SHOWN {
            (SHOWN, items.len() - SHOWN)
        } else {
            (items.len(), items.len())
        };
        for (at, item) in items.iter().enumerate() {
            if at == head {
                self.left_out(tail - head, &step.before, depth + 1);
            }
            if (head..tail).contains(&at) {
                continue;
            }
            match item {
                Item::Step(child) => self.step(*child, depth + 1),
                Item::Note(note) => self.note_row(note, depth + 1),
            }
        }
    }

    fn step_row(&mut self, index: usize, step: &Step, depth: usize) {
        let (class, word) = match step.kind {
            Kind::Stage => ("stage", ""),
            Kind::Hook => ("hook", step.field("kind").unwrap_or_default()),
            Kind::Signal => ("signal", "signal"),
            Kind::Store => ("span", "store"),
            Kind::Command => ("log", step.field("store").unwrap_or_default()),
            Kind::Log => ("log", "log"),
            Kind::Span => ("span", "span"),
        };
        let failed = if step.error.is_some() { " failed" } else { "" };
        let id = if self.marked == Some(index) {
            " id=\"raised\""
        } else {
            ""
        };
        self.open(format_args!("{class}{failed}"), id, &step.before, depth);
        if !word.is_empty() {
            self.write(format_args!("<em>{}</em> ", escaped(word, TEXT)));
        }
        self.write(format_args!("<b>{}</b>", escaped(&step.name, TEXT)));
        if step.error.is_some() {
            self.write(format_args!(" <s title=\"ended with an error\">✗</s>"));
        }
        if let Some(place) = place(step) {
            self.write(format_args!("<code>{}</code>", escaped(&place, TEXT)));
        }
        self.close();
    }

    fn note_row(&mut self, note: &Note<'_>, depth: usize) {
        let (class, text) = match note.topic {
            // An error is told in each step that it went through. The whole of it stands elsewhere.
            Topic::Error => ("note error", note.text.lines().next().unwrap_or_default()),
            Topic::Context => ("note context", note.text.as_str()),
            _ => ("note", note.text.as_str()),
        };
        self.open(format_args!("{class}"), "", note.state, depth);
        self.write(format_args!("{}", escaped(text, TEXT)));
        self.close();
    }

    fn left_out(&mut self, count: usize, state: &State, depth: usize) {
        if count > 0 {
            self.open(format_args!("note"), "", state, depth);
            self.write(format_args!("{count} more, not shown"));
            self.close();
        }
    }

    fn open(&mut self, class: fmt::Arguments<'_>, id: &str, state: &State, depth: usize) {
        let (app, request) = state.depths();
        let depth = depth.min(DEEPEST);
        self.write(format_args!("<li class=\"{class} d{depth}\"{id}>"));
        for (count, what) in [(app, "app"), (request, "request")] {
            match count {
                0 => self.write(format_args!("<i></i>")),
                1 => self.write(format_args!("<i class=\"on {what}\"></i>")),
                _ => self.write(format_args!("<i class=\"on {what}\">{count}</i>")),
            }
        }
        self.write(format_args!("<div>"));
    }

    fn close(&mut self) {
        self.write(format_args!("</div></li>\n"));
    }

    fn write(&mut self, text: fmt::Arguments<'_>) {
        // A String takes all that is written to it.
        _ = self.out.write_fmt(text);
    }
}

/// Where a step stands: `context/app_context.rs:85` for a stage, `src/shop.rs:20` for a hook. An event
/// comes from inside, and where from is of no use to a reader.
pub(crate) fn place(step: &Step) -> Option<String> {
    let (file, line) = (step.file.as_deref()?, step.line?);
    if matches!(step.kind, Kind::Signal | Kind::Command | Kind::Log) {
        return None;
    }
    let short = match step.kind {
        Kind::Stage | Kind::Store => file.rsplit_once("src/").map_or(file, |(_, file)| file),
        // A path from the root is one into cargo's store of crates, where the folders above say little.
        _ if file.starts_with('/') => {
            let slash = file.rmatch_indices('/').nth(2);
            slash.map_or(file, |(at, _)| &file[at + 1..])
        }
        _ => file,
    };
    Some(format!("{short}:{line}"))
}

/// Text for HTML, with nothing in it that could hide what it says, and no longer than `most` characters.
pub(crate) fn escaped(text: &str, most: usize) -> String {
    escape(&visible(text, most))
}

/// Text in which characters that are seen by what they do are seen by their number: a client may have
/// sent a terminal's commands, or those that turn the direction of a line around. Lines stay lines.
pub(crate) fn visible(text: &str, most: usize) -> Cow<'_, str> {
    let acts = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if text.len() <= most && !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == most {
            out.push('…');
            break;
        }
        match c {
            '\t' => out.push_str("    "),
            c if acts(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}
