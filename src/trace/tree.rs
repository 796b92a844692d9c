//! A trace as a tree of text, to be read at 80 columns.
//!
//! Each line is a step, with its file and line at the right; what a step changed stands inside it, in
//! its place. At the left two bars show the context stacks: they start where a context is pushed
//! and end where it is popped.
//!
//! Read next: `mermaid.rs`, the same as a diagram.

use std::fmt;

use super::changes::{Item, Note, Topic, inside, roots};
use super::{Kind, State, Step, Trace};

/// Prints a trace as a tree; [`Trace::tree`] makes one.
///
/// ```
/// # use carafe::{App, Scaffold, trace};
/// # let mut app = App::new("shop");
/// # app.route("/", || "hello");
/// let (_, trace) = trace::record(|| app.test_client().get("/").send());
/// println!("{}", trace.tree().width(80).color(true));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Tree<'a> {
    trace: &'a Trace,
    width: usize,
    color: bool,
}

impl Trace {
    /// The trace as a tree, 80 columns wide and without colour unless it is told otherwise.
    #[must_use]
    pub fn tree(&self) -> Tree<'_> {
        Tree {
            trace: self,
            width: 80,
            color: false,
        }
    }
}

impl Tree<'_> {
    /// How many columns there are.
    #[must_use]
    pub fn width(mut self, columns: usize) -> Self {
        self.width = columns;
        self
    }

    /// Whether to use the sixteen colours that any terminal has.
    #[must_use]
    pub fn color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.color && !text.is_empty() && !style.is_empty() {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// The two bars of a line.
    fn gutter(&self, state: &State) -> String {
        let bar = |depth: usize| match depth {
            0 => " ".to_owned(),
            1 => "┃".to_owned(),
            2..=9 => depth.to_string(),
            _ => "+".to_owned(),
        };
        let (app, request) = state.depths();
        let (app, request) = (bar(app), bar(request));
        format!(
            "{} {}  ",
            self.paint("34", &app),
            self.paint("33", &request)
        )
    }

    fn step(
        &self,
        f: &mut fmt::Formatter<'_>,
        index: usize,
        branch: &str,
        indent: &str,
    ) -> fmt::Result {
        let Some(step) = self.trace.steps().get(index) else {
            return Ok(());
        };
        self.step_line(f, step, branch)?;
        let items = inside(self.trace, index);
        // Notes may follow it; they have no corner.
        let last_step = items.iter().rposition(|item| matches!(item, Item::Step(_)));
        for (at, item) in items.iter().enumerate() {
            let last = Some(at) == last_step;
            let (corner, beam) = if last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            match item {
                Item::Step(child) => {
                    let (branch, indent) = (format!("{indent}{corner}"), format!("{indent}{beam}"));
                    self.step(f, *child, &branch, &indent)?;
                }
                // A note stands under the line of the tree that leads on, and has no corner itself.
                Item::Note(note) => {
                    let beam = if last_step.is_some_and(|last_step| at < last_step) {
                        "│  "
                    } else {
                        "   "
                    };
                    self.note_line(f, note, &format!("{indent}{beam}"))?;
                }
            }
        }
        Ok(())
    }

    fn step_line(&self, f: &mut fmt::Formatter<'_>, step: &Step, branch: &str) -> fmt::Result {
        let (style, word) = match step.kind {
            Kind::Stage => ("", ""),
            Kind::Hook => ("1;32", ""),
            Kind::Signal => ("35", "signal "),
            Kind::Store => ("34", ""),
            Kind::Command => ("1;34", ""),
            Kind::Log => ("33", "log "),
            Kind::Span => ("36", "span "),
        };
        let mut label = format!("{word}{}", printable(&step.label()));
        if step.error.is_some() {
            label.push_str(" ✗");
        }
        let used = GUTTER + columns(branch) + 1;
        label = shorten(label, self.width.saturating_sub(used));
        let style = if step.error.is_some() { "31" } else { style };
        // A signal or a log line comes from inside; where from is of no use to a reader.
        let place = match step.kind {
            Kind::Signal | Kind::Command | Kind::Log => String::new(),
            _ => self.place(step, self.width.saturating_sub(used + columns(&label))),
        };
        write!(
            f,
            "{}{}",
            self.gutter(&step.before),
            self.paint("2", branch)
        )?;
        if place.is_empty() {
            return writeln!(f, "{}", self.paint(style, &label));
        }
        let gap = self
            .width
            .saturating_sub(used - 1 + columns(&label) + columns(&place));
        writeln!(
            f,
            "{}{:gap$}{}",
            self.paint(style, &label),
            "",
            self.paint("2", &place)
        )
    }

    /// `context/app_context.rs:68`, or less where there is less room.
    fn place(&self, step: &Step, room: usize) -> String {
        let (Some(file), Some(line)) = (&step.file, step.line) else {
            return String::new();
        };
        let file = file.strip_prefix("src/").unwrap_or(file);
        // One folder is enough to tell files of one name apart.
        let folder = file.rmatch_indices('/').nth(1).map_or(0, |(at, _)| at + 1);
        let mut place = format!("{}:{line}", &file[folder..]);
        while columns(&place) > room {
            match place.split_once('/') {
                Some((_, rest)) => place = rest.to_owned(),
                None => return String::new(),
            }
        }
        place
    }

    fn note_line(&self, f: &mut fmt::Formatter<'_>, note: &Note<'_>, indent: &str) -> fmt::Result {
        let (sign, style) = match note.topic {
            Topic::Context => ("· ", "33"),
            Topic::Error => ("✗ ", "31"),
            Topic::Session | Topic::G | Topic::Cookie | Topic::Store | Topic::Match => ("· ", "36"),
        };
        let text = format!("{sign}{}", printable(&note.text));
        let used = GUTTER + columns(indent);
        let text = shorten(text, self.width.saturating_sub(used));
        writeln!(
            f,
            "{}{}{}",
            self.gutter(note.state),
            self.paint("2", indent),
            self.paint(style, &text)
        )
    }
}

/// How many columns [`Tree::gutter`] takes.
const GUTTER: usize = 5;

fn columns(text: &str) -> usize {
    text.chars().count()
}

/// The text, or as much of it as there is room for.
fn shorten(text: String, room: usize) -> String {
    if columns(&text) <= room {
        return text;
    }
    let start = text.chars().take(room.saturating_sub(1));
    start.chain(['…']).collect()
}

/// The text on one line and without anything that a terminal would obey: it may come from a client.
fn printable(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(plain).collect()
}

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (a, r) = (self.paint("34", "A"), self.paint("33", "R"));
        writeln!(f, "{a} {r}")?;
        for root in roots(self.trace) {
            self.step(f, root, "", "")?;
        }
        Ok(())
    }
}

impl fmt::Display for Trace {
    /// The tree, without colour.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree().fmt(f)
    }
}
