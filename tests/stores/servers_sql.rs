//! Real database servers, each in a process and a directory of its own: PostgreSQL, MariaDB, MongoDB.
//!
//! They listen on 127.0.0.1 at a port that was free a moment ago, and end when they are dropped.
//! `bash tests/run` installs them.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::files::TempDir;
use crate::missing::missing;

/// A server that a test may treat badly.
pub(crate) struct Server {
    dir: TempDir,
    port: u16,
    command: Vec<String>,
    child: Option<Child>,
}

/// The first of these that is there; else a line that is seen, and `None`.
///
/// # Panics
/// Where there is none and `CI` is set: there the check must not be left out.
fn find(what: &str, candidates: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    let found = candidates.into_iter().find(|path| path.exists());
    if found.is_none() {
        missing(what);
    }
    found
}

/// The directories in this one, with `below` after each.
fn in_each(dir: &Path, below: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut dirs: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    dirs.sort();
    dirs.into_iter().map(|dir| dir.join(below)).collect()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// As somebody else where this is root, as whom neither PostgreSQL nor MariaDB runs.
fn as_nobody(dir: &Path) -> Vec<String> {
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout != b"0\n" {
        return Vec::new();
    }
    run(&["chown", "nobody:nogroup", &dir.display().to_string()]);
    let words = "setpriv --reuid=nobody --regid=nogroup --clear-groups --";
    words.split(' ').map(str::to_owned).collect()
}

#[track_caller]
fn run<S: AsRef<str>>(words: &[S]) {
    let mut words = words.iter().map(AsRef::as_ref);
    let program = words.next().unwrap();
    let output = Command::new(program)
        .args(words)
        .current_dir("/")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {said}");
}

fn words(prefix: &[String], program: &Path, rest: &str) -> Vec<String> {
    let program = program.display().to_string();
    let rest = rest.split_whitespace().map(str::to_owned);
    prefix
        .iter()
        .cloned()
        .chain([program])
        .chain(rest)
        .collect()
}

impl Server {
    fn prepare(what: &str, candidates: Vec<PathBuf>) -> Option<(PathBuf, TempDir)> {
        let program = find(what, candidates)?;
        let dir = TempDir::new();
        fs::create_dir_all(dir.path()).unwrap();
        Some((program, dir))
    }

    /// PostgreSQL, with a user and a database `carafe`.
    pub(crate) fn postgres() -> Option<Self> {
        let mut candidates = in_each(Path::new("/usr/lib/postgresql"), "bin/postgres");
        candidates.reverse();
        let (program, dir) = Self::prepare("postgresql", candidates)?;
        let nobody = as_nobody(dir.path());
        let data = dir.path().join("data").display().to_string();
        let options = format!("-D {data} -U carafe -A trust -E UTF8 --locale=C --no-sync");
        run(&words(&nobody, &program.with_file_name("initdb"), &options));
        let port = free_port();
        let options = format!(
            "-D {data} -p {port} -c listen_addresses=127.0.0.1 -c max_connections=60 \
             -c unix_socket_directories={} -c shared_buffers=16MB",
            dir.path().display()
        );
        let mut server = Server {
            command: words(&nobody, &program, &options),
            dir,
            port,
            child: None,
        };
        server.start();
        Some(server)
    }

    /// MariaDB, with a user `root` and a database `test`.
    pub(crate) fn mariadb() -> Option<Self> {
        let candidates = ["/usr/sbin/mariadbd", "/usr/libexec/mariadbd"].map(PathBuf::from);
        let (program, dir) = Self::prepare("mariadb-server-core", candidates.to_vec())?;
        let nobody = as_nobody(dir.path());
        let data = dir.path().join("data").display().to_string();
        let install = Path::new("/usr/bin/mariadb-install-db");
        let options = format!(
            "--no-defaults --datadir={data} --auth-root-authentication-method=normal \
             --skip-name-resolve --force --tmpdir={}",
            dir.path().display()
        );
        run(&words(&nobody, install, &options));
        let port = free_port();
        let options = format!(
            "--no-defaults --datadir={data} --port={port} --bind-address=127.0.0.1 \
             --socket={0}/socket --innodb-buffer-pool-size=16M --skip-name-resolve \
             --max-allowed-packet=2M --tmpdir={0}",
            dir.path().display()
        );
        let mut server = Server {
            command: words(&nobody, &program, &options),
            dir,
            port,
            child: None,
        };
        server.start();
        Some(server)
    }

    /// MongoDB, as the package of the tests' Python environment has it. With `ttl`, what has expired is
    /// deleted each second, and otherwise never.
    pub(crate) fn mongodb(ttl: bool) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = match std::env::var_os("CARAFE_FLASK_SESSION_PYTHON") {
            Some(python) => PathBuf::from(python),
            None => root.join("target/venvs/flask-session/bin/python"),
        };
        let lib = python.parent().unwrap().with_file_name("lib");
        let mut candidates = in_each(&lib, "site-packages/fiftyone/db/bin/mongod");
        candidates.push("/usr/bin/mongod".into());
        let (program, dir) = Self::prepare("mongod", candidates)?;
        let port = free_port();
        let ttl = match ttl {
            true => "ttlMonitorSleepSecs=1",
            false => "ttlMonitorEnabled=false",
        };
        let options = format!(
            "--dbpath {} --port {port} --bind_ip 127.0.0.1 --nounixsocket \
             --wiredTigerCacheSizeGB 0.25 --setParameter {ttl}",
            dir.path().display()
        );
        let mut server = Server {
            command: words(&[], &program, &options),
            dir,
            port,
            child: None,
        };
        server.start();
        Some(server)
    }

    /// A place for one that is elsewhere for a while.
    pub(crate) fn none() -> Self {
        Server {
            dir: TempDir::new(),
            port: 0,
            command: Vec::new(),
            child: None,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Starts it, and waits until it listens. Ready it may be a little later.
    pub(crate) fn start(&mut self) {
        self.spawn();
        eventually("it listens", || {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            let Some(status) = ended else {
                return TcpStream::connect(("127.0.0.1", self.port)).is_ok();
            };
            let log = fs::read_to_string(self.dir.path().join("log")).unwrap();
            // A process of the one before has not noticed yet that it is alone.
            let is_too_soon = log.contains("is still in use");
            assert!(
                is_too_soon,
                "{} ended with {status}: {log}",
                self.command.join(" ")
            );
            self.spawn();
            false
        });
    }

    fn spawn(&mut self) {
        let log = fs::File::create(self.dir.path().join("log")).unwrap();
        let child = Command::new(&self.command[0])
            .args(&self.command[1..])
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap());
    }

    /// The server's process and those that it has started.
    fn processes(&self) -> Vec<String> {
        let server = self.child.as_ref().unwrap().id().to_string();
        let children = format!("/proc/{server}/task/{server}/children");
        let children = fs::read_to_string(children).unwrap_or_default();
        let children = children.split_whitespace().map(str::to_owned);
        [server].into_iter().chain(children).collect()
    }

    fn signal(&self, signal: &str) {
        let processes = self.processes();
        // One of them may have ended by now.
        let _ = Command::new("kill")
            .arg(signal)
            .args(processes)
            .stderr(Stdio::null())
            .status();
    }

    /// The end that it does not see coming.
    pub(crate) fn kill(&mut self) {
        self.signal("-KILL");
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }

    /// It is there, and says nothing.
    pub(crate) fn pause(&self) {
        // One of its threads may have been about to answer, and the server may have started a process more
        // since they were counted.
        eventually("it has stopped", || {
            self.signal("-STOP");
            self.processes().iter().all(|process| has_stopped(process))
        });
    }

    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.resume();
            self.kill();
        }
    }
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

/// Waits until it is so.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(60), "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
