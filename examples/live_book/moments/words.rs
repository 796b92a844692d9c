//! What has happened, in words: for the line below a stepper's buttons, and for the list.

use serde_json::Value;

use super::{list, text};

/// What is new, in words.
pub(super) fn changes(from: &Value, to: &Value) -> Vec<String> {
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
/// An error without the sentences that its page would have.
pub(super) fn brief(error: &str) -> &str {
    let long = error.len() > 80;
    let end = error.match_indices(": ").nth(1).filter(|_| long);
    end.map_or(error, |(at, _)| &error[..at])
}

/// What a call takes to its store.
pub(super) fn sends(call: &Value) -> Vec<String> {
    let mut words = Vec::new();
    words.extend(key(call).map(|key| format!("the key is {key}")));
    let sent = &call["sent"];
    words.extend((!sent.is_null()).then(|| format!("it sends {}", bytes(sent))));
    let seconds = call["seconds"].as_u64();
    words.extend(seconds.map(|seconds| format!("it is to be kept for {}", lifetime(seconds))));
    words
}

/// What a store has answered.
pub(super) fn answer(answer: &Value) -> String {
    match answer {
        Value::Object(_) => format!("it finds {}", bytes(answer)),
        Value::Null => "it finds nothing".to_owned(),
        Value::Bool(true) => "the store has done it".to_owned(),
        Value::Bool(false) => "it is not there any more".to_owned(),
        count => format!("it deletes {count}"),
    }
}

/// `27 bytes of msgpack, {"username": "jack"}`.
fn bytes(stored: &Value) -> String {
    let what = stored["text"].as_str().unwrap_or("not to be read");
    format!(
        "{} bytes of {}: {what}",
        stored["size"],
        text(&stored["format"])
    )
}

/// The key of a call, with as much of the id as tells it from another.
pub(super) fn key(call: &Value) -> Option<String> {
    let start: String = call["id"].as_str()?.chars().take(6).collect();
    Some(format!("{}{start}…", text(&call["key_prefix"])))
}

/// `2678400 seconds, 31 days`.
pub(super) fn lifetime(seconds: u64) -> String {
    const DAY: u64 = 86_400;
    match (seconds % DAY, seconds / DAY) {
        (0, days @ 2..) => format!("{seconds} seconds, {days} days"),
        _ => format!("{seconds} seconds"),
    }
}

/// As much of a long command as one line needs to be told from another.
pub(super) fn start(command: &str) -> String {
    const LONG: usize = 48;
    let end = command.char_indices().nth(LONG).map(|(at, _)| at);
    let Some(end) = end else {
        return command.to_owned();
    };
    let whole = command[..end].rfind(' ').unwrap_or(end);
    format!("{} …", &command[..whole])
}

/// Which rule has matched, or that none has.
pub(super) fn matched(fields: &Value) -> Option<String> {
    if let Some(rule) = fields["rule"].as_str() {
        let endpoint = text(&fields["endpoint"]);
        return Some(format!("the rule is {rule}, the endpoint {endpoint}"));
    }
    let error = fields["routing_exception"].as_str()?;
    Some(format!("no rule: {error} is kept for dispatch_request"))
}
