//! A trace as JSON, for a program that shows it step by step.
//!
//! An array of steps in the order in which they were entered; a step's exit comes just before the
//! step at index `end` is entered. Everything that [`Step`] holds is there under the same name; a
//! session's values are in the form that Flask's `jsonify` gives them.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Cookie, Kind, SessionState, State, Step, StoreAnswer, StoreCall, Stored, Trace};

impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.steps)
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Kind::Stage => "stage",
            Kind::Hook => "hook",
            Kind::Signal => "signal",
            Kind::Store => "store",
            Kind::Command => "command",
            Kind::Log => "log",
            Kind::Span => "span",
        })
    }
}

/// An object with these entries.
struct Entries<'a>(&'a [(String, String)]);

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("depth", &self.depth)?;
        map.serialize_entry("end", &self.end)?;
        map.serialize_entry("kind", &self.kind)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("label", &self.label())?;
        map.serialize_entry("file", &self.file)?;
        map.serialize_entry("line", &self.line)?;
        map.serialize_entry("error", &self.error)?;
        map.serialize_entry("fields", &Entries(&self.fields))?;
        map.serialize_entry("cookies", &self.cookies)?;
        if let Some(call) = &self.store_call {
            map.serialize_entry("store_call", call)?;
        }
        map.serialize_entry("before", &self.before)?;
        map.serialize_entry("after", &self.after)?;
        map.end()
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("app_contexts", &self.app_contexts)?;
        map.serialize_entry("request_contexts", &self.request_contexts)?;
        map.serialize_entry("g", &self.g)?;
        map.serialize_entry("session", &self.session)?;
        map.end()
    }
}

impl Serialize for SessionState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("data", &&self.data)?;
        map.serialize_entry("new", &self.new)?;
        map.serialize_entry("modified", &self.modified)?;
        map.serialize_entry("accessed", &self.accessed)?;
        map.serialize_entry("null", &self.null)?;
        map.end()
    }
}

impl Serialize for StoreCall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("key_prefix", &self.key_prefix)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("seconds", &self.seconds)?;
        map.serialize_entry("sent", &self.sent)?;
        map.serialize_entry("answer", &self.answer)?;
        map.end()
    }
}

impl Serialize for StoreAnswer {
    /// A session that was found as itself; nothing as `null`, and the others as they are.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            StoreAnswer::Found(stored) => stored.serialize(serializer),
            StoreAnswer::Nothing => serializer.serialize_none(),
            StoreAnswer::Done => serializer.serialize_bool(true),
            StoreAnswer::NotDone => serializer.serialize_bool(false),
            StoreAnswer::Count(count) => serializer.serialize_u64(*count),
        }
    }
}

impl Serialize for Stored {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("size", &self.bytes.len())?;
        map.serialize_entry("format", &self.format.to_string())?;
        map.serialize_entry("escaped", &self.escaped())?;
        map.serialize_entry("text", &self.text)?;
        map.end()
    }
}

impl Serialize for Cookie {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("value", &self.value)?;
        if self.is_id {
            map.serialize_entry("is_id", &true)?;
            return map.end();
        }
        map.serialize_entry("raw_payload", &self.raw_payload)?;
        map.serialize_entry("payload", &self.payload)?;
        map.serialize_entry("compressed", &self.compressed)?;
        map.serialize_entry("raw_timestamp", &self.raw_timestamp)?;
        map.serialize_entry("timestamp", &self.timestamp)?;
        map.serialize_entry("date", &self.date())?;
        map.serialize_entry("signature", &self.signature)?;
        map.serialize_entry("signed_with", &self.digest_name())?;
        map.end()
    }
}
