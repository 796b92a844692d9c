//! `examples/sessions.rs`, started as a process and asked over HTTP, on each store that is there.
//!
//! The process is this test binary again, told by its environment to be the example. What is asked is
//! what Flask-Session's own tests ask (`tests/conftest.py` there), and more.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use carafe::clock::{Clock, SystemClock};
use carafe::session::store::{Lifetime, open, schemes};
use carafe::testing::CookieJar;

#[path = "../examples/sessions.rs"]
mod example;
#[path = "missing/mod.rs"]
mod missing;

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// The arguments of the process, a line each.
const ARGS: &str = "CARAFE_TEST_SESSIONS";

/// Not a test: the process that the tests below start.
#[test]
#[ignore = "run by other tests, as a process of its own"]
fn example_of_its_own() {
    let Ok(args) = std::env::var(ARGS) else {
        return;
    };
    let result = example::run(args.lines().map(str::to_owned));
    if let Err(error) = &result {
        eprintln!("{error}");
    }
    std::process::exit(i32::from(result.is_err()));
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", "example_of_its_own"]);
    command.env(ARGS, args.join("\n")).stdin(Stdio::null());
    command
}

/// How it ends, and what it says then, where it does not start.
fn refused(args: &[&str]) -> (ExitStatus, String) {
    let output = command(args).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    (output.status, text)
}

/// The example, listening.
struct Example {
    child: Child,
    address: String,
}

impl Example {
    #[track_caller]
    fn start(args: &[&str]) -> Self {
        let args = [&["--bind", "127.0.0.1:0"], args].concat();
        let mut child = command(&args).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut lines = output.lines().map_while(Result::ok);
        let address =
            lines.find_map(|line| Some(line.split_once("listening on http://")?.1.to_owned()));
        let address = address.expect("an address");
        assert!(
            !address.ends_with(":0"),
            "{address} is no address of anything"
        );
        Example { child, address }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Keeps cookies, and makes a connection for each request.
struct Browser {
    address: String,
    cookies: CookieJar,
}

impl Browser {
    fn of(example: &Example) -> Self {
        Browser {
            address: example.address.clone(),
            cookies: CookieJar::default(),
        }
    }

    fn id(&self) -> Option<String> {
        let header = self.cookies.header("127.0.0.1", "/")?;
        header.strip_prefix("session=").map(str::to_owned)
    }

    fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, "")
    }

    fn post(&mut self, path: &str, form: &str) -> Answer {
        self.send("POST", path, form)
    }

    fn send(&mut self, method: &str, path: &str, form: &str) -> Answer {
        let cookie = self.cookies.header("127.0.0.1", path);
        let cookie = cookie.map_or_else(String::new, |cookie| format!("Cookie: {cookie}\r\n"));
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{cookie}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        for (name, value) in &headers {
            if name.eq_ignore_ascii_case("set-cookie") {
                self.cookies.update(value, "127.0.0.1", path);
            }
        }
        let body = body.to_owned();
        Answer {
            status,
            headers,
            body,
        }
    }
}

/// What each store has to do. Nobody else uses it.
fn visits(example: &Example) {
    let mut browser = Browser::of(example);
    let hello = browser.get("/");
    assert_eq!((hello.status, &*hello.body), (200, "hello world"));
    assert_eq!(
        (hello.header("Vary"), hello.header("Set-Cookie")),
        (None, None)
    );
    assert_eq!(browser.get("/get").body, "no value set");
    // Python evaluates the form's value before it looks at the session.
    let nothing = browser.post("/set", "");
    assert_eq!((nothing.status, nothing.header("Vary")), (400, None));

    assert_eq!(browser.post("/set", "value=42").body, "value set");
    let answer = browser.get("/get");
    assert_eq!(
        (&*answer.body, answer.header("Vary")),
        ("42", Some("Cookie"))
    );
    assert_eq!(browser.post("/modify", "value=43").body, "value set");
    assert_eq!(browser.get("/get").body, "43");
    assert_eq!(Browser::of(example).get("/get").body, "no value set");

    let before = browser.id().unwrap();
    assert_eq!(browser.get("/regenerate").body, "value regenerated");
    let after = browser.id().unwrap();
    assert_ne!(before, after);
    assert_eq!(browser.get("/get").body, "43");
    assert_eq!(browser.post("/regenerate", "").body, "value regenerated");
    assert_ne!(after, browser.id().unwrap());

    let markup = browser.get("/login?username=%3Cb%3E");
    assert_eq!(markup.body, "hello &lt;b&gt;");
    assert_eq!(browser.get("/login?username=jill").body, "hello jill");
    let shown = browser.get("/sessions").body;
    assert_eq!(shown.matches("\"jill\"").count(), 1, "{shown}");
    assert!(!shown.contains(&browser.id().unwrap()));
    assert_eq!(browser.post("/delete", "").body, "value deleted");
    assert_eq!(browser.get("/get").body, "no value set");
    assert_eq!(browser.post("/delete", "").status, 500);
    assert_eq!(browser.post("/set", "").status, 400);

    let mut thief = Browser::of(example);
    let id = browser.id().unwrap();
    assert_eq!(browser.get("/logout").body, "goodbye");
    assert_eq!(browser.id(), None);
    thief
        .cookies
        .update(&format!("session={id}"), "127.0.0.1", "/");
    assert_eq!(thief.get("/sessions").body.trim(), "[]");
}

#[test]
fn the_app_of_flask_sessions_tests_keeps_sessions_in_memory() {
    visits(&Example::start(&[]));
}

#[test]
fn it_keeps_sessions_in_files_and_has_them_after_a_restart() {
    let name = format!("carafe-sessions-{}", std::process::id());
    let dir = TempDir(std::env::temp_dir().join(name));
    let url = format!("file://{}", dir.0.display());
    let args = [
        "--store",
        &url,
        "--signer",
        "--secret-key",
        "k",
        "--format",
        "json",
    ];
    let example = Example::start(&args);
    visits(&example);
    let mut browser = Browser::of(&example);
    browser.post("/set", "value=kept");
    let id = browser.id().unwrap();
    assert!(id.contains('.'), "{id} is not signed");
    drop(example);
    let example = Example::start(&args);
    browser.address.clone_from(&example.address);
    assert_eq!(browser.get("/get").body, "kept");
    let files = std::fs::read_dir(&dir.0).unwrap();
    let texts = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    assert!(
        texts
            .into_iter()
            .any(|text| text.ends_with(b"{\"value\":\"kept\"}"))
    );
}

#[test]
fn all_sessions_are_shown_whatever_a_flask_app_keeps_in_them() {
    let name = format!("carafe-sessions-shown-{}", std::process::id());
    let dir = TempDir(std::env::temp_dir().join(name));
    let url = format!("file://{}", dir.0.display());
    // {"value": "mine", "bytes": b"\0", "odd": {1: 2}, "ext": Ext(5, b"\0")}
    let stored = b"\x84\xa5value\xa4mine\xa5bytes\xc4\x01\0\xa3odd\x81\x01\x02\xa3ext\xd4\x05\0";
    let lifetime = Lifetime {
        now: SystemClock.now(),
        seconds: 60,
    };
    let store = open(&url).unwrap();
    store.set("session:id", stored, lifetime).unwrap();
    let example = Example::start(&["--store", &url]);
    let shown = Browser::of(&example).get("/sessions");
    assert_eq!(shown.status, 200);
    assert_eq!(
        shown.body.trim(),
        r#"[{"bytes":"AA==","ext":"Ext","odd":{"1":2},"value":"mine"}]"#
    );
}

#[test]
fn the_cookie_outlives_the_browser_if_it_is_permanent() {
    let example = Example::start(&[]);
    let answer = Browser::of(&example).post("/set", "value=1");
    assert!(!answer.header("Set-Cookie").unwrap().contains("Expires"));
    let example = Example::start(&["--permanent", "--lifetime", "60"]);
    let answer = Browser::of(&example).post("/set", "value=1");
    assert!(answer.header("Set-Cookie").unwrap().contains("Expires"));
}

#[test]
fn a_store_whose_feature_is_off_is_named_with_it() {
    for scheme in schemes() {
        let name = scheme.name;
        let Some(feature) = scheme.feature else {
            continue;
        };
        let is_on = match feature {
            "redis" => cfg!(feature = "redis"),
            "redis-tls" => cfg!(feature = "redis-tls"),
            "memcached" => cfg!(feature = "memcached"),
            "mongodb" => cfg!(feature = "mongodb"),
            "sqlite" => cfg!(feature = "sqlite"),
            "postgres" => cfg!(feature = "postgres"),
            "mysql" => cfg!(feature = "mysql"),
            other => panic!("{other} is new"),
        };
        if !is_on {
            let (status, text) = refused(&["--store", &format!("{name}://127.0.0.1/x")]);
            assert!(!status.success());
            let expected = format!("{name}: URLs need carafe's feature {feature:?}, which is off");
            assert!(text.contains(&expected), "{text}");
        }
    }
}

#[test]
fn a_wrong_command_line_is_refused() {
    for (args, message) in [
        (&["--store"][..], "--store wants a value"),
        (&["--format", "xml"], "no format \"xml\": msgpack or json"),
        (
            &["--lifetime", "0"],
            "no lifetime \"0\": a number of seconds",
        ),
        (&["--nope"], "what is --nope?"),
        (&["--store", "memroy:"], "the nearest is \"memory\""),
    ] {
        let (status, text) = refused(args);
        assert!(!status.success() && text.contains(message), "{text}");
    }
}

/// Goes away with what is in it.
struct TempDir(PathBuf);

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(feature = "redis")]
mod redis {
    //! On a Redis of the test's own.

    use std::net::TcpListener;
    use std::time::Instant;

    use super::*;

    struct Redis(Child);

    impl Drop for Redis {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    /// Starts one; `None`, and a line that is seen, where there is no such program.
    fn start() -> Option<(Redis, u16)> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no"]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let Ok(child) = command.spawn() else {
            missing::missing("redis-server");
            return None;
        };
        let redis = Redis(child);
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < DEADLINE, "redis-server does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        Some((redis, port))
    }

    #[test]
    fn it_keeps_sessions_in_redis() {
        let Some((_redis, port)) = start() else {
            return;
        };
        let url = format!("redis://127.0.0.1:{port}");
        visits(&Example::start(&["--store", &url, "--prefix", "shop:"]));
    }
}
