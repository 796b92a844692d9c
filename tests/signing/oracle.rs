//! Real Flask and itsdangerous in a child process, to compare with.
//!
//! It is `oracle.py`, run by the Python that the environment variable `CARAFE_FLASK_PYTHON` names,
//! or else by `target/venvs/flask-3.1.3/bin/python`. Where there is neither, a test says so, and
//! fails if the environment variable `CI` is set.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value as Json;

pub(crate) struct Oracle {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// What Python raised.
#[derive(Debug)]
pub(crate) struct Raised {
    pub(crate) class: String,
    pub(crate) message: String,
    pub(crate) payload: Option<String>,
    pub(crate) date_signed: Option<u64>,
}

impl Oracle {
    /// Starts Python, or tells that `what` goes unchecked.
    pub(crate) fn start(what: &str) -> Option<Self> {
        let Some(python) = python() else {
            let message = format!("NOT CHECKED against Flask: {what}: set CARAFE_FLASK_PYTHON");
            assert!(std::env::var_os("CI").is_none(), "{message}");
            // Unlike eprintln!, this is seen even where the test passes.
            std::io::stderr()
                .write_all(format!("{message}\n").as_bytes())
                .unwrap();
            return None;
        };
        let mut child = Command::new(&python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/signing/oracle.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", python.display()));
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Some(Self {
            child,
            input,
            output,
        })
    }

    pub(crate) fn ask(&mut self, request: &Json) -> Result<Json, Raised> {
        writeln!(self.input.as_mut().unwrap(), "{request}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the oracle died on {request}");
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

impl Drop for Oracle {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

fn python() -> Option<PathBuf> {
    if let Some(python) = std::env::var_os("CARAFE_FLASK_PYTHON") {
        return Some(python.into());
    }
    let path = "target/venvs/flask-3.1.3/bin/python";
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    python.exists().then_some(python)
}
