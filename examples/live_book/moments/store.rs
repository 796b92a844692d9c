//! A session store, as far as what was said to it has shown it: a place of its own, that keeps what it
//! has while contexts come and go.
//!
//! The commands and the bytes come from the trace, the span of a call and the events in it.

use serde_json::{Map, Value, json};

use super::{text, words};

/// What is known of a store at one moment.
pub(super) struct Store {
    name: String,
    /// The call that is under way, or was the last one: itself, its commands, and the answer.
    said: Vec<Value>,
    /// What is under the key: bytes, what they say, and how that is known.
    entry: Map<String, Value>,
}

impl Store {
    /// The one that these visits ask, if they ask one. Nothing is known of it yet.
    pub(super) fn of<'a>(mut steps: impl Iterator<Item = &'a Value>) -> Option<Self> {
        let call = steps.find(|step| step["kind"] == "store")?;
        Some(Store {
            name: text(&call["fields"]["store"]).to_owned(),
            said: Vec::new(),
            entry: Map::new(),
        })
    }

    /// Another visit: nothing has been said in it, and what was kept is there.
    pub(super) fn next_visit(&mut self) {
        self.said.clear();
    }

    /// A method of the store is called.
    pub(super) fn call(&mut self, step: &Value) {
        let call = &step["store_call"];
        self.said.clear();
        self.say("call", text(&step["label"]));
        if let Some(key) = words::key(call) {
            self.entry.insert("key".to_owned(), json!(key));
        }
        if let Some(value) = self.entry.get_mut("value") {
            value["how"] = json!("kept");
        }
        self.bytes("sent", &call["sent"]);
        self.lifetime("sent", call);
    }

    /// It gives a command.
    pub(super) fn command(&mut self, step: &Value) {
        self.say("to", text(&step["name"]));
    }

    /// The method has returned.
    pub(super) fn answer(&mut self, step: &Value) {
        let call = &step["store_call"];
        let answer = &call["answer"];
        if let Some(error) = step["error"].as_str() {
            self.say("from", words::brief(error));
            return;
        }
        self.say(
            "from",
            &match answer {
                Value::Object(_) => format!("{} bytes", answer["size"]),
                Value::Bool(true) => "done".to_owned(),
                Value::Null => "nothing".to_owned(),
                _ => words::answer(answer),
            },
        );
        self.bytes("found", answer);
        let is_gone = step["name"] == "Store.delete" || answer.is_null() || *answer == false;
        if is_gone {
            self.entry.clear();
        } else {
            self.bytes("kept", &call["sent"]);
            self.lifetime("kept", call);
        }
    }

    fn say(&mut self, way: &str, what: &str) {
        self.said.push(json!({"way": way, "text": what}));
    }

    fn bytes(&mut self, how: &str, stored: &Value) {
        if stored.is_object() {
            let mut value = stored.clone();
            value["how"] = json!(how);
            self.entry.insert("value".to_owned(), value);
        }
    }

    fn lifetime(&mut self, how: &str, call: &Value) {
        if let Some(seconds) = call["seconds"].as_u64() {
            let lifetime = json!({"how": how, "text": words::lifetime(seconds)});
            self.entry.insert("lifetime".to_owned(), lifetime);
        }
    }

    /// For the player to show.
    pub(super) fn shown(&self) -> Value {
        json!({"name": self.name, "said": self.said, "entry": self.entry})
    }
}
