//! Real servers for the tests: each on 127.0.0.1, on a port of its own, with a directory of its own.
//!
//! A server is a child of the test that started it, and ends with it; no service of the system is asked
//! or touched. Where a server's program is missing, the test says so where it is seen, and fails if `CI`
//! is set: `bash tests/run` installs them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::files::TempDir;
use crate::missing::missing;

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
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A server in a process of its own.
pub(crate) struct Server {
    command: Vec<String>,
    child: Option<Child>,
    port: u16,
    dir: TempDir,
}

impl Server {
    /// Starts `program` and waits until it accepts connections; `None`, and a line that is seen, where
    /// there is no such program. `{port}`, `{dir}` and `{free}`, another port, are put into its
    /// arguments.
    ///
    /// # Panics
    /// Where there is none and `CI` is set, or it does not start.
    pub(crate) fn start(program: &str, args: &[&str]) -> Option<Self> {
        if !is_there(program) {
            return None;
        }
        // Another process may take the port before the server does.
        for _attempt in 0..5 {
            let (dir, port) = (TempDir::new(), free_port());
            std::fs::create_dir_all(dir.path()).unwrap();
            let put_in = |arg: &&str| {
                let arg = arg.replace("{port}", &port.to_string());
                let arg = arg.replace("{free}", &free_port().to_string());
                arg.replace("{dir}", &dir.path().display().to_string())
            };
            let command = std::iter::once(&program).chain(args).map(put_in).collect();
            let child = None;
            let mut server = Server {
                command,
                child,
                port,
                dir,
            };
            if server.try_restart() {
                return Some(server);
            }
            println!("{program} did not start: {}", server.log());
        }
        panic!("{program} does not start");
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
        let log = std::fs::read_to_string(self.dir().join("log"));
        log.unwrap_or_default()
    }

    /// Starts it again, with what its directory holds.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        assert!(self.try_restart(), "{}", self.log());
    }

    fn try_restart(&mut self) -> bool {
        let log = File::create(self.dir().join("log")).unwrap();
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).current_dir(self.dir());
        command.stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
        let mut accepts = false;
        wait_until("a server that accepts, or ends", || {
            accepts = TcpStream::connect(self.address()).is_ok();
            accepts || self.has_ended()
        });
        let speaks_tls = self.command.iter().any(|arg| arg == "--tls-port");
        if accepts && self.command[0] == "redis-server" && !speaks_tls {
            // It accepts before it has read what is on its disk.
            wait_until("a Redis that has loaded", || {
                let answer = talk(&self.address(), "PING", |_| true);
                !answer.iter().any(|line| line.starts_with("-LOADING"))
            });
        }
        accepts && !self.has_ended()
    }

    fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_none_or(|child| child.try_wait().unwrap().is_some())
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Stops it where it stands, for as long as the guard lives: it accepts, and never answers.
    pub(crate) fn pause(&self) -> Paused {
        let pid = self.child.as_ref().unwrap().id();
        signal(pid, "STOP");
        // One of its threads may have been about to answer.
        wait_until("a server that has stopped", || {
            let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
            let mut stats = threads.flatten().map(|thread| {
                std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default()
            });
            stats.all(|stat| stat.contains(") T "))
        });
        Paused(pid)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A server that is stopped.
pub(crate) struct Paused(u32);

impl Drop for Paused {
    fn drop(&mut self) {
        signal(self.0, "CONT");
    }
}

fn signal(pid: u32, name: &str) {
    let mut kill = Command::new("kill");
    let status = kill.arg(format!("-{name}")).arg(pid.to_string()).status();
    assert!(status.unwrap().success(), "kill -{name} {pid}");
}

/// Whether there is such a program. If not, that is said where it is seen.
///
/// # Panics
/// Where there is none and `CI` is set.
pub(crate) fn is_there(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null());
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    if status.is_err() {
        missing(program);
    }
    status.is_ok()
}

/// A Redis that keeps nothing on disk, and whatever else is wanted.
pub(crate) fn redis(args: &[&str]) -> Option<Server> {
    let all = ["--port", "{port}", "--bind", "127.0.0.1", "--dir", "{dir}"];
    let all = [&all, &["--save", ""][..], args].concat();
    Server::start("redis-server", &all)
}

/// Three Redises that are a cluster, each with this many others that would take its place.
pub(crate) fn redis_cluster(replicas: usize) -> Option<Vec<Server>> {
    // Without one of them, the others go on with what they have.
    let args = "--cluster-enabled yes --cluster-port {free} --cluster-require-full-coverage no \
        --cluster-node-timeout 1000";
    let args: Vec<&str> = args.split_whitespace().collect();
    let count = 3 * (1 + replicas);
    let nodes: Vec<Server> = (0..count).map(|_| redis(&args)).collect::<Option<_>>()?;
    let addresses: Vec<String> = nodes.iter().map(Server::address).collect();
    let replicas = replicas.to_string();
    let mut create = vec!["--cluster", "create"];
    create.extend(addresses.iter().map(String::as_str));
    create.extend(["--cluster-replicas", &replicas, "--cluster-yes"]);
    output("redis-cli", &create);
    let whole = format!("cluster_known_nodes:{count}");
    for node in &nodes {
        let port = node.port().to_string();
        wait_until("a cluster that knows itself", || {
            let info = output("redis-cli", &["-p", &port, "CLUSTER", "INFO"]);
            let link = output("redis-cli", &["-p", &port, "INFO", "replication"]);
            let is_linked = !link.contains("master_link_status:down");
            is_linked && info.contains("cluster_state:ok") && info.contains(&whole)
        });
    }
    Some(nodes)
}

/// A memcached.
pub(crate) fn memcached(args: &[&str]) -> Option<Server> {
    let all = ["-l", "127.0.0.1", "-p", "{port}", "-U", "0", "-u", "nobody"];
    Server::start("memcached", &[&all, args].concat())
}

/// A proxy before a server, which counts what goes through it, and may be told to be slow.
pub(crate) struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    target: Mutex<String>,
    is_over: AtomicBool,
    /// Pieces that came from clients: one for each round trip, as long as they are small.
    requests: AtomicU64,
    connections: AtomicU64,
    open: AtomicU64,
    most_open: AtomicU64,
    /// In milliseconds, before each piece of an answer.
    delay: AtomicU64,
    /// Whether answers come byte by byte, with the delay before each.
    drips: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    pub(crate) fn before(server: &Server) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        *state.target.lock().unwrap() = server.address();
        let of_thread = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                if of_thread.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let state = Arc::clone(&of_thread);
                thread::spawn(move || client.and_then(|client| state.serve(&client)));
            }
        });
        Proxy { port, state }
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How many round trips there were since the last call.
    pub(crate) fn requests(&self) -> u64 {
        self.state.requests.swap(0, Ordering::SeqCst)
    }

    /// How many connections there were since the last call.
    pub(crate) fn connections(&self) -> u64 {
        self.state.connections.swap(0, Ordering::SeqCst)
    }

    /// How many there were at one time.
    pub(crate) fn most_open(&self) -> u64 {
        self.state.most_open.load(Ordering::SeqCst)
    }

    /// Makes answers wait.
    pub(crate) fn delay(&self, delay: Duration, drips: bool) {
        let millis = u64::try_from(delay.as_millis()).unwrap();
        self.state.delay.store(millis, Ordering::SeqCst);
        self.state.drips.store(drips, Ordering::SeqCst);
    }

    /// Ends every connection that there is.
    pub(crate) fn hang_up(&self) {
        for stream in self.state.streams.lock().unwrap().drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address()));
        self.hang_up();
    }
}

impl State {
    fn serve(&self, client: &TcpStream) -> io::Result<()> {
        let target = self.target.lock().unwrap().clone();
        let server = TcpStream::connect(target)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let mut streams = self.streams.lock().unwrap();
        streams.extend([client.try_clone()?, server.try_clone()?]);
        drop(streams);
        self.connections.fetch_add(1, Ordering::SeqCst);
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_open.fetch_max(open, Ordering::SeqCst);
        thread::scope(|scope| {
            scope.spawn(|| self.pass(client, &server, true));
            drop(self.pass(&server, client, false));
        });
        self.open.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }

    fn pass(&self, mut from: &TcpStream, mut to: &TcpStream, is_request: bool) -> io::Result<()> {
        let mut buffer = [0; 256 * 1024];
        loop {
            let read = from.read(&mut buffer);
            let Ok(length @ 1..) = read else {
                drop(from.shutdown(Shutdown::Both));
                return to.shutdown(Shutdown::Both);
            };
            if is_request {
                self.requests.fetch_add(1, Ordering::SeqCst);
                to.write_all(&buffer[..length])?;
                continue;
            }
            let step = match self.drips.load(Ordering::SeqCst) {
                true => 1,
                false => length,
            };
            for piece in buffer[..length].chunks(step) {
                thread::sleep(Duration::from_millis(self.delay.load(Ordering::SeqCst)));
                to.write_all(piece)?;
            }
        }
    }
}

/// What a program says to these arguments; for the servers' own clients.
#[track_caller]
pub(crate) fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program} {args:?}: {said}");
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
