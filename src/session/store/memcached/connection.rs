//! A connection to one memcached server, and the commands that sessions need.
//!
//! Mirrors `pymemcache/client/base.py`. A command is a line, with the bytes after it if there are any;
//! so is the answer. `docs/dependencies.md` says why no crate does this.
//!
//! Read next: `../pool.rs`, who opens and keeps these.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::session::store::pool::{Connect, Deadline, Fate, SocketTimeout};

pub(super) struct Connection {
    stream: BufReader<Stream>,
    /// The last line that was read, for the next one to take its place.
    line: Vec<u8>,
    timeout: SocketTimeout,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server says that it cannot: a line that starts with `SERVER_ERROR`.
    Refused(String),
    /// The server says what it never should.
    Nonsense(String),
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Io(match error.kind() {
            // What a socket calls it.
            io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
            _ => error,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(line) => f.write_str(line),
            Self::Nonsense(line) => write!(f, "an answer that is none: {line:?}"),
            Self::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
                write!(f, "no answer in time: {error}")
            }
            Self::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Failure {}

/// Where a server is.
pub(super) enum Address {
    Tcp {
        host: String,
        port: u16,
    },
    /// A socket in the file system.
    Unix(String),
}

impl fmt::Display for Address {
    /// As pymemcache calls it, and chooses it by.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => f.write_str(path),
        }
    }
}

enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Stream {
    fn set_timeouts(&self, timeout: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))
            }
            #[cfg(unix)]
            Self::Unix(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))
            }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        // Neither keeps anything back.
        Ok(())
    }
}

fn connect_tcp(host: &str, port: u16, deadline: Deadline) -> io::Result<Stream> {
    let addresses: Vec<_> = (host, port).to_socket_addrs()?.collect();
    let mut last_error = io::Error::from(io::ErrorKind::NotFound);
    for (index, address) in addresses.iter().enumerate() {
        let left = deadline.part(addresses.len() - index)?.left()?;
        match TcpStream::connect_timeout(address, left) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(Stream::Tcp(stream));
            }
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}

/// Without a deadline, for which std has no call: it waits only for a server that has stopped, with its queue full.
#[cfg(unix)]
fn connect_unix(path: &str) -> io::Result<Stream> {
    UnixStream::connect(path).map(Stream::Unix)
}

#[cfg(not(unix))]
fn connect_unix(_path: &str) -> io::Result<Stream> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Connect for Address {
    type Connection = Connection;
    type Error = Failure;

    fn connect(&self, deadline: Deadline) -> Result<Connection, Failure> {
        let stream = match self {
            Address::Tcp { host, port } => connect_tcp(host, *port, deadline)?,
            Address::Unix(path) => connect_unix(path)?,
        };
        Ok(Connection {
            stream: BufReader::with_capacity(16 * 1024, stream),
            line: Vec::new(),
            timeout: SocketTimeout::none(),
        })
    }

    fn fate(failure: &Failure) -> Fate {
        match failure {
            Failure::Refused(_) => Fate::Good,
            Failure::Nonsense(_) => Fate::Spoilt,
            Failure::Io(error) if error.kind() == io::ErrorKind::TimedOut => Fate::Spoilt,
            Failure::Io(_) => Fate::Ended,
        }
    }
}

/// What is under a key.
pub(super) struct Found {
    pub(super) value: Vec<u8>,
    /// What `cas` compares.
    pub(super) token: u64,
}

impl Connection {
    // ANCHOR: get
    /// `gets`: the value, and the token of this write of it.
    ///
    /// ```text
    /// gets session:id
    /// VALUE session:id 0 7 34
    /// (7 bytes)
    /// END
    /// ```
    pub(super) fn get(&mut self, key: &str, by: Deadline) -> Result<Option<Found>, Failure> {
        self.write(["gets ", key, "\r\n"].concat().as_bytes(), by)?;
        let line = self.line(by)?;
        if line == "END" {
            return Ok(None);
        }
        let Some((length, token)) = found(line, key) else {
            return Err(Failure::Nonsense(line.to_owned()));
        };
        let value = self.bytes(length, by)?;
        for expected in ["", "END"] {
            let line = self.line(by)?;
            if line != expected {
                return Err(Failure::Nonsense(line.to_owned()));
            }
        }
        Ok(Some(Found { value, token }))
    }
    // ANCHOR_END: get

    // ANCHOR: store
    /// `set`, `add`, `replace` or `cas`, and whether the server has taken it.
    ///
    /// ```text
    /// set session:id 0 3600 7
    /// (7 bytes)
    /// STORED
    /// ```
    pub(super) fn store(
        &mut self,
        command: &str,
        key: &str,
        value: &[u8],
        expires: u64,
        token: &str,
        by: Deadline,
    ) -> Result<bool, Failure> {
        let length = value.len();
        let mut request = Vec::with_capacity(key.len() + length + 64);
        write!(request, "{command} {key} 0 {expires} {length}{token}\r\n")?;
        request.extend_from_slice(value);
        request.extend_from_slice(b"\r\n");
        self.write(&request, by)?;
        self.answer("STORED", &["NOT_STORED", "EXISTS", "NOT_FOUND"], by)
    }
    // ANCHOR_END: store

    /// `touch`, and whether there is anything.
    pub(super) fn touch(&mut self, key: &str, expires: u64, by: Deadline) -> Result<bool, Failure> {
        self.write(format!("touch {key} {expires}\r\n").as_bytes(), by)?;
        self.answer("TOUCHED", &["NOT_FOUND"], by)
    }

    /// `delete`, and whether there was anything.
    pub(super) fn delete(&mut self, key: &str, by: Deadline) -> Result<bool, Failure> {
        self.write(format!("delete {key}\r\n").as_bytes(), by)?;
        self.answer("DELETED", &["NOT_FOUND"], by)
    }

    fn answer(&mut self, yes: &str, no: &[&str], by: Deadline) -> Result<bool, Failure> {
        let line = self.line(by)?;
        match line {
            line if line == yes => Ok(true),
            line if no.contains(&line) => Ok(false),
            line => Err(Failure::Nonsense(line.to_owned())),
        }
    }

    fn wait_until(&mut self, by: Deadline) -> io::Result<()> {
        if let Some(left) = self.timeout.change(by)? {
            self.stream.get_ref().set_timeouts(left)?;
        }
        Ok(())
    }

    fn write(&mut self, mut bytes: &[u8], by: Deadline) -> io::Result<()> {
        while !bytes.is_empty() {
            self.wait_until(by)?;
            match self.stream.get_mut().write(bytes)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => bytes = bytes.get(written..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    /// Waits until there is something in the buffer. However little comes at a time, the deadline stays.
    fn fill(&mut self, by: Deadline) -> io::Result<()> {
        if !self.stream.buffer().is_empty() {
            return Ok(());
        }
        self.wait_until(by)?;
        match self.stream.fill_buf()? {
            [] => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// The next line, without its end.
    fn line(&mut self, by: Deadline) -> Result<&str, Failure> {
        self.line.clear();
        while !self.line.ends_with(b"\n") {
            if self.line.len() > LONGEST_LINE {
                return Err(Failure::Nonsense("a line without end".to_owned()));
            }
            self.fill(by)?;
            let read = self.stream.buffer();
            let end = read.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(read.len(), |end| end + 1);
            let read = read.get(..taken).unwrap_or_default();
            self.line.extend_from_slice(read);
            self.stream.consume(taken);
        }
        let Ok(line) = std::str::from_utf8(self.line.trim_ascii_end()) else {
            let line = String::from_utf8_lossy(&self.line);
            return Err(Failure::Nonsense(line.into_owned()));
        };
        match line.starts_with("SERVER_ERROR") {
            true => Err(Failure::Refused(line.to_owned())),
            false => Ok(line),
        }
    }

    fn bytes(&mut self, length: usize, by: Deadline) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            self.fill(by)?;
            let read = self.stream.buffer();
            let taken = read.len().min(length - bytes.len());
            bytes.extend_from_slice(read.get(..taken).unwrap_or_default());
            self.stream.consume(taken);
        }
        Ok(bytes)
    }
}

/// The length and the token in the line before a value. Never those of somebody else's question.
fn found(line: &str, key: &str) -> Option<(usize, u64)> {
    let mut words = line.strip_prefix("VALUE ")?.split(' ');
    let (of, _flags) = (words.next()?, words.next()?);
    let (length, token) = (words.next()?, words.next()?);
    match of == key {
        true => Some((length.parse().ok()?, token.parse().ok()?)),
        false => None,
    }
}

/// A line holds a key of 250 bytes and three numbers at most.
const LONGEST_LINE: usize = 2048;
