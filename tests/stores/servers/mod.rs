//! Real servers for the tests: each on 127.0.0.1, on a port of its own, with a directory of its own.
//!
//! A server is a child of the test that started it, and ends with it; no service of the system is asked
//! or touched.
//!
//! Read next: `programs.rs`, which ones there are; `../failing.rs`, what is done to them.

mod programs;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use self::programs::*;
use crate::files::TempDir;

/// How long a server may take to start, or anything that is waited for to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so.
///
/// # Panics
/// Where that takes a minute.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what}: still not after {PATIENCE:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A port that nobody has at this moment.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A server in a process of its own, which a test may treat badly.
pub(crate) struct Server {
    command: Vec<String>,
    /// What its log says once it can be used.
    ready: &'static str,
    child: Mutex<Option<Child>>,
    port: u16,
    dir: TempDir,
}

impl Server {
    /// Starts `command` and waits until its log says `ready`. `{port}`, `{dir}` and `{free}`, another
    /// port, are put into it.
    ///
    /// # Panics
    /// Where it does not start.
    fn start(dir: TempDir, command: &[String], ready: &'static str) -> Self {
        let child = Mutex::new(None);
        let (port, directory) = (0, dir.path().display().to_string());
        let mut server = Server {
            command: Vec::new(),
            ready,
            child,
            port,
            dir,
        };
        // Another process may take the port before the server does.
        for _attempt in 0..5 {
            server.port = free_port();
            let put_in = |word: &String| {
                let word = word.replace("{port}", &server.port.to_string());
                let word = word.replace("{free}", &free_port().to_string());
                word.replace("{dir}", &directory)
            };
            server.command = command.iter().map(put_in).collect();
            if server.try_restart() {
                return server;
            }
            println!("{:?} did not start: {}", server.command, server.log());
        }
        panic!("{command:?} does not start");
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What a client connects to.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(self.dir().join("log"));
        log.unwrap_or_default()
    }

    /// Starts it again, with what its directory holds.
    #[track_caller]
    pub(crate) fn restart(&self) {
        assert!(self.try_restart(), "{}", self.log());
    }

    fn try_restart(&self) -> bool {
        self.spawn();
        wait_until("a server that is ready, or ends", || {
            let has_ended = self.has_ended();
            // A process of the one before has not noticed yet that it is alone.
            if has_ended && self.log().contains("is still in use") {
                self.spawn();
                return false;
            }
            has_ended || self.is_ready()
        });
        !self.has_ended()
    }

    fn spawn(&self) {
        let log = File::create(self.dir().join("log")).unwrap();
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).current_dir(self.dir());
        command.stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        *self.child.lock().unwrap() = Some(command.spawn().unwrap());
    }

    fn is_ready(&self) -> bool {
        let by_port = TcpStream::connect(self.address()).is_ok();
        let is_open = by_port || UnixStream::connect(self.dir().join("socket")).is_ok();
        is_open && self.log().contains(self.ready)
    }

    fn has_ended(&self) -> bool {
        let mut child = self.child.lock().unwrap();
        let child = child.as_mut();
        child.is_none_or(|child| child.try_wait().unwrap().is_some())
    }

    /// The server's process and those that it has started.
    fn processes(&self) -> Vec<String> {
        let child = self.child.lock().unwrap();
        let server = child.as_ref().unwrap().id().to_string();
        let children = format!("/proc/{server}/task/{server}/children");
        let children = fs::read_to_string(children).unwrap_or_default();
        let children = children.split_whitespace().map(str::to_owned);
        [server].into_iter().chain(children).collect()
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&self) {
        if !self.has_ended() {
            signal("KILL", &self.processes());
        }
        if let Some(mut child) = self.child.lock().unwrap().take() {
            drop(child.wait());
        }
    }

    /// Stops it where it stands, for as long as the guard lives: it accepts, and never answers.
    pub(crate) fn pause(&self) -> Paused {
        // One of its threads may have been about to answer, and the server may have started a process
        // more since they were counted.
        let mut processes = Vec::new();
        wait_until("a server that has stopped", || {
            processes = self.processes();
            signal("STOP", &processes);
            processes.iter().all(|process| has_stopped(process))
        });
        Paused(processes)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A server that is stopped.
pub(crate) struct Paused(Vec<String>);

impl Drop for Paused {
    fn drop(&mut self) {
        signal("CONT", &self.0);
    }
}

/// One of the processes may have ended by now.
fn signal(name: &str, processes: &[String]) {
    let mut kill = Command::new("kill");
    kill.arg(format!("-{name}")).args(processes);
    kill.stderr(Stdio::null()).status().unwrap();
}

/// Whether none of its threads runs, or would. One that has ended has stopped, too.
fn has_stopped(process: &str) -> bool {
    let threads = fs::read_dir(format!("/proc/{process}/task"));
    let mut threads = threads.into_iter().flatten().flatten();
    threads.all(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        ![") R ", ") S ", ") D "]
            .iter()
            .any(|state| stat.contains(state))
    })
}

/// What a program says to these arguments; for the servers' own clients.
#[track_caller]
pub(crate) fn output(program: &str, args: &[&str]) -> String {
    // Whoever it runs as may look into this directory.
    let output = Command::new(program).args(args).current_dir("/").output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program} {args:?}: {said}{complaint}"
    );
    said
}

/// Sends a line to a server that speaks in lines, and gives its answer up to a line that is the last.
#[track_caller]
pub(crate) fn talk(address: &str, line: &str, is_last: impl Fn(&str) -> bool) -> Vec<String> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "{line}\r\n").unwrap();
    let mut lines = Vec::new();
    for answer in BufReader::new(stream).lines() {
        lines.push(answer.unwrap());
        if is_last(&lines[lines.len() - 1]) {
            break;
        }
    }
    lines
}
