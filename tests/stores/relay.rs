//! A relay before a server, which counts how often a client waits for it, and keeps what both say.
//!
//! Read next: `wire.rs`, where what was said goes into the book.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

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

/// Passes on what it hears. It ends with the connections.
pub(crate) struct Relay {
    port: u16,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    round_trips: AtomicU64,
    connections: AtomicU64,
    has_ended: AtomicBool,
    /// Written before it is passed on, so that no answer stands before its question.
    said: Mutex<Vec<Said>>,
}

impl Relay {
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Relay {
            port: listener.local_addr().unwrap().port(),
            counts: Arc::default(),
        };
        let counts = Arc::clone(&relay.counts);
        thread::spawn(move || {
            for client in listener.incoming() {
                if counts.has_ended.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", port)))
                else {
                    continue;
                };
                let connection = counts.connections.fetch_add(1, Ordering::SeqCst) + 1;
                pass(&client, &server, connection, &counts);
            }
        });
        relay
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How often the server was spoken to after it had spoken: once for each round trip.
    pub(crate) fn round_trips(&self) -> u64 {
        self.counts.round_trips.load(Ordering::SeqCst)
    }

    pub(crate) fn connections(&self) -> u64 {
        self.counts.connections.load(Ordering::SeqCst)
    }

    /// What was said since the last call, in order. Pieces that came one after the other from one side of
    /// a connection are one.
    pub(crate) fn take_said(&self) -> Vec<Said> {
        std::mem::take(&mut self.counts.said.lock().unwrap())
    }
}

impl Counts {
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

impl Drop for Relay {
    fn drop(&mut self) {
        self.counts.has_ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn pass(client: &TcpStream, server: &TcpStream, connection: u64, counts: &Arc<Counts>) {
    let server_spoke = Arc::new(AtomicBool::new(true));
    for (from, to, is_server) in [(client, server, false), (server, client, true)] {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        let (counts, server_spoke) = (Arc::clone(counts), Arc::clone(&server_spoke));
        to.set_nodelay(true).unwrap();
        thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                if server_spoke.swap(is_server, Ordering::SeqCst) && !is_server {
                    counts.round_trips.fetch_add(1, Ordering::SeqCst);
                }
                let side = match is_server {
                    true => Side::Server,
                    false => Side::Client,
                };
                counts.keep(connection, side, &buffer[..length]);
                if to.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
        });
    }
}
