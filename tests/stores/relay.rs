//! A relay before a server: it counts how often a client waits for it, keeps what both say, and may be told
//! to be slow, or to hang up.
//!
//! Read next: `wire.rs`, where what was said goes into the book.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// What one side said on one connection until the other one spoke there.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// Which connection to the relay it was: 1 is the first.
    pub(crate) connection: u64,
    pub(crate) side: Side,
    pub(crate) bytes: Vec<u8>,
}

/// Passes on what it hears. Its connections end with it.
pub(crate) struct Relay {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    round_trips: AtomicU64,
    connections: AtomicU64,
    open: AtomicU64,
    most_open: AtomicU64,
    has_ended: AtomicBool,
    /// In milliseconds, before each piece of an answer.
    delay: AtomicU64,
    /// Whether answers come byte by byte, with the delay before each.
    drips: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
    /// Written before it is passed on, so that no answer stands before its question.
    said: Mutex<Vec<Said>>,
}

impl Relay {
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Relay {
            port: listener.local_addr().unwrap().port(),
            state: Arc::default(),
        };
        let state = Arc::clone(&relay.state);
        thread::spawn(move || {
            for client in listener.incoming() {
                if state.has_ended.load(Ordering::SeqCst) {
                    return;
                }
                if let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", port)))
                {
                    connect(&client, &server, &state).unwrap();
                }
            }
        });
        relay
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How often the server was spoken to after it had spoken, since the last call: once for each round
    /// trip.
    pub(crate) fn round_trips(&self) -> u64 {
        self.state.round_trips.swap(0, Ordering::SeqCst)
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// How many there were at one time.
    pub(crate) fn most_open(&self) -> u64 {
        self.state.most_open.load(Ordering::SeqCst)
    }

    /// What was said since the last call, in order. Pieces that came one after the other from one side of
    /// a connection are one.
    pub(crate) fn take_said(&self) -> Vec<Said> {
        std::mem::take(&mut self.state.said.lock().unwrap())
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

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.has_ended.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        self.hang_up();
    }
}

fn connect(client: &TcpStream, server: &TcpStream, state: &Arc<State>) -> io::Result<()> {
    let mut streams = state.streams.lock().unwrap();
    streams.extend([client.try_clone()?, server.try_clone()?]);
    drop(streams);
    let open = state.open.fetch_add(1, Ordering::SeqCst) + 1;
    state.most_open.fetch_max(open, Ordering::SeqCst);
    let number = state.connections.fetch_add(1, Ordering::SeqCst) + 1;
    let server_spoke = Arc::new(AtomicBool::new(true));
    let sides = [
        (Side::Client, client, server),
        (Side::Server, server, client),
    ];
    for (side, from, to) in sides {
        let (from, to) = (from.try_clone()?, to.try_clone()?);
        to.set_nodelay(true)?;
        let (state, server_spoke) = (Arc::clone(state), Arc::clone(&server_spoke));
        thread::spawn(move || {
            // Whoever ends it: the other one learns it.
            let _ = state.pass(number, side, &from, &to, &server_spoke);
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
            if side == Side::Client {
                state.open.fetch_sub(1, Ordering::SeqCst);
            }
        });
    }
    Ok(())
}

impl State {
    fn pass(
        &self,
        number: u64,
        side: Side,
        mut from: &TcpStream,
        mut to: &TcpStream,
        server_spoke: &AtomicBool,
    ) -> io::Result<()> {
        let is_server = side == Side::Server;
        let mut buffer = [0; 65_536];
        while let length @ 1.. = from.read(&mut buffer)? {
            if server_spoke.swap(is_server, Ordering::SeqCst) && !is_server {
                self.round_trips.fetch_add(1, Ordering::SeqCst);
            }
            let bytes = &buffer[..length];
            self.keep(number, side, bytes);
            if !is_server {
                to.write_all(bytes)?;
                continue;
            }
            let step = match self.drips.load(Ordering::SeqCst) {
                true => 1,
                false => length,
            };
            for piece in bytes.chunks(step) {
                thread::sleep(Duration::from_millis(self.delay.load(Ordering::SeqCst)));
                to.write_all(piece)?;
            }
        }
        Ok(())
    }

    fn keep(&self, connection: u64, side: Side, bytes: &[u8]) {
        let mut said = self.said.lock().unwrap();
        let mut of_connection = said
            .iter_mut()
            .rev()
            .filter(|it| it.connection == connection);
        match of_connection.next() {
            Some(last) if last.side == side => last.bytes.extend_from_slice(bytes),
            _ => said.push(Said {
                connection,
                side,
                bytes: bytes.to_vec(),
            }),
        }
    }
}
