//! What the tests of the server share: a server that is stopped at the end, a client that writes bytes and reads answers,
//! and a gate to hold views at.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use carafe::server::{Running, Server};
use carafe::wsgi::WsgiApp;
use carafe::{App, Error, Scaffold, request};

/// Whoever waits so long for an event will not see it any more.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// What the tests' servers are told to wait for things that do not come.
pub(crate) const SHORT: Duration = Duration::from_millis(100);

/// The `GET /hello` of somebody new.
pub(crate) const HELLO: &[u8] = b"GET /hello HTTP/1.1\r\nHost: shop\r\n\r\n";

/// An app with a view that greets, one that gives back what it was sent, and one that does not read it.
pub(crate) fn app() -> App {
    let mut app = App::new("shop");
    app.config().set_secret_key("adavafa");
    app.get("/hello", || "Hello, World!");
    app.post("/echo", || -> Result<_, Error> {
        Ok(request().get_data()?.to_vec())
    });
    app.post("/ignore", || "not read");
    app.get("/panic", || -> &'static str { panic!("out of pears") });
    app.get("/host", || request().host().to_owned());
    app
}

/// A server that serves until the test is over.
pub(crate) struct Served {
    pub(crate) running: Option<Running>,
    pub(crate) address: SocketAddr,
}

/// Serves [`app`] as it is.
pub(crate) fn served() -> Served {
    serve(app(), |server| server)
}

/// Serves `app` on a free port, with these settings.
pub(crate) fn serve(
    app: impl WsgiApp + 'static,
    settings: impl FnOnce(Server) -> Server,
) -> Served {
    let server = Server::new(app).threads(1).bind("127.0.0.1:0").unwrap();
    let running = settings(server).start().unwrap();
    Served {
        address: running.local_addr().unwrap(),
        running: Some(running),
    }
}

impl Served {
    pub(crate) fn connect(&self) -> Client {
        Client::new(TcpStream::connect(self.address).unwrap())
    }

    /// A new client that has sent this.
    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) -> Client {
        let mut client = self.connect();
        client.write(bytes);
        client
    }

    /// Sends this, and reads one answer.
    pub(crate) fn ask(&self, bytes: impl AsRef<[u8]>) -> Answer {
        self.send(bytes).answer()
    }

    /// Sends this, reads one answer with that status, and then the end of the connection; the server goes on.
    #[track_caller]
    pub(crate) fn refuses(&self, status: u16, bytes: impl AsRef<[u8]>) -> Answer {
        let mut client = self.send(bytes);
        let answer = client.answer();
        assert_eq!(answer.status, status, "{answer:?}");
        client.ends();
        drop(client);
        self.still_answers();
        answer
    }

    /// Somebody new gets an answer.
    #[track_caller]
    pub(crate) fn still_answers(&self) {
        let answer = self.ask(HELLO);
        assert_eq!(
            (answer.status, answer.text()),
            (200, "Hello, World!".to_owned())
        );
    }

    pub(crate) fn stop(mut self) {
        self.stop_and_join();
    }

    fn stop_and_join(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown();
            running.join().unwrap();
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop_and_join();
    }
}

/// What a client needs of a socket.
pub(crate) trait Socket: Read + Write + Send {}

impl<S: Read + Write + Send> Socket for S {}

/// One connection, from the client's side.
pub(crate) struct Client {
    stream: Box<dyn Socket>,
    tcp: Option<TcpStream>,
    /// What has come, and was not looked at.
    came: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) version: String,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(key, _)| key == name);
        let (_, value) = found.next()?;
        assert!(found.next().is_none(), "{name} came twice: {self:?}");
        Some(value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

impl Client {
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client {
            tcp: Some(stream.try_clone().unwrap()),
            stream: Box::new(stream),
            came: Vec::new(),
        }
    }

    pub(crate) fn over(stream: impl Socket + 'static) -> Self {
        Client {
            stream: Box::new(stream),
            tcp: None,
            came: Vec::new(),
        }
    }

    /// The socket itself.
    pub(crate) fn tcp(&self) -> &TcpStream {
        self.tcp.as_ref().unwrap()
    }

    #[track_caller]
    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Writes as long as the other side takes it, and says whether that was all.
    pub(crate) fn try_write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Reads some more; `false` at the end.
    #[track_caller]
    fn more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(read) => {
                self.came.extend_from_slice(&buffer[..read]);
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                panic!("nothing came but {:?}", self.so_far())
            }
            Err(error) => panic!("{error} after {:?}", self.so_far()),
        }
    }

    fn so_far(&self) -> String {
        let length = self.came.len().min(1000);
        String::from_utf8_lossy(&self.came[..length]).into_owned()
    }

    /// The next so many bytes.
    #[track_caller]
    pub(crate) fn take(&mut self, bytes: usize) -> Vec<u8> {
        while self.came.len() < bytes {
            assert!(self.more(), "it ended after {:?}", self.so_far());
        }
        self.came.drain(..bytes).collect()
    }

    /// All up to and with `end`.
    #[track_caller]
    pub(crate) fn take_until(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            let found = self
                .came
                .windows(end.len())
                .position(|window| window == end);
            if let Some(at) = found {
                return self.take(at + end.len());
            }
            assert!(self.more(), "it ended after {:?}", self.so_far());
        }
    }

    /// All to the end of the connection.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.more() {}
        std::mem::take(&mut self.came)
    }

    /// The server has closed the connection, in order, and said nothing more.
    #[track_caller]
    pub(crate) fn ends(&mut self) {
        let rest = self.rest();
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    /// The connection ends in any way, even with a reset; what came until then.
    pub(crate) fn is_cut(&mut self) -> Vec<u8> {
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => self.came.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("it goes on"),
                Err(_) => break,
            }
        }
        std::mem::take(&mut self.came)
    }

    /// One piece of a chunked body.
    #[track_caller]
    pub(crate) fn chunk(&mut self) -> Vec<u8> {
        let size = self.take_until(b"\r\n");
        let size = std::str::from_utf8(&size).unwrap().trim_end();
        let size = usize::from_str_radix(size, 16).unwrap();
        let chunk = self.take(size);
        assert_eq!(self.take(2), b"\r\n");
        chunk
    }

    /// The head of an answer.
    #[track_caller]
    pub(crate) fn head(&mut self) -> Answer {
        let head = self.take_until(b"\r\n\r\n");
        let head = String::from_utf8_lossy(&head);
        let mut lines = head.trim_end().split("\r\n");
        let mut status_line = lines.next().unwrap().split(' ');
        Answer {
            version: status_line.next().unwrap().to_owned(),
            status: status_line.next().unwrap().parse().unwrap(),
            headers: lines
                .map(|line| {
                    let (name, value) = line.split_once(": ").unwrap_or((line, ""));
                    (name.to_ascii_lowercase(), value.to_owned())
                })
                .collect(),
            body: Vec::new(),
        }
    }

    /// An answer, with its body as its head says where that ends.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        let length = answer.header("content-length").map(str::to_owned);
        let chunked = answer.header("transfer-encoding").map(str::to_owned);
        answer.body = match (length, chunked) {
            _ if matches!(answer.status, 100..200 | 204 | 304) => Vec::new(),
            (Some(_), Some(_)) => panic!("two lengths: {answer:?}"),
            (Some(length), None) => self.take(length.parse().unwrap()),
            (None, Some(coding)) => {
                assert_eq!(coding, "chunked");
                self.chunks()
            }
            (None, None) => self.rest(),
        };
        answer
    }

    /// An answer, or `None` where the connection ends before one begins. A part of one is a failure.
    #[track_caller]
    pub(crate) fn try_answer(&mut self) -> Option<Answer> {
        let mut buffer = [0; 4096];
        while self.came.is_empty() {
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(read) => self.came.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("nothing came"),
                Err(_) => return None,
            }
        }
        Some(self.answer())
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let chunk = self.chunk();
            if chunk.is_empty() {
                return body;
            }
            body.extend(chunk);
        }
    }
}

/// Waits for one event.
#[track_caller]
pub(crate) fn wait<T>(events: &Receiver<T>) -> T {
    match events.recv_timeout(DEADLINE) {
        Ok(event) => event,
        Err(RecvTimeoutError::Timeout) => panic!("it did not happen"),
        Err(RecvTimeoutError::Disconnected) => panic!("it cannot happen any more"),
    }
}

/// Waits until this holds.
#[track_caller]
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < DEADLINE, "still not: {what}");
        std::thread::yield_now();
    }
}

/// Holds views up, until it is opened.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    /// Waits until it is open. A test that has failed opens it never; then this goes on at some time.
    pub(crate) fn pass(&self) {
        let open = self.0.0.lock().unwrap();
        drop(
            self.0
                .1
                .wait_timeout_while(open, DEADLINE, |open| !*open)
                .unwrap(),
        );
    }
}
