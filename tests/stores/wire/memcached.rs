//! What memcached and the app say to each other, for the chapter on Memcached.
//!
//! It speaks in lines; a value is on a line of its own, whose length the line before it tells.
//!
//! Read next: `redis.rs`, another protocol.

use std::time::{SystemTime, UNIX_EPOCH};

use carafe::session::ServerSideSessionInterface;

use carafe::session::store::{Lifetime, open};
use serde_json::json;

use super::{LIFETIME, NOW, StandIns, Wire, decoded, escaped, flask, mark, write};
use crate::relay::{Relay, Said};
use crate::servers::{self, Server};

/// One connection is enough for one browser.
fn interface(relay: &Relay) -> ServerSideSessionInterface {
    let url = format!("memcached://127.0.0.1:{}?pool=1", relay.port());
    ServerSideSessionInterface::from_url(&url).unwrap()
}

#[test]
fn each_visit_is_as_the_book_shows_it() {
    let Some(server) = servers::memcached(&[]) else {
        return;
    };
    let relay = Relay::to(server.port());
    let mut wire = Wire::new(interface(&relay), relay);
    let since = unix_now();
    wire.play();
    name_times(&mut wire.stand_ins, since);
    wire.write("memcached", shown);
}

#[test]
fn an_optimistic_save_is_as_the_book_shows_it() {
    let Some(server) = servers::memcached(&[]) else {
        return;
    };
    let relay = Relay::to(server.port());
    let mut wire = Wire::new(interface(&relay).optimistic(true).unwrap(), relay);
    let since = unix_now();
    wire.visit("login", "POST /login username=jack");
    wire.visit("optimistic", "POST /color color=red");
    name_times(&mut wire.stand_ins, since);
    write("memcached", "optimistic", &shown(&wire.said("optimistic")));
}

#[test]
fn flask_sessions_visit_is_as_the_book_shows_it() {
    let Some(server) = servers::memcached(&[]) else {
        return;
    };
    let relay = Relay::to(server.port());
    let config = json!({
        "SESSION_TYPE": "memcached",
        "SESSION_MEMCACHED": [format!("127.0.0.1:{}", relay.port())],
    });
    let (mut stand_ins, since) = (StandIns::default(), unix_now());
    if let Some([_, read, _]) = flask(&config, &relay, &mut stand_ins) {
        name_times(&mut stand_ins, since);
        write("memcached", "flask_read", &shown(&stand_ins.said(&read)));
    }
}

#[test]
fn a_lifetime_of_31_days_is_a_day_in_1970() {
    let Some(server) = servers::memcached(&[]) else {
        return;
    };
    let said = talk(
        &server,
        &[
            "set 30-days 0 2592000 4\r\njack",
            "set 31-days 0 2678400 4\r\njack",
            "gets 30-days",
            "gets 31-days",
        ],
    );
    write("memcached", "thirty_days", &said);
}

#[test]
fn a_key_that_is_none_is_taken_as_the_book_shows_it() {
    let Some(server) = servers::memcached(&[]) else {
        return;
    };
    let long = "x".repeat(251);
    let said = talk(
        &server,
        &[
            "set session:jack 0 0 4\r\njack",
            // Whoever puts a cookie into a line, and does not look at it first.
            "gets session:made up",
            &format!("gets {long}"),
            "gets session:x\r\nflush_all",
            "gets session:jack",
        ],
    );
    write(
        "memcached",
        "keys",
        &said.replace(&long, "xxx...xxx (251 bytes)"),
    );
}

#[test]
fn what_is_too_large_is_refused_as_the_book_shows_it() {
    let Some(server) = servers::memcached(&[]) else {
        return;
    };
    let relay = Relay::to(server.port());
    let url = format!("memcached://127.0.0.1:{}", relay.port());
    let lifetime = Lifetime {
        now: NOW,
        seconds: 60,
    };
    let store = open(&url).unwrap();
    store.set("session:jack", b"\x80", lifetime).unwrap();
    relay.take_said();
    let value = vec![b'x'; 1 << 20];
    let error = store.set("session:jack", &value, lifetime).unwrap_err();
    // What was there before is there still.
    store.get("session:jack", NOW).unwrap();
    let error = error
        .to_string()
        .replace(&relay.port().to_string(), "11211");
    let said = shown(&relay.take_said()).replace(&"x".repeat(1 << 20), "(1048576 bytes)");
    write("memcached", "large", &format!("{said}\n\n{error}"));
}

/// What memcached answers to each of these lines, by hand. It is asked for its version after each, so that
/// the answer has an end.
fn talk(server: &Server, lines: &[&str]) -> String {
    let mut shown = Vec::new();
    for line in lines {
        let sent = line.split("\r\n").map(|line| format!("C: {line}"));
        shown.extend(sent);
        let asked = format!("{line}\r\nversion");
        let answers = servers::talk(&server.address(), &asked, |it| it.starts_with("VERSION"));
        let answers = answers.iter().filter(|it| !it.starts_with("VERSION"));
        shown.extend(answers.map(|line| format!("S: {line}")));
    }
    shown.join("\n")
}

/// The time at which a session ends is by the machine's clock. The book shows it by the app's.
fn name_times(stand_ins: &mut StandIns, since: u64) {
    for now in since..=unix_now() {
        stand_ins.put((now + LIFETIME).to_string(), (NOW + LIFETIME).to_string());
    }
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
