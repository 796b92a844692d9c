//! The load of the soak: clients that ask for everything at random, and leave now and then without waiting for it.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::DEADLINE;

#[derive(Default)]
struct Counts {
    /// Whole answers.
    answers: AtomicUsize,
    /// Clients that left.
    left: AtomicUsize,
    /// Requests whose connection ended without an answer.
    unanswered: AtomicUsize,
    /// Whether the server may end connections.
    may_end: AtomicBool,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |counter: &AtomicUsize| counter.load(Relaxed);
        write!(
            f,
            "{} answers, {} left, {} unanswered at the end",
            count(&self.answers),
            count(&self.left),
            count(&self.unanswered)
        )
    }
}

pub(crate) struct Load {
    counts: Arc<Counts>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn start(address: SocketAddr, clients: usize) -> Self {
        let counts = Arc::new(Counts::default());
        let clients = (0..clients).map(|_| {
            let counts = Arc::clone(&counts);
            thread::spawn(move || visit(address, &counts))
        });
        Load {
            clients: clients.collect(),
            counts,
        }
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, answers: usize) {
        let began = Instant::now();
        while self.counts.answers.load(Relaxed) < answers {
            assert!(began.elapsed() < DEADLINE, "{}", self.counts);
            let ended = self.clients.iter().any(JoinHandle::is_finished);
            assert!(!ended, "a client has failed");
            thread::yield_now();
        }
    }

    /// From now on the server may end connections, in place of an answer.
    pub(crate) fn expect_an_end(&self) {
        self.counts.may_end.store(true, Relaxed);
    }

    /// Waits until nobody gets in any more.
    pub(crate) fn join(self) -> impl fmt::Display {
        for client in self.clients {
            client
                .join()
                .expect("a client that found all as it should be");
        }
        self.counts
    }
}

/// Why a client has no whole answer: the connection is gone, before a byte of it came.
struct Ended;

struct Client {
    stream: TcpStream,
    came: Vec<u8>,
}

impl Client {
    fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Ended> {
        self.stream.write_all(bytes.as_ref()).map_err(|_| Ended)
    }

    /// Reads some more; the end is fine only between answers.
    fn more(&mut self) -> Result<(), Ended> {
        let mut buffer = [0; 8 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(read @ 1..) => {
                self.came.extend_from_slice(&buffer[..read]);
                return Ok(());
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("no answer"),
            Ok(_) | Err(_) => {}
        }
        assert!(
            self.came.is_empty(),
            "a part of an answer: {:?}",
            String::from_utf8_lossy(&self.came)
        );
        Err(Ended)
    }

    fn take(&mut self, length: usize) -> Result<Vec<u8>, Ended> {
        while self.came.len() < length {
            self.more()?;
        }
        Ok(self.came.drain(..length).collect())
    }

    fn line(&mut self) -> Result<String, Ended> {
        loop {
            if let Some(end) = self.came.windows(2).position(|end| end == b"\r\n") {
                let line = self.take(end + 2)?;
                return Ok(String::from_utf8(line).unwrap().trim_end().to_owned());
            }
            self.more()?;
        }
    }

    /// One answer: its status, its body, and whether it is the last.
    fn answer(&mut self) -> Result<(u16, Vec<u8>, bool), Ended> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).unwrap().parse().unwrap();
        // From here on the end is a failure.
        let rest = |ended: Result<_, Ended>| ended.ok().expect("the rest of an answer");
        let (mut length, mut last) = (None, false);
        loop {
            let line = rest(self.line().map(String::into_bytes));
            let line = String::from_utf8(line).unwrap();
            match line.split_once(": ") {
                Some(("content-length", value)) => length = Some(value.parse().unwrap()),
                Some(("connection", "close")) => last = true,
                Some(_) => {}
                None => break,
            }
        }
        if let Some(length) = length {
            return Ok((status, rest(self.take(length)), last));
        }
        let mut body = Vec::new();
        loop {
            let size = rest(self.line().map(String::into_bytes));
            let size = usize::from_str_radix(std::str::from_utf8(&size).unwrap(), 16).unwrap();
            let piece = rest(self.take(size + 2));
            body.extend_from_slice(&piece[..size]);
            if size == 0 {
                return Ok((status, body, last));
            }
        }
    }
}

/// Asks, on one connection after another, until nobody is let in.
fn visit(address: SocketAddr, counts: &Counts) {
    while let Ok(stream) = TcpStream::connect(address) {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut client = Client {
            stream,
            came: Vec::new(),
        };
        let requests = fastrand::usize(1..30);
        for _ in 0..requests {
            if fastrand::u8(..) < 20 {
                leave(client, counts);
                break;
            }
            match ask(&mut client) {
                Ok(last) => {
                    counts.answers.fetch_add(1, Relaxed);
                    if last {
                        // Not a byte more.
                        assert!(client.more().is_err());
                        break;
                    }
                }
                Err(Ended) => {
                    assert!(
                        counts.may_end.load(Relaxed),
                        "a connection ended while nothing was to end"
                    );
                    counts.unanswered.fetch_add(1, Relaxed);
                    break;
                }
            }
        }
    }
    assert!(counts.may_end.load(Relaxed), "nobody was let in");
}

/// Asks for something, and looks at the answer. Whether it was the last.
fn ask(client: &mut Client) -> Result<bool, Ended> {
    let n = fastrand::u32(..);
    let number = n.to_string().into_bytes();
    let head = "HTTP/1.1\r\nHost: shop\r\n";
    let (path, expected_status, expected) = match fastrand::u8(..10) {
        0..3 => (format!("GET /hello/{n}"), 200, number),
        3..5 => (format!("GET /session/{n}"), 200, number),
        5 => (format!("GET /wait/{n}"), 200, number),
        6 => {
            client.write(format!("GET /panic/{n} {head}\r\n"))?;
            let (status, _, last) = client.answer()?;
            assert_eq!(status, 500);
            return Ok(last);
        }
        7 => {
            let pieces = fastrand::usize(1..40);
            let path = format!("/stream/{n}/{pieces}");
            let mut expected = format!("{n} {path}").into_bytes();
            expected.resize(expected.len() + (pieces - 1) * 1000, b'x');
            (format!("GET {path}"), 200, expected)
        }
        8 => {
            let body = vec![b'y'; fastrand::usize(..50_000)];
            client.write(format!(
                "POST /echo/{n} {head}Content-Length: {}\r\n\r\n",
                body.len()
            ))?;
            client.write(&body)?;
            let (status, came, last) = client.answer()?;
            assert_eq!((status, came.len()), (200, body.len()));
            return Ok(last);
        }
        _ => {
            client.write(format!(
                "POST /echo/{n} {head}Transfer-Encoding: chunked\r\n\r\n"
            ))?;
            let pieces = fastrand::usize(..20);
            for _ in 0..pieces {
                client.write("4\r\npear\r\n")?;
            }
            client.write("0\r\n\r\n")?;
            let (status, came, last) = client.answer()?;
            assert_eq!((status, came), (200, b"pear".repeat(pieces)));
            return Ok(last);
        }
    };
    client.write(format!("{path} {head}\r\n"))?;
    let (status, body, last) = client.answer()?;
    assert_eq!(status, expected_status, "{path}");
    assert!(body == expected, "{path}: another's answer");
    Ok(last)
}

/// Leaves in the middle of something.
fn leave(mut client: Client, counts: &Counts) {
    let n = fastrand::u32(..);
    let head = "HTTP/1.1\r\nHost: shop\r\n";
    let begun = match fastrand::u8(..6) {
        0 => format!("GET /hello/{n} HTT"),
        1 => format!("GET /wait/{n} {head}\r\n"),
        2 => format!("POST /echo/{n} {head}Content-Length: 10\r\n\r\npear"),
        3 => format!("POST /echo/{n} {head}Transfer-Encoding: chunked\r\n\r\n4\r\npe"),
        // So long that it does not fit into what the systems keep.
        _ => format!("GET /stream/{n}/1000000 {head}\r\n"),
    };
    if client.write(begun).is_ok() && fastrand::bool() {
        // The first of what comes, or that nothing comes.
        let wait = std::time::Duration::from_millis(20);
        client.stream.set_read_timeout(Some(wait)).unwrap();
        let _ = client.stream.read(&mut [0; 100]);
    }
    counts.left.fetch_add(1, Relaxed);
}
