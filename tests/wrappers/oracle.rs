//! A Python process that answers what real Werkzeug does: `oracle.py` beside this file.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

pub(crate) struct Oracle {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    /// Starts the process; `None`, and a loud line, where there is no Flask to ask.
    ///
    /// # Panics
    /// Where there is none and `CI` is set: there the check must not be left out.
    pub(crate) fn start(what: &str) -> Option<Self> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let python = match std::env::var_os("CARAFE_FLASK_PYTHON") {
            Some(python) => PathBuf::from(python),
            None => root.join("target/venvs/flask-3.1.3/bin/python"),
        };
        if !python.exists() {
            let message = format!(
                "NOT CHECKED against Werkzeug: {what} (no {})",
                python.display()
            );
            assert!(std::env::var_os("CI").is_none(), "{message}");
            // Straight to the terminal: cargo hides what a passing test prints.
            let _ = writeln!(std::io::stderr(), "{message}");
            return None;
        }
        let mut child = Command::new(python)
            .arg(root.join("tests/wrappers/oracle.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        Some(Self {
            questions: child.stdin.take().expect("stdin is piped"),
            answers: BufReader::new(child.stdout.take().expect("stdout is piped")),
            child,
        })
    }

    /// What Werkzeug answers; the error is the name of what it raised.
    pub(crate) fn ask(&mut self, question: &Value) -> Result<Value, String> {
        writeln!(self.questions, "{question}").expect("the oracle listens");
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .expect("the oracle answers");
        let mut answer: Value = serde_json::from_str(&line).expect("the oracle answers in JSON");
        match answer.get("err") {
            Some(kind) => Err(kind.as_str().expect("a name").to_owned()),
            None => Ok(answer["ok"].take()),
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A random text of these pieces.
pub(crate) fn text(rng: &mut fastrand::Rng, pieces: &[&str], most: usize) -> String {
    (0..rng.usize(..=most))
        .map(|_| pieces[rng.usize(..pieces.len())])
        .collect()
}
