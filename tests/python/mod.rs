//! Real Flask in a child process, for the tests that compare with it.
//!
//! It is a script of `tests/`, run by the Python that the environment variable `CARAFE_FLASK_PYTHON`
//! names, or else by `target/venvs/flask-3.1.3/bin/python`, which `bash tests/run` makes. A question is
//! a line of JSON, and so is its answer.

#![allow(clippy::expect_used, reason = "a test says what went wrong")]

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A Python that answers questions, until it is dropped.
pub(crate) struct Python {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// Starts a script of `tests/`; `None`, and a line that is seen, where there is no Flask to ask.
    ///
    /// # Panics
    /// Where there is none and `CI` is set: there the check must not be left out.
    pub(crate) fn start(script: &str, what: &str) -> Option<Self> {
        Self::start_as("CARAFE_FLASK_PYTHON", "flask-3.1.3", script, what)
    }

    /// The same, with the Python of another environment: `variable` names it, or else it is below
    /// `target/venvs`.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub(crate) fn start_as(
        variable: &str,
        environment: &str,
        script: &str,
        what: &str,
    ) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = match std::env::var_os(variable) {
            Some(python) => PathBuf::from(python),
            None => root.join(format!("target/venvs/{environment}/bin/python")),
        };
        if !python.exists() {
            let message = format!(
                "NOT CHECKED against Flask: {what}. There is no {}; run: bash tests/run",
                python.display()
            );
            assert!(std::env::var_os("CI").is_none(), "{message}");
            // Past the test harness, which hides what a passing test prints.
            drop(writeln!(io::stderr(), "{message}"));
            return None;
        }
        let mut child = Command::new(&python)
            .arg(root.join("tests").join(script))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", python.display()));
        Some(Python {
            questions: child.stdin.take(),
            answers: BufReader::new(child.stdout.take().expect("its output is a pipe")),
            child,
        })
    }

    /// Asks one question and waits for the answer.
    pub(crate) fn ask(&mut self, question: &str) -> String {
        let questions = self.questions.as_mut().expect("it listens until the end");
        writeln!(questions, "{question}").expect("Python reads");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("Python writes");
        assert!(!answer.is_empty(), "Python ended at {question}");
        answer
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // The end of its input is the end of the script.
        drop(self.questions.take());
        drop(self.child.wait());
    }
}
