//! The servers that the tests start: Redis, memcached, PostgreSQL, MariaDB, MongoDB.
//!
//! `bash tests/run` installs them. Where a server's program is missing, the test says so where it is
//! seen, and fails if `CI` is set.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Server, output, wait_until};
use crate::files::TempDir;
use crate::missing::missing;

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

/// The same for a program that is in none of the usual places: the first of these.
fn find(what: &str, candidates: impl IntoIterator<Item = PathBuf>) -> Option<String> {
    let found = candidates.into_iter().find(|path| path.exists());
    if found.is_none() {
        missing(what);
    }
    found.map(|path| path.display().to_string())
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

fn new_dir() -> TempDir {
    let dir = TempDir::new();
    fs::create_dir_all(dir.path()).unwrap();
    dir
}

/// What a command begins with to run as somebody else where this is root, as whom neither PostgreSQL nor
/// MariaDB runs.
fn as_nobody(dir: &Path) -> &'static str {
    if output("id", &["-u"]) != "0\n" {
        return "";
    }
    output("chown", &["nobody:nogroup", &dir.display().to_string()]);
    "setpriv --reuid=nobody --regid=nogroup --clear-groups --"
}

fn words(prefix: &str, program: &str, args: &str) -> Vec<String> {
    let words = prefix.split_whitespace().chain([program]);
    let words = words.chain(args.split_whitespace());
    words.map(str::to_owned).collect()
}

/// Makes the directory of a database, in `{dir}`.
#[track_caller]
fn prepare(dir: &TempDir, words: &[String]) {
    let dir = dir.path().display().to_string();
    let words: Vec<String> = words
        .iter()
        .map(|word| word.replace("{dir}", &dir))
        .collect();
    let args: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    output(&words[0], &args);
}

/// A Redis that keeps nothing on disk, and whatever else is wanted.
pub(crate) fn redis(args: &[&str]) -> Option<Server> {
    if !is_there("redis-server") {
        return None;
    }
    let all = "--port {port} --bind 127.0.0.1 --dir {dir}";
    let mut command = words("", "redis-server", all);
    command.extend(["--save", ""].iter().chain(args).map(|&arg| arg.to_owned()));
    let ready = "Ready to accept connections";
    Some(Server::start(new_dir(), &command, ready))
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
    if !is_there("memcached") {
        return None;
    }
    let all = "-l 127.0.0.1 -p {port} -U 0 -u nobody";
    let command = words("", "memcached", &format!("{all} {}", args.join(" ")));
    // It says nothing.
    Some(Server::start(new_dir(), &command, ""))
}

/// A memcached that is reached by the file `socket` in its directory, and by nothing else.
pub(crate) fn memcached_on_socket() -> Option<Server> {
    if !is_there("memcached") {
        return None;
    }
    let dir = new_dir();
    let nobody = as_nobody(dir.path());
    let command = words(nobody, "memcached", "-s {dir}/socket -a 0777");
    Some(Server::start(dir, &command, ""))
}

/// PostgreSQL, with a user `carafe`.
pub(crate) fn postgres() -> Option<Server> {
    let mut candidates = in_each(Path::new("/usr/lib/postgresql"), "bin/postgres");
    candidates.reverse();
    let program = find("postgresql", candidates)?;
    let dir = new_dir();
    let nobody = as_nobody(dir.path());
    let initdb = Path::new(&program).with_file_name("initdb");
    let args = "-D {dir}/data -U carafe -A trust -E UTF8 --locale=C --no-sync";
    let initdb = words(nobody, &initdb.display().to_string(), args);
    prepare(&dir, &initdb);
    let args = "-D {dir}/data -p {port} -c listen_addresses=127.0.0.1 -c max_connections=60 \
        -c unix_socket_directories={dir} -c shared_buffers=16MB";
    let ready = "is ready to accept connections";
    Some(Server::start(dir, &words(nobody, &program, args), ready))
}

/// MariaDB, with a user `root` and a database `test`.
pub(crate) fn mariadb() -> Option<Server> {
    let candidates = ["/usr/sbin/mariadbd", "/usr/libexec/mariadbd"].map(PathBuf::from);
    let program = find("mariadb-server-core", candidates)?;
    // What `mariadb-install-db` calls, and its package does not ask for.
    let called = PathBuf::from("/usr/bin/my_print_defaults");
    find("mariadb-client-core", [called])?;
    let dir = new_dir();
    let nobody = as_nobody(dir.path());
    let args = "--no-defaults --datadir={dir}/data --auth-root-authentication-method=normal \
        --skip-name-resolve --force --tmpdir={dir}";
    prepare(&dir, &words(nobody, "/usr/bin/mariadb-install-db", args));
    let args = "--no-defaults --datadir={dir}/data --port={port} --bind-address=127.0.0.1 \
        --socket={dir}/socket --innodb-buffer-pool-size=16M --skip-name-resolve \
        --max-allowed-packet=2M --tmpdir={dir}";
    let command = words(nobody, &program, args);
    Some(Server::start(dir, &command, "ready for connections"))
}

/// MongoDB, as the package of the tests' Python environment has it. With `ttl`, what has expired is
/// deleted each second, and otherwise never.
pub(crate) fn mongodb(ttl: bool) -> Option<Server> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = match std::env::var_os("CARAFE_FLASK_SESSION_PYTHON") {
        Some(python) => PathBuf::from(python),
        None => root.join("target/venvs/flask-session/bin/python"),
    };
    let lib = python.parent().unwrap().with_file_name("lib");
    let mut candidates = in_each(&lib, "site-packages/fiftyone/db/bin/mongod");
    candidates.push("/usr/bin/mongod".into());
    let program = find("mongod", candidates)?;
    let ttl = match ttl {
        true => "ttlMonitorSleepSecs=1",
        false => "ttlMonitorEnabled=false",
    };
    let args = format!(
        "--dbpath {{dir}} --port {{port}} --bind_ip 127.0.0.1 --nounixsocket \
         --wiredTigerCacheSizeGB 0.25 --setParameter {ttl}"
    );
    let command = words("", &program, &args);
    Some(Server::start(
        new_dir(),
        &command,
        "Waiting for connections",
    ))
}
