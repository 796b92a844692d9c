//! A recorded visit as moments: the data that `book/theme/stepper.js` plays.
//!
//! They are made of the JSON of the lifecycle example, cut down to what is shown. A step there has an enter
//! and an exit; here these become moments, of which only those are kept at which there is something to see.
//! `words.rs` says what happens, `store.rs` keeps what is to be seen of a session store, and `cookie.rs` shows the
//! session's cookie.
//! `tests/book/stepper.rs` writes those of the book's own visits into its pages, and `live.rs` those of a
//! reader's request into an answer.

mod cookie;
mod store;
mod words;

use serde_json::{Map, Value, json};

use self::store::Store;
use self::words::{brief, changes};

/// What is played: visits of a lifecycle document, one after the other. `file` is that of its app, below
/// `examples/`.
pub(crate) fn of(document: &Value, visits: &[usize], title: &str, file: &str) -> Value {
    let visits: Vec<&Value> = visits.iter().map(|at| &document["visits"][*at]).collect();
    let all = visits.iter().flat_map(|visit| list(&visit["steps"]));
    let mut moments = Moments::new(&document["sources"], Store::of(all));
    for visit in visits {
        moments.visit(visit, text(&document["server"]));
    }
    moments.finish(title, &format!("examples/{file}"))
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

/// Collects the moments of visits, and what they show.
struct Moments<'a> {
    /// All excerpts there are, by their keys.
    table: &'a Value,
    /// The request of each visit, its first step and the first piece of its answer.
    visits: Vec<Value>,
    /// The pieces of all answers.
    response: Vec<&'a Value>,
    /// Those of the visit that is under way.
    recorded: &'a [Value],
    /// Which step is the first of those.
    first: usize,
    /// Those that are shown; a moment has an index.
    sources: Vec<&'a str>,
    states: Vec<&'a Value>,
    steps: Vec<Value>,
    moments: Vec<Value>,
    /// How many pieces of the answers have been sent.
    sent: usize,
    store: Option<Store>,
}

impl<'a> Moments<'a> {
    fn new(table: &'a Value, store: Option<Store>) -> Self {
        Moments {
            table,
            visits: Vec::new(),
            response: Vec::new(),
            recorded: &[],
            first: 0,
            sources: Vec::new(),
            states: Vec::new(),
            steps: Vec::new(),
            moments: Vec::new(),
            sent: 0,
            store,
        }
    }

    /// From the server's call of the app to the last byte.
    fn visit(&mut self, visit: &'a Value, server: &'a str) {
        self.recorded = list(&visit["steps"]);
        let Some(first) = self.recorded.first() else {
            return;
        };
        let first = &first["before"];
        let (request, wire) = (text(&visit["request"]), &visit["wire"]);
        self.visits.push(json!({
            "request": request,
            "wire": wire["request"],
            "step": self.steps.len(),
            "piece": self.response.len(),
        }));
        self.response.extend(list(&wire["response"]));
        self.server_step(&format!("server: {request}"), server, "app.call(");
        let say = match self.visits.len() {
            1 => format!("the server has read {request} and calls the app"),
            _ => format!("the same browser comes again: the server has read {request}"),
        };
        self.moment(self.steps.len() - 1, "enter", first, &say);
        if let Some(store) = &mut self.store {
            store.next_visit();
            self.show_store();
        }
        self.first = self.steps.len();
        let mut open: Vec<usize> = Vec::new();
        for (index, step) in self.recorded.iter().enumerate() {
            self.leave(&mut open, index);
            self.between(open.last().copied(), step);
            self.enter(open.last().copied(), step);
            if !is_event(step) {
                open.push(index);
            }
        }
        self.leave(&mut open, usize::MAX);
        if self.sent < self.response.len() {
            let last = self.states.last().copied().unwrap_or(first);
            self.server_step("server: sends the answer", server, "body.next()");
            let say = "the server sends the answer";
            self.sent = self.response.len();
            self.moment(self.steps.len() - 1, "enter", last, say);
        }
    }

    /// What the server does is no part of the trace.
    fn server_step(&mut self, label: &str, source: &'a str, line: &str) {
        let at = line_of(&self.table[source], line);
        let source = self.source(source);
        self.steps.push(json!({
            "depth": 0, "kind": "server", "label": label, "source": source, "line": at,
        }));
    }

    fn enter(&mut self, around: Option<usize>, step: &'a Value) {
        let mut shown = Map::new();
        for key in ["depth", "kind", "label", "error"] {
            if !step[key].is_null() {
                shown.insert(key.to_owned(), step[key].clone());
            }
        }
        let (kind, label) = (text(&step["kind"]), text(&step["label"]));
        let is_server = label.starts_with("server:");
        if is_server {
            shown.insert("kind".to_owned(), json!("server"));
        }
        let (source, line) = match kind {
            "command" => self.given(around, step),
            // A span is opened before what it is for.
            _ if is_server => {
                let source = text(&step["source"]);
                (source, json!(line_of(&self.table[source], "body.next()")))
            }
            _ => (text(&step["source"]), step["at"].clone()),
        };
        shown.insert("source".to_owned(), json!(self.source(source)));
        shown.insert("line".to_owned(), line);
        if let Some(key) = step["implementation"].as_str() {
            shown.insert("calls".to_owned(), json!(self.source(key)));
        }
        self.steps.push(Value::Object(shown));
        let say = match kind {
            "signal" => format!("signal {label} is sent"),
            "log" => format!("a line is logged: {label}"),
            "command" => format!("a command to the store: {}", words::start(label)),
            _ if is_server => "the server asks for the next piece".to_owned(),
            _ => format!("{label} is called"),
        };
        self.moment(self.steps.len() - 1, "enter", &step["before"], &say);
        match (kind, text(&step["name"])) {
            ("stage", "open_session") => {
                let brought = &step["cookies"][0];
                self.cookie("it came with the request", brought, cookie::came(brought));
            }
            ("store", _) => {
                for what in words::sends(&step["store_call"]) {
                    self.also(&what);
                }
                self.store(|store| store.call(step));
            }
            ("command", _) => self.store(|store| store.command(step)),
            _ => {}
        }
    }

    /// Where a store gives a command: in the method that was called `around` it.
    fn given(&self, around: Option<usize>, step: &'a Value) -> (&'a str, Value) {
        let method = around.and_then(|around| self.recorded[around]["implementation"].as_str());
        let Some(method) = method else {
            return (text(&step["source"]), step["at"].clone());
        };
        let excerpt = &self.table[method];
        // Or else it leaves that to another function.
        let ways = [
            "show_command(",
            "show(",
            "self.run_first(",
            "self.run(",
            "self.store(",
        ];
        let line = ways.iter().find_map(|way| line_of(excerpt, way));
        let line = line.map_or_else(|| excerpt["first"].clone(), |line| json!(line));
        (method, line)
    }

    /// The steps that end before the one at `index` begins.
    fn leave(&mut self, open: &mut Vec<usize>, index: usize) {
        while let Some(inner) = open.last().copied() {
            let step = &self.recorded[inner];
            if number(&step["end"]) > index {
                return;
            }
            open.pop();
            self.exit(inner, step);
        }
    }

    fn exit(&mut self, index: usize, step: &'a Value) {
        let shown = self.first + index;
        let label = text(&step["label"]);
        let asked = label.starts_with("server:");
        let error = step["error"].as_str();
        let cookie = if step["name"] == "save_session" {
            &step["cookies"][0]
        } else {
            &Value::Null
        };
        let matched = words::matched(&step["fields"]);
        let changed = self.states.last() != Some(&&step["after"]);
        let sends = asked && self.sent < self.response.len();
        let saves = step["name"] == "save_session";
        let stores = step["kind"] == "store";
        if !changed && error.is_none() && !saves && !stores && matched.is_none() && !asked {
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
        if let Some(matched) = matched {
            self.also(&matched);
        }
        if stores {
            if error.is_none() {
                self.also(&words::answer(&step["store_call"]["answer"]));
            }
            self.store(|store| store.answer(step));
        }
        if saves && error.is_none() {
            self.cookie("it goes with the answer", cookie, cookie::goes(cookie));
        }
    }

    /// Whether the error was raised before: inside of the step, or what an error handling stage was given.
    fn is_passed_on(&self, index: usize, error: &str) -> bool {
        let steps = self.recorded;
        let first = if steps[index]["kind"] == "stage" {
            0
        } else {
            index + 1
        };
        let end = number(&steps[index]["end"]).min(steps.len());
        let mut inside = (first..end).filter(|at| *at != index).map(|at| &steps[at]);
        inside.any(|step| step["kind"] == "hook" && step["error"] == *error)
    }

    /// What the function around a step did before the step began.
    fn between(&mut self, around: Option<usize>, step: &'a Value) {
        let changed = self.states.last() != Some(&&step["before"]);
        let Some(around) = around.filter(|_| changed && !is_event(step)) else {
            return;
        };
        let label = text(&self.recorded[around]["label"]);
        let say = if label.starts_with("server:") {
            "stream_with_context puts the contexts back".to_owned()
        } else {
            format!("{label} goes on")
        };
        self.moment(self.first + around, "within", &step["before"], &say);
        // Where it has got to: the line that calls the step. What is above it has been done.
        let name = text(&step["name"]).rsplit('.').next().unwrap_or_default();
        let call = format!("{name}(");
        let outer = text(&self.recorded[around]["source"]);
        let mut line = line_of(&self.table[outer], &call);
        let mut source = None;
        if let (None, Some(inner)) = (line, self.recorded[around]["implementation"].as_str()) {
            // The function that the work was handed to has done it, not the one around that.
            line = line_of(&self.table[inner], "self.next_chunk()");
            source = Some(self.source(inner));
        }
        let Some(moment) = self.moments.last_mut() else {
            return;
        };
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
            .map_or(0, |moment| number(&moment["sent"]));
        if let Some(piece) = self.response.get(sent).filter(|_| self.sent > sent) {
            let bytes = text(piece).len();
            changes.push(format!("{bytes} bytes of the answer are sent"));
        }
        self.states.push(state);
        self.moments.push(json!({
            "step": step, "phase": phase, "state": self.states.len() - 1,
            "say": say, "changes": changes, "sent": self.sent,
        }));
        if let (Some(visit @ 1..), Some(moment)) =
            (self.visits.len().checked_sub(1), self.moments.last_mut())
        {
            moment["visit"] = json!(visit);
        }
    }

    /// Something is said to the store, or it answers.
    fn store(&mut self, what: impl FnOnce(&mut Store)) {
        if let Some(store) = &mut self.store {
            what(store);
            self.show_store();
        }
    }

    /// The store as it is from the last moment on.
    fn show_store(&mut self) {
        if let (Some(store), Some(moment)) = (&self.store, self.moments.last_mut()) {
            moment["store"] = store.shown();
        }
    }

    /// One more thing that happened at the last moment.
    fn also(&mut self, what: &str) {
        if let Some(moment) = self.moments.last_mut()
            && let Some(changes) = moment["changes"].as_array_mut()
        {
            changes.push(json!(what));
        }
    }

    fn cookie(&mut self, how: &str, cookie: &Value, what: &str) {
        self.also(what);
        let Some(moment) = self.moments.last_mut().filter(|_| !cookie.is_null()) else {
            return;
        };
        moment["cookie"] = cookie::shown(how, cookie);
    }

    fn source(&mut self, key: &'a str) -> usize {
        let known = self.sources.iter().position(|known| *known == key);
        known.unwrap_or_else(|| {
            self.sources.push(key);
            self.sources.len() - 1
        })
    }

    /// All of it for the player, each state once.
    fn finish(mut self, title: &str, app: &str) -> Value {
        let mut states: Vec<&Value> = Vec::new();
        for (moment, state) in self.moments.iter_mut().zip(&self.states) {
            let known = states.iter().position(|known| known == state);
            moment["state"] = json!(known.unwrap_or_else(|| {
                states.push(state);
                states.len() - 1
            }));
        }
        let sources = self.sources.iter().map(|key| &self.table[*key]);
        json!({
            "title": title,
            "app": app,
            "visits": self.visits,
            "response": self.response,
            "sources": sources.collect::<Vec<_>>(),
            "states": states,
            "steps": self.steps,
            "moments": self.moments,
        })
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> usize {
    value.as_u64().map_or(0, |number| number as usize)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn is_event(step: &Value) -> bool {
    matches!(text(&step["kind"]), "signal" | "command" | "log")
}
