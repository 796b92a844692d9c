//! `--step`: stops at each function, shows its source and what is there, and waits for a key.
//!
//! It is an observer of the Recorder's: while it waits, the request itself waits, inside the function
//! that is shown.

use std::io::{self, BufRead, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carafe::trace::{Kind, Moment, Recorder, State, Step};

use super::keys::Keys;
use super::options::Options;
use super::report::{Look, fit, paint, summary};
use super::{source, stored, visits};

const WIDTH: usize = 80;
/// How many lines of a function are shown: enough for `wsgi_app`, `push` and their like.
const LINES: usize = 42;

/// Standard output, or what a test has in its place; clones write to the same.
#[derive(Clone)]
pub(crate) struct Output(Arc<Mutex<dyn Write + Send>>);

impl Output {
    pub(crate) fn new(output: impl Write + Send + 'static) -> Self {
        Output(Arc::new(Mutex::new(output)))
    }

    fn lock(&self) -> MutexGuard<'_, dyn Write + Send + 'static> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().flush()
    }
}

/// What is typed: keys on a terminal, and lines where there is none.
pub(crate) enum Input {
    Keys(Keys),
    Lines(Box<dyn BufRead + Send>),
}

impl Input {
    /// What was typed next, or `None` at the end.
    fn word(&mut self) -> io::Result<Option<String>> {
        match self {
            Input::Keys(keys) => keys.press(),
            Input::Lines(lines) => {
                let mut line = String::new();
                let is_there = lines.read_line(&mut line)? > 0;
                Ok(is_there.then(|| line.trim().to_owned()))
            }
        }
    }
}

/// Where it stops next, and where it asks.
#[derive(Clone)]
pub(crate) struct Stepper {
    state: Arc<Mutex<Stepping>>,
    color: bool,
}

struct Stepping {
    input: Input,
    output: Output,
    /// The labels of the functions that are running, the innermost last.
    path: Vec<String>,
    /// Stop only where fewer functions than this are around the step.
    stop_below: usize,
    count: usize,
    /// The values at the last stop, to mark those that are new.
    shown: Option<Values>,
    quit: bool,
    error: Option<io::Error>,
}

/// Names and values of what there is to see.
type Values = [(&'static str, String); 4];

/// What was typed.
enum Answer {
    Next,
    Out,
    Quit,
}

/// Makes the visits, stopping on the way.
pub(crate) fn run(options: &Options, stepper: &Stepper, out: &mut Output) -> io::Result<()> {
    let mut visits = visits::all(options).map_err(io::Error::other)?;
    let observer = stepper.clone();
    let recorder = Recorder::new().observe(move |moment, step| observer.observe(moment, step));
    while let Some(visit) = visits.visit(&recorder) {
        if let Some(error) = stepper.lock().error.take() {
            return Err(error);
        }
        if stepper.lock().quit {
            return Ok(());
        }
        let title = fit(&format!("━━ {} is answered ", visit.request), WIDTH);
        let rule = "━".repeat(WIDTH.saturating_sub(title.chars().count()));
        let title = paint(stepper.color, "1", &format!("{title}{rule}"));
        writeln!(out, "\n{title}\n")?;
        let look = Look {
            width: WIDTH,
            color: stepper.color,
        };
        summary(&visit, out, look)?;
        stepper.begin();
    }
    out.flush()
}

impl Stepper {
    pub(crate) fn new(input: Input, output: Output, color: bool) -> Self {
        let stepping = Stepping {
            input,
            output,
            path: Vec::new(),
            stop_below: usize::MAX,
            count: 0,
            shown: None,
            quit: false,
            error: None,
        };
        Stepper {
            state: Arc::new(Mutex::new(stepping)),
            color,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Stepping> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops in the next visit too, even if it was left by `out`.
    fn begin(&self) {
        let mut stepping = self.lock();
        stepping.path.clear();
        stepping.stop_below = usize::MAX;
    }

    fn observe(&self, moment: Moment, step: &Step) {
        let mut stepping = self.lock();
        stepping.path.truncate(step.depth);
        if moment == Moment::Exit {
            return;
        }
        stepping.path.push(step.label());
        stepping.count += 1;
        if stepping.quit || step.depth >= stepping.stop_below {
            return;
        }
        match stepping.stop(step, self.color) {
            Ok(Answer::Next) => stepping.stop_below = usize::MAX,
            Ok(Answer::Out) => stepping.stop_below = step.depth + 1,
            Ok(Answer::Quit) => stepping.quit = true,
            Err(error) => {
                stepping.quit = true;
                stepping.error = Some(error);
            }
        }
    }
}

impl Stepping {
    fn stop(&mut self, step: &Step, color: bool) -> io::Result<Answer> {
        let text = self.page(step, color);
        let ask = "n or Enter: next   o: out of it   q: quit";
        // Said once more: on a terminal of 24 lines the top of the page is out of sight.
        let name = fit(&name(step), WIDTH - ask.len() - 4);
        let (name, ask) = (paint(color, "1", &name), paint(color, "7", ask));
        write!(self.output, "{text}\n{name}   {ask} ")?;
        self.output.flush()?;
        let answer = loop {
            match self.input.word()?.as_deref() {
                Some("" | "n" | "next") => break Answer::Next,
                Some("o" | "out") => break Answer::Out,
                Some("q" | "quit") | None => break Answer::Quit,
                Some(_) => write!(self.output, "n, o or q? ")?,
            }
            self.output.flush()?;
        };
        // Keys are not shown, nor is the Enter behind a line.
        writeln!(self.output)?;
        Ok(answer)
    }

    /// All that is shown at one stop.
    fn page(&mut self, step: &Step, color: bool) -> String {
        let mut page = String::new();
        let title = format!("━━ {} ", self.count);
        let rule = "━".repeat(WIDTH.saturating_sub(title.chars().count()));
        add(&mut page, &paint(color, "2", &format!("\n{title}{rule}")));
        let callers = self.path.len().saturating_sub(1);
        for (depth, caller) in self.path.iter().take(callers).enumerate() {
            let line = format!("{:1$}{caller}", "", depth * 2);
            add(&mut page, &paint(color, "2", &fit(&line, WIDTH)));
        }
        let line = format!("{:2$}{}", "", name(step), callers * 2);
        add(&mut page, &paint(color, "1", &fit(&line, WIDTH)));
        if !matches!(step.kind, Kind::Signal | Kind::Command | Kind::Log) {
            add(&mut page, "");
            for line in source(step) {
                add(&mut page, &fold(&line));
            }
        }
        add(&mut page, "");
        let values = values(&step.before);
        for (at, (name, value)) in values.iter().enumerate() {
            let before = self.shown.as_ref().map(|shown| &shown[at].1);
            let new = before.is_some_and(|before| before != value);
            let mark = if new { "→ " } else { "  " };
            let name = paint(color, "36", &format!("{name:<17}"));
            let value = fit(value, WIDTH - 19);
            let value = paint(color && new, "1", &format!("{mark}{value}"));
            add(&mut page, &format!("{name}{value}"));
        }
        self.shown = Some(values);
        for (name, value) in step.store_call.iter().flat_map(stored::sends) {
            let name = paint(color, "36", &format!("{name:<17}"));
            let value = fit(&value, WIDTH - 19);
            add(&mut page, &format!("{name}  {value}"));
        }
        page
    }
}

/// The step as the trees name it.
fn name(step: &Step) -> String {
    let word = match step.kind {
        Kind::Signal => "signal ",
        Kind::Log => "log ",
        _ => "",
    };
    format!("{word}{}", step.label())
}

/// What is there before the step runs.
fn values(state: &State) -> Values {
    let list = |items: &[String]| match items {
        [] => "none".to_owned(),
        items => items.join(", "),
    };
    let session = state.session.as_ref().map(|session| {
        let data = carafe::json::dumps(&session.data).unwrap_or_default();
        let flags = [
            (session.null, "null"),
            (session.new, "new"),
            (session.accessed, "accessed"),
            (session.modified, "modified"),
        ];
        let flags = flags.iter().filter(|(set, _)| *set);
        flags.fold(data, |text, (_, flag)| format!("{text}  {flag}"))
    });
    [
        ("app contexts", list(&state.app_contexts)),
        ("request contexts", list(&state.request_contexts)),
        ("g", list(&state.g)),
        ("session", session.unwrap_or_else(|| "not open".to_owned())),
    ]
}

/// The function that a step is, with its numbers and what is said about it above it.
fn source(step: &Step) -> Vec<String> {
    let Some(excerpt) = source::of(step) else {
        return Vec::new();
    };
    let mut shown = vec![format!("{}:{}", excerpt.file, excerpt.first)];
    shown.extend(wrap(excerpt.about.split_whitespace()));
    shown.push(String::new());
    for (number, line) in (excerpt.first..).zip(&excerpt.lines) {
        if number >= excerpt.first + LINES {
            shown.push("      ...".to_owned());
            break;
        }
        shown.extend(line.as_ref().map(|line| format!("{number:>4}  {line}")));
    }
    shown
}

/// The words in lines that fit.
fn wrap<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A line of source, broken between words where it is too long for one line.
fn fold(line: &str) -> String {
    let plain = fit(line, usize::MAX);
    let mut rest = plain.as_str();
    let mut folded = String::new();
    let mut width = WIDTH;
    while let Some((room, _)) = rest.char_indices().nth(width) {
        let indent = rest.len() - rest.trim_start().len();
        let space = rest[..room].rfind(' ').filter(|at| *at > indent.max(8));
        let (line, more) = rest.split_at(space.unwrap_or(room));
        folded.push_str(line);
        folded.push_str("\n          ");
        rest = more.trim_start();
        width = WIDTH - 10;
    }
    folded + rest.trim_end()
}

fn add(page: &mut String, line: &str) {
    page.push_str(line);
    page.push('\n');
}
