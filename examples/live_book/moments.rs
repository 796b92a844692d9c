//! A recorded visit as moments: the data that `book/theme/stepper.js` plays.
//!
//! They are made of the JSON of the lifecycle example, cut down to what is shown. A step there has an enter
//! and an exit; here these become moments, of which only those are kept at which there is something to see.
//! `tests/book/stepper.rs` writes those of the book's own visits into its pages, and `live.rs` those of a
//! reader's request into an answer.

use serde_json::{Map, Value, json};

/// What is played: a visit of a lifecycle document. `file` is that of its app, below `examples/`.
pub(crate) fn of(document: &Value, visit: usize, title: &str, file: &str) -> Value {
    let visit = &document["visits"][visit];
    let mut moments = Moments::new(&document["sources"], visit);
    moments.server(text(&document["server"]));
    let (steps, moments, sources, states) = moments.finish();
    json!({
        "title": title,
        "visit": visit["request"],
        "app": format!("examples/{file}"),
        "request": visit["wire"]["request"],
        "response": visit["wire"]["response"],
        "sources": sources,
        "states": states,
        "steps": steps,
        "moments": moments,
    })
}

/// An error without the sentences that its page would have.
fn brief(error: &str) -> &str {
    let long = error.len() > 80;
    let end = error.match_indices(": ").nth(1).filter(|_| long);
    end.map_or(error, |(at, _)| &error[..at])
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

/// Collects the moments of a visit, and what they show.
struct Moments<'a> {
    /// All excerpts there are, by their keys.
    table: &'a Value,
    visit: &'a Value,
    /// Those that are shown; a moment has an index.
    sources: Vec<&'a str>,
    states: Vec<&'a Value>,
    steps: Vec<Value>,
    moments: Vec<Value>,
    /// How many pieces of the answer have been sent.
    sent: usize,
}

impl<'a> Moments<'a> {
    fn new(table: &'a Value, visit: &'a Value) -> Self {
        Moments {
            table,
            visit,
            sources: Vec::new(),
            states: Vec::new(),
            steps: Vec::new(),
            moments: Vec::new(),
            sent: 0,
        }
    }

    fn recorded(&self) -> &'a [Value] {
        list(&self.visit["steps"])
    }

    fn pieces(&self) -> usize {
        list(&self.visit["wire"]["response"]).len()
    }

    /// From the server's call of the app to the last byte.
    fn server(&mut self, server: &'a str) {
        let Some(first) = self.recorded().first() else {
            return;
        };
        let first = &first["before"];
        self.server_step("server: calls the app", server, "app.call(");
        let say = format!(
            "the server has read {} and calls the app",
            text(&self.visit["request"])
        );
        self.moment(self.steps.len() - 1, "enter", first, &say);
        let mut open: Vec<usize> = Vec::new();
        for (index, step) in self.recorded().iter().enumerate() {
            self.leave(&mut open, index);
            self.between(open.last().copied(), step);
            self.enter(step);
            if !is_event(step) {
                open.push(index);
            }
        }
        self.leave(&mut open, usize::MAX);
        if self.sent < self.pieces() {
            let last = self.states.last().copied().unwrap_or(first);
            self.server_step("server: sends the answer", server, "body.next()");
            let say = "the server sends the answer";
            self.sent = self.pieces();
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

    fn enter(&mut self, step: &'a Value) {
        let mut shown = Map::new();
        for key in ["depth", "kind", "label", "error"] {
            if !step[key].is_null() {
                shown.insert(key.to_owned(), step[key].clone());
            }
        }
        if text(&step["label"]).starts_with("server:") {
            shown.insert("kind".to_owned(), json!("server"));
        }
        shown.insert(
            "source".to_owned(),
            json!(self.source(text(&step["source"]))),
        );
        // A span is opened before what it is for.
        let line = if text(&step["label"]).starts_with("server:") {
            json!(line_of(&self.table[text(&step["source"])], "body.next()"))
        } else {
            step["at"].clone()
        };
        shown.insert("line".to_owned(), line);
        if let Some(key) = step["implementation"].as_str() {
            shown.insert("calls".to_owned(), json!(self.source(key)));
        }
        self.steps.push(Value::Object(shown));
        let label = text(&step["label"]);
        let say = match text(&step["kind"]) {
            "signal" => format!("signal {label} is sent"),
            "log" => format!("a line is logged: {label}"),
            _ if label.starts_with("server:") => "the server asks for the next piece".to_owned(),
            _ => format!("{label} is called"),
        };
        let opens = step["name"] == "open_session" && step["kind"] == "stage";
        let shown = self.steps.len() - 1;
        self.moment(shown, "enter", &step["before"], &say);
        if opens {
            let brought = &step["cookies"][0];
            let what = match brought["signed_with"].as_str() {
                _ if brought.is_null() => "no session cookie came with the request",
                Some(_) => "a session cookie came with the request, and its signature is right",
                None => "a session cookie came with the request, and its signature is wrong",
            };
            self.cookie("it came with the request", brought, what);
        }
    }

    /// The steps that end before the one at `index` begins.
    fn leave(&mut self, open: &mut Vec<usize>, index: usize) {
        while let Some(inner) = open.last().copied() {
            let step = &self.recorded()[inner];
            if number(&step["end"]) > index {
                return;
            }
            open.pop();
            self.exit(inner, step);
        }
    }

    fn exit(&mut self, index: usize, step: &'a Value) {
        let shown = index + 1;
        let label = text(&step["label"]);
        let asked = label.starts_with("server:");
        let error = step["error"].as_str();
        let cookie = if step["name"] == "save_session" {
            &step["cookies"][0]
        } else {
            &Value::Null
        };
        let matched = &step["fields"];
        let matched = match (
            matched["rule"].as_str(),
            matched["routing_exception"].as_str(),
        ) {
            (Some(rule), _) => Some(format!(
                "the rule is {rule}, the endpoint {}",
                text(&matched["endpoint"])
            )),
            (_, Some(error)) => Some(format!("no rule: {error} is kept for dispatch_request")),
            _ => None,
        };
        let changed = self.states.last() != Some(&&step["after"]);
        let sends = asked && self.sent < self.pieces();
        let saves = step["name"] == "save_session";
        if !changed && error.is_none() && !saves && matched.is_none() && !asked {
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
        if saves && error.is_none() {
            let what = if cookie.is_null() {
                "no session cookie goes with the answer"
            } else {
                "a new session cookie goes with the answer"
            };
            self.cookie("it goes with the answer", cookie, what);
        }
    }

    /// Whether the error was raised before: inside of the step, or what an error handling stage was given.
    fn is_passed_on(&self, index: usize, error: &str) -> bool {
        let steps = self.recorded();
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
        let label = text(&self.recorded()[around]["label"]);
        let say = if label.starts_with("server:") {
            "stream_with_context puts the contexts back".to_owned()
        } else {
            format!("{label} goes on")
        };
        self.moment(around + 1, "within", &step["before"], &say);
        // Where it has got to: the line that calls the step. What is above it has been done.
        let name = text(&step["name"]).rsplit('.').next().unwrap_or_default();
        let call = format!("{name}(");
        let outer = text(&self.recorded()[around]["source"]);
        let mut line = line_of(&self.table[outer], &call);
        let mut source = None;
        if let (None, Some(inner)) = (line, self.recorded()[around]["implementation"].as_str()) {
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
        if let Some(piece) = self.visit["wire"]["response"]
            .get(sent)
            .filter(|_| self.sent > sent)
        {
            let bytes = text(piece).len();
            changes.push(format!("{bytes} bytes of the answer are sent"));
        }
        self.states.push(state);
        self.moments.push(json!({
            "step": step, "phase": phase, "state": self.states.len() - 1,
            "say": say, "changes": changes, "sent": self.sent,
        }));
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
        let mut kept = Map::new();
        kept.insert("how".to_owned(), json!(how));
        for key in [
            "raw_payload",
            "raw_timestamp",
            "signature",
            "payload",
            "compressed",
            "date",
            "signed_with",
        ] {
            kept.insert(key.to_owned(), cookie[key].clone());
        }
        moment["cookie"] = Value::Object(kept);
    }

    fn source(&mut self, key: &'a str) -> usize {
        let known = self.sources.iter().position(|known| *known == key);
        known.unwrap_or_else(|| {
            self.sources.push(key);
            self.sources.len() - 1
        })
    }

    /// The steps, the moments, the excerpts and the states, each state once.
    fn finish(mut self) -> (Vec<Value>, Vec<Value>, Vec<Value>, Vec<Value>) {
        let mut states: Vec<Value> = Vec::new();
        for (moment, state) in self.moments.iter_mut().zip(&self.states) {
            let known = states.iter().position(|known| known == *state);
            moment["state"] = json!(known.unwrap_or_else(|| {
                states.push((*state).clone());
                states.len() - 1
            }));
        }
        let sources = self.sources.iter().map(|key| self.table[*key].clone());
        (self.steps, self.moments, sources.collect(), states)
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
    step["kind"] == "signal" || step["kind"] == "log"
}

/// What is new, in words.
fn changes(from: &Value, to: &Value) -> Vec<String> {
    let mut changes = Vec::new();
    for (key, what) in [
        ("request_contexts", "request context"),
        ("app_contexts", "app context"),
    ] {
        let (from, to) = (names(&from[key]), names(&to[key]));
        let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        changes.extend(
            from[same..]
                .iter()
                .map(|name| format!("{what} {name} is popped")),
        );
        changes.extend(
            to[same..]
                .iter()
                .map(|name| format!("{what} {name} is pushed")),
        );
    }
    // A context brings its g and session, and takes them with it.
    if from["app_contexts"] == to["app_contexts"] && from["g"] != to["g"] {
        changes.push(format!("g holds {}", names(&to["g"]).join(", ")));
    }
    let (old, new) = (&from["session"], &to["session"]);
    if from["request_contexts"] == to["request_contexts"] && old != new && !new.is_null() {
        let data = new["data"].to_string();
        if old.is_null() {
            let is_new = new["new"] == true;
            let word = if is_new {
                "a new session"
            } else {
                "the session"
            };
            changes.push(format!("{word} is open: {data}"));
        } else if old["data"] != new["data"] {
            changes.push(format!("the session holds {data}"));
        }
        for flag in ["modified", "accessed"] {
            if new[flag] == true && old[flag] != true {
                changes.push(format!("the session is marked as {flag}"));
            }
        }
    }
    changes
}

fn names(names: &Value) -> Vec<&str> {
    list(names).iter().map(text).collect()
}
