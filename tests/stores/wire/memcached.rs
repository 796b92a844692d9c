//! What memcached and the app say to each other, for the chapter on Memcached.
//!
//! It speaks in lines; a value is on a line of its own, whose length the line before it tells.
//!
//! Read next: `redis.rs`, another protocol.

use std::time::{SystemTime, UNIX_EPOCH};

use carafe::session::ServerSideSessionInterface;

use super::{LIFETIME, NOW, Wire, decoded, escaped, mark};
use crate::relay::{Relay, Said};
use crate::servers;

#[test]
fn the_book_shows_what_memcached_hears_of_each_visit() {
    let Some(server) = servers::memcached(&[]) else {
        return;
    };
    let relay = Relay::to(server.port());
    let url = format!("memcached://127.0.0.1:{}?pool=1", relay.port());
    let mut wire = Wire::new(ServerSideSessionInterface::from_url(&url).unwrap(), relay);
    let first = unix_now();
    wire.play();
    // The time at which a session ends is by the machine's clock. The book shows it by the app's.
    for now in first..=unix_now() {
        let stand_in = (NOW + LIFETIME).to_string();
        wire.stand_ins.put((now + LIFETIME).to_string(), stand_in);
    }
    wire.write("memcached", shown);
}

fn unix_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// Everything that was said, line by line; below a value, what it says.
fn shown(said: &[Said]) -> String {
    let mut lines = Vec::new();
    for Said { side, bytes, .. } in said {
        for line in bytes.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            lines.push(format!("{} {}", mark(*side), escaped(line)));
            // A MessagePack map of up to 15 keys.
            if line[0] & 0xf0 == 0x80 {
                lines.push(format!("   = {}", decoded(line)));
            }
        }
    }
    lines.join("\n")
}
