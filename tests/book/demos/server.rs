//! For the chapter on the server: real sockets, and the bytes that go over them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use carafe::server::{Running, Server};
use carafe::wsgi::{Body, Environ, StartResponse, WsgiApp};
use carafe::{App, Error, Response, Scaffold, abort, request, trace};

use super::Output;
use super::lines::Lines;

pub(crate) const OUTPUTS: &[Output] = &[
    ("server/around", around),
    ("server/wire", wire),
    ("server/upload", upload),
    ("server/refused", refused),
    ("server/stop", stop),
];

/// A server on a free port.
pub(super) fn start(app: impl WsgiApp + 'static) -> Running {
    let server = Server::new(app).bind("127.0.0.1:0").unwrap();
    server.start().unwrap()
}

pub(super) fn end(running: Running) {
    running.shutdown();
    running.join().unwrap();
}

// ANCHOR: client
/// One connection, and the bytes on it.
pub(super) struct Client(BufReader<TcpStream>);

impl Client {
    pub(super) fn connect(server: &Running) -> Self {
        let socket = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let patience = Duration::from_secs(60);
        socket.set_read_timeout(Some(patience)).unwrap();
        Client(BufReader::new(socket))
    }

    pub(super) fn send(&mut self, bytes: &str) {
        // Who is refused may be cut off before all of it is sent.
        let _ = self.0.get_mut().write_all(bytes.as_bytes());
    }

    /// The next line of the answer.
    pub(super) fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// All that comes until the server closes the connection; then it is closed from here, too.
    pub(super) fn rest(mut self) -> String {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
// ANCHOR_END: client

/// An answer as it is shown: the time in it is another one each time.
fn shown(answer: &str) -> String {
    let lines = answer.lines().map(|line| match line.split_once(": ") {
        Some(("date", _)) => "date: (now)",
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn indented(text: &str) -> String {
    let lines = text.trim().lines().map(|line| format!("        {line}"));
    lines.collect::<Vec<_>>().join("\n")
}

// ANCHOR: around
/// Stands between the server and the app, and takes down what passes.
struct Watched {
    app: App,
    log: Lines,
}

impl WsgiApp for Watched {
    fn call(
        &self,
        environ: Environ,
        start_response: &mut dyn StartResponse,
    ) -> Result<Body, Error> {
        let thread = thread::current();
        let name = thread.name().unwrap_or_default();
        self.log.add(format!(
            "server  calls the app, on a thread named {name}, with"
        ));
        self.log
            .add(format!("        method       {}", environ.method));
        self.log
            .add(format!("        path_info    {:?}", environ.path_info));
        self.log
            .add(format!("        query_string {:?}", environ.query_string));
        self.log
            .add(format!("        headers      {:?}", environ.headers));
        self.log.add("app     goes through");
        let mut told = String::new();
        let (body, trace) = trace::record(|| {
            self.app.call(environ, &mut |status, headers| {
                told = format!("        and calls start_response with {status}");
                start_response.start_response(status, headers);
            })
        });
        for (depth, stage) in trace.stages().into_iter().filter(|(depth, _)| *depth < 2) {
            self.log
                .add(format!("        {}{stage}", "  ".repeat(depth)));
        }
        self.log.add(told);
        body
    }
}

fn around() -> String {
    let log = Lines::default();
    let mut app = App::new("demo");
    app.get("/hello/<name>", |name: String| format!("Hello, {name}!\n"));
    let server = start(Watched {
        app,
        log: log.clone(),
    });
    let bytes =
        "GET /hello/J%C3%BCrgen?loud=1 HTTP/1.1\r\nHost: book.example\r\nConnection: close\r\n\r\n";
    log.add("client  connects, and sends");
    log.add(indented(bytes));
    let mut client = Client::connect(&server);
    client.send(bytes);
    let answer = client.rest();
    log.add("client  reads");
    log.add(indented(&shown(&answer)));
    end(server);
    log.text()
}
// ANCHOR_END: around

// ANCHOR: wire
fn wire() -> String {
    let mut app = App::new("demo");
    app.get("/whole", || "one piece\n");
    app.get("/stream", || Response::stream(["two ", "pieces\n"]));
    let server = start(app);
    let mut client = Client::connect(&server);
    // Three requests at once, on one connection.
    client.send("GET /whole HTTP/1.1\r\nHost: book.example\r\n\r\n");
    client.send("HEAD /whole HTTP/1.1\r\nHost: book.example\r\n\r\n");
    client.send("GET /stream HTTP/1.1\r\nHost: book.example\r\nConnection: close\r\n\r\n");
    let answers = client.rest();
    end(server);
    shown(&answers)
}
// ANCHOR_END: wire

// ANCHOR: upload
fn upload() -> String {
    let mut app = App::new("demo");
    app.post("/secret", || -> Result<String, Error> { Err(abort(401)) });
    app.post("/notes", || {
        let note = request().get_data()?;
        Ok::<_, Error>(format!("{} bytes\n", note.len()))
    });
    let server = start(app);
    let mut lines = Vec::new();
    for path in ["/secret", "/notes"] {
        let mut client = Client::connect(&server);
        client.send(&format!("POST {path} HTTP/1.1\r\nHost: book.example\r\n"));
        client.send("Connection: close\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
        let first = client.line();
        lines.push(format!("POST {path}: {first}"));
        if first.contains("100 Continue") {
            client.send("some text");
            let rest = client.rest();
            lines.push(format!(
                "    and after the body: {}",
                rest.trim().lines().next().unwrap()
            ));
        }
    }
    end(server);
    lines.join("\n")
}
// ANCHOR_END: upload

// ANCHOR: refused
fn refused() -> String {
    let mut app = App::new("demo");
    app.get("/", || "the app was asked\n");
    let server = start(app);
    let host = "Host: book.example\r\n";
    let many = "X-Many: 1\r\n".repeat(101);
    let cases = [
        ("no HTTP", "Is anybody there?\r\n\r\n".to_owned()),
        ("no Host", "GET / HTTP/1.1\r\n\r\n".to_owned()),
        ("two Hosts", format!("GET / HTTP/1.1\r\n{host}{host}\r\n")),
        (
            "a target of 9,000 bytes",
            format!("GET /{} HTTP/1.1\r\n{host}\r\n", "a".repeat(9_000)),
        ),
        (
            "101 headers more",
            format!("GET / HTTP/1.1\r\n{host}{many}\r\n"),
        ),
        (
            "a header of 40,000 bytes",
            format!("GET / HTTP/1.1\r\n{host}X: {}\r\n\r\n", "a".repeat(40_000)),
        ),
        (
            "a body of 2 GiB",
            format!("POST / HTTP/1.1\r\n{host}Content-Length: 2147483648\r\n\r\n"),
        ),
        (
            "two lengths",
            format!("POST / HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        ),
        (
            "a tunnel",
            "CONNECT book.example:443 HTTP/1.1\r\nHost: book.example:443\r\n\r\n".to_owned(),
        ),
        ("nothing wrong", format!("GET / HTTP/1.1\r\n{host}\r\n")),
    ];
    let mut lines = Vec::new();
    for (what, bytes) in cases {
        let mut client = Client::connect(&server);
        client.send(&bytes);
        lines.push(format!("{what:<26}{}", client.line()));
    }
    end(server);
    lines.join("\n")
}
// ANCHOR_END: refused

// ANCHOR: stop
fn stop() -> String {
    let log = Lines::default();
    let (begun, has_begun) = mpsc::channel();
    let (go_on, gate) = mpsc::channel::<()>();
    let gate: Mutex<Receiver<()>> = Mutex::new(gate);
    let mut app = App::new("demo");
    app.get("/slow", move || {
        let _ = begun.send(());
        let _ = gate.lock().map(|gate| gate.recv());
        "done"
    });
    let seen = log.clone();
    app.teardown_request(move |_: Option<&Error>| seen.add("the teardown functions run"));

    let server = start(app);
    let address = server.local_addr().unwrap();
    let mut client = Client::connect(&server);
    client.send("GET /slow HTTP/1.1\r\nHost: book.example\r\n\r\n");
    has_begun.recv().unwrap();
    log.add("a view runs, and the server is told to stop");
    server.shutdown();
    let stopping = thread::spawn(move || server.join());
    while TcpStream::connect(address).is_ok() {
        thread::yield_now();
    }
    log.add("nobody is let in any more");
    go_on.send(()).unwrap();
    let answer = client.rest();
    log.add(format!(
        "the client reads {:?}",
        answer.lines().next().unwrap()
    ));
    stopping.join().unwrap().unwrap();
    log.add("join returns");
    log.text()
}
// ANCHOR_END: stop
