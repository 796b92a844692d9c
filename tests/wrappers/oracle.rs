//! What real Werkzeug answers: `oracle.py` beside this file.

use serde_json::Value;

use crate::python::Python;

pub(crate) struct Oracle(Python);

impl Oracle {
    pub(crate) fn start(what: &str) -> Option<Self> {
        Python::start("wrappers/oracle.py", what).map(Self)
    }

    /// What Werkzeug answers; the error is the name of what it raised.
    pub(crate) fn ask(&mut self, question: &Value) -> Result<Value, String> {
        let answer = self.0.ask(&question.to_string());
        let mut answer: Value = serde_json::from_str(&answer).expect("the oracle answers in JSON");
        match answer.get("err") {
            Some(kind) => Err(kind.as_str().expect("a name").to_owned()),
            None => Ok(answer["ok"].take()),
        }
    }
}

/// A random text of these pieces.
pub(crate) fn text(rng: &mut fastrand::Rng, pieces: &[&str], most: usize) -> String {
    (0..rng.usize(..=most))
        .map(|_| pieces[rng.usize(..pieces.len())])
        .collect()
}
