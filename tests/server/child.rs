//! A server in a process of its own, for what only a process can do: get a signal, inherit a socket, end.
//!
//! The process is this test binary again, told by its environment to be a server.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use carafe::server::Server;
use carafe::{Error, Response, Scaffold};

use crate::support::{DEADLINE, app};

const BIND: &str = "CARAFE_TEST_BIND";

/// Not a test: the server that the tests below start. `/wait` answers once there is a line in its standard input.
#[test]
#[ignore = "run by other tests, as a process of its own"]
fn server_of_its_own() {
    let Ok(bind) = std::env::var(BIND) else {
        return;
    };
    let mut app = app();
    app.get("/fails", || {
        Response::stream([Ok("pear"), Err(Error::runtime("out of plums"))])
    });
    app.get("/wait", || {
        println!("waiting");
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).unwrap();
        "waited"
    });
    let server = Server::new(app)
        .threads(1)
        .shutdown_timeout(Duration::from_secs(20));
    let server = match bind.as_str() {
        "inherited" => server.inherited(),
        address => server.bind(address),
    };
    let served = server.and_then(Server::serve);
    if let Err(error) = &served {
        eprintln!("{error}");
    }
    std::process::exit(i32::from(served.is_err()));
}

pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Process {
    /// A server at this address.
    pub(crate) fn at(bind: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(ARGS).env(BIND, bind).stdin(Stdio::piped());
        Self::start(command)
    }

    /// The same, where nothing can be written to standard error.
    pub(crate) fn mute(bind: &str) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", r#"exec "$@" 2>/dev/full"#, "sh"]);
        command.arg(program).args(ARGS).env(BIND, bind);
        Self::start(command)
    }

    /// A server that is given this socket as systemd gives it.
    pub(crate) fn with(socket: TcpListener) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut command = Command::new("sh");
        // The socket is standard input first, and then where systemd puts it.
        let script = r#"exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@""#;
        command.args(["-c", script, "sh"]).arg(program).args(ARGS);
        command.env(BIND, "inherited").stdin(OwnedFd::from(socket));
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Process {
            stdin: child.stdin.take(),
            child,
            lines,
        }
    }

    /// Waits for a line with this, and gives what follows it.
    #[track_caller]
    pub(crate) fn says(&self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(DEADLINE).expect("a line");
            if let Some((_, rest)) = line.split_once(words) {
                return rest.to_owned();
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh")
            .args([
                "-c",
                r#"kill -s "$1" "$2""#,
                "sh",
                name,
                &self.child.id().to_string(),
            ])
            .status();
        assert!(sent.unwrap().success());
    }

    #[track_caller]
    pub(crate) fn exits(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < DEADLINE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended, unless a test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const ARGS: [&str; 4] = [
    "--ignored",
    "--exact",
    "child::server_of_its_own",
    "--nocapture",
];
