//! What real Flask and itsdangerous answer: `oracle.py` beside this file.

use serde_json::Value as Json;

use crate::python::Python;

pub(crate) struct Oracle(Python);

/// What Python raised.
#[derive(Debug)]
pub(crate) struct Raised {
    pub(crate) class: String,
    pub(crate) message: String,
    pub(crate) payload: Option<String>,
    pub(crate) date_signed: Option<u64>,
}

impl Oracle {
    pub(crate) fn start(what: &str) -> Option<Self> {
        Python::start("signing/oracle.py", what).map(Self)
    }

    pub(crate) fn ask(&mut self, request: &Json) -> Result<Json, Raised> {
        let line = self.0.ask(&request.to_string());
        let mut reply: Json = serde_json::from_str(&line).unwrap_or_else(|error| {
            // Only text with a lone surrogate is no JSON to serde_json.
            serde_json::json!({"error": "LoneSurrogate", "message": error.to_string()})
        });
        if let Some(value) = reply.get_mut("ok") {
            return Ok(value.take());
        }
        let text = |key: &str| reply.get(key).and_then(Json::as_str).map(str::to_owned);
        Err(Raised {
            class: text("error").unwrap(),
            message: text("message").unwrap(),
            payload: text("payload"),
            date_signed: reply.get("date_signed").and_then(Json::as_u64),
        })
    }
}
