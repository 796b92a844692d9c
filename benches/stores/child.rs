//! Those who take part from a process of their own: Flask-Session, and actix-session.
//!
//! A child reads a number from each line, makes as many requests to its app, in process, and answers with
//! the nanoseconds that each took. So no pipe and no start of a process is in the times.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};

use crate::Contestant;

pub(crate) struct Child {
    process: Process,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Child {
    /// Flask-Session, in the Python environment of the tests.
    pub(crate) fn flask(kind: &str, url: &str) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = match std::env::var_os("CARAFE_FLASK_SESSION_PYTHON") {
            Some(python) => PathBuf::from(python),
            None => root.join("target/venvs/flask-session/bin/python"),
        };
        let mut command = Command::new(python);
        command
            .arg(root.join("benches/stores/flask_peer.py"))
            .args([kind, url]);
        Self::start("Flask-Session", command, "bash tests/run")
    }

    /// actix-session with its `RedisSessionStore`, which is built by itself.
    #[cfg(feature = "redis")]
    pub(crate) fn actix(url: &str) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command =
            Command::new(root.join("benches/peers/target/release/peer-actix-session-redis"));
        command.arg(url);
        let build = "cd benches/peers && cargo build --release -p peer-actix-session-redis";
        Self::start("actix-session", command, build)
    }

    fn start(name: &str, mut command: Command, how: &str) -> Option<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(mut process) = command.spawn() else {
            println!("Not measured: {name}; to have it: {how}");
            return None;
        };
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut child = Child {
            process,
            input,
            output,
        };
        // One that lacks a package says so by itself, and ends.
        if child.run(1).is_none() {
            println!("Not measured: {name}; to have it: {how}");
            return None;
        }
        Some(child)
    }

    /// The nanoseconds of so many requests; none where it has ended.
    fn run(&mut self, count: usize) -> Option<Vec<u64>> {
        writeln!(self.input.as_mut()?, "{count}").ok()?;
        let mut line = String::new();
        self.output.read_line(&mut line).ok()?;
        let times = line.split_whitespace().map(str::parse);
        let times: Vec<u64> = times.collect::<Result<_, _>>().ok()?;
        (times.len() == count).then_some(times)
    }

    pub(crate) fn contestant(mut self, name: &'static str) -> Contestant {
        Contestant::new(name, move |count| self.run(count).expect(name))
    }
}

impl Drop for Child {
    /// It ends where its input does.
    fn drop(&mut self) {
        drop(self.input.take());
        drop(self.process.wait());
    }
}
