//! A soak: views that answer, panic, wait and stream, clients that leave in the middle, and the order to stop while all of
//! that runs.
//!
//! Three things are counted. Each request that a client has sent got one whole answer, or (once the server stops) the end
//! of its connection. Each request that the app has begun was torn down. And no thread and no file is left when a server has
//! stopped. `SOAK_SECONDS=600 cargo test --release --features server --test soak` does for ten minutes what is done for
//! some seconds without.
//!
//! `app.rs` is the app, `client.rs` the load.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod app;
mod client;

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use carafe::server::Server;

use app::Seen;
use client::Load;

const CHILD: &str = "CARAFE_SOAK_CHILD";

/// So long something may take that should come at once.
const DEADLINE: Duration = Duration::from_secs(60);

/// Clients at once, and answers after which the server is told to stop.
const CLIENTS: usize = 24;
const ANSWERS: usize = 2000;

/// One at a time: they count what a process has.
static ALONE: Mutex<()> = Mutex::new(());

/// How long each of the two tests goes on.
fn seconds() -> Duration {
    let seconds = std::env::var("SOAK_SECONDS").map_or(12, |seconds| seconds.parse().unwrap());
    Duration::from_secs(seconds) / 2
}

/// Runs `round` again and again, twice at least.
fn rounds(mut round: impl FnMut()) {
    let began = Instant::now();
    round();
    round();
    while began.elapsed() < seconds() {
        round();
    }
}

/// A small pool, so that requests stand in line too; and timeouts that nobody here should meet.
fn server(seen: &Arc<Seen>) -> Server {
    Server::new(app::app(seen))
        .threads(2)
        .pool(8)
        .shutdown_timeout(DEADLINE)
        .bind("127.0.0.1:0")
        .unwrap()
}

#[test]
#[ignore = "run by the other tests, as a process of its own"]
fn server_of_its_own() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let seen = Arc::new(Seen::default());
    let served = server(&seen).serve();
    println!("counted: {}", seen.report());
    std::process::exit(i32::from(served.is_err()));
}

struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "server_of_its_own", "--nocapture"])
            .env(CHILD, "1")
            .stdout(Stdio::piped())
            // Its log has a line for every panic.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Process { child, lines }
    }

    fn says(&mut self, words: &str) -> String {
        loop {
            let line = self.lines.next().expect("a line").unwrap();
            if let Some((_, rest)) = line.split_once(words) {
                return rest.to_owned();
            }
        }
    }

    fn terminate(&self) {
        let pid = self.child.id().to_string();
        let killed = Command::new("sh")
            .args(["-c", r#"kill -s TERM "$1""#, "sh", &pid])
            .status();
        assert!(killed.unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_process_that_is_told_to_stop_under_load_answers_and_tears_down_all() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    rounds(|| {
        let mut process = Process::start();
        let address = process.says("listening on http://").parse().unwrap();
        let load = Load::start(address, CLIENTS);
        load.wait_for(ANSWERS);
        load.expect_an_end();
        process.terminate();
        let sums = Seen::parse(&process.says("counted: "));
        assert_eq!(process.child.wait().unwrap().code(), Some(0));
        let answers = load.join();
        println!("{answers}; {sums}");
        sums.add_up();
    });
}

/// The threads of servers, by their names.
fn server_threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    // One that ends while it is looked at is gone.
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with("carafe-"))
        .collect()
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn servers_that_come_and_go_leave_no_thread_and_no_file() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut files = None;
    rounds(|| {
        let seen = Arc::new(Seen::default());
        let running = server(&seen).start().unwrap();
        let load = Load::start(running.local_addr().unwrap(), CLIENTS);
        load.wait_for(ANSWERS);
        load.expect_an_end();
        running.shutdown();
        running.join().unwrap();
        println!("{}; {seen}", load.join());
        seen.add_up();
        // A thread that has done its work takes a moment to end.
        let began = Instant::now();
        while !server_threads().is_empty() {
            assert!(began.elapsed() < DEADLINE, "{:?}", server_threads());
            thread::yield_now();
        }
        // What the first round opens may stay: signals, standard output.
        let now = open_files();
        assert_eq!(now, *files.get_or_insert(now), "open files");
    });
}
