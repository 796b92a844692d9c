//! What Redis and the app say to each other, made readable, for the chapter on Redis.
//!
//! Redis speaks RESP, the REdis Serialization Protocol. A command is an array of strings, each with its
//! length before it. It is shown as `redis-cli` would: the strings side by side.
//!
//! Read next: `memcached.rs`, another protocol.

use carafe::session::ServerSideSessionInterface;

use serde_json::json;

use carafe::session::store::{Lifetime, open};

use super::{StandIns, Wire, decoded, escaped, flask, mark, write};
use crate::relay::{Relay, Said};
use crate::servers::{self, Server};

const LIFE: Lifetime = Lifetime {
    now: super::NOW,
    seconds: super::LIFETIME,
};

/// One connection is enough for one browser, and is the first one.
fn interface(relay: &Relay) -> ServerSideSessionInterface {
    let url = format!("redis://127.0.0.1:{}/?pool=1", relay.port());
    ServerSideSessionInterface::from_url(&url).unwrap()
}

#[test]
fn each_visit_is_as_the_book_shows_it() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let relay = Relay::to(server.port());
    let mut wire = Wire::new(interface(&relay), relay);
    wire.play();
    wire.write("redis", shown);
    write("redis", "raw", &raw(&wire.said("login")));
}

#[test]
fn an_optimistic_save_is_as_the_book_shows_it() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let relay = Relay::to(server.port());
    let mut wire = Wire::new(interface(&relay).optimistic(true).unwrap(), relay);
    wire.visit("login", "POST /login username=jack");
    wire.visit("optimistic", "POST /color color=red");
    write("redis", "optimistic", &shown(&wire.said("optimistic")));
}

#[test]
fn flask_sessions_visit_is_as_the_book_shows_it() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let relay = Relay::to(server.port());
    let url = format!("redis://127.0.0.1:{}", relay.port());
    let config = json!({"SESSION_TYPE": "redis", "SESSION_REDIS": url});
    if let Some([_, read, _]) = flask(&config, &relay, &mut StandIns::default()) {
        write("redis", "flask_read", &shown(&read));
    }
}

#[test]
fn a_redis_that_is_full_refuses_as_the_book_shows_it() {
    // It is full before it holds anything.
    let args = ["--maxmemory", "1", "--maxmemory-policy", "noeviction"];
    let Some(server) = servers::redis(&args) else {
        return;
    };
    let relay = Relay::to(server.port());
    let url = format!("redis://127.0.0.1:{}", relay.port());
    let store = open(&url).unwrap();
    let key = format!("session:{:-<43}", "the-first-id");
    let error = store
        .set(&key, b"\x81\xa8username\xa4jack", LIFE)
        .unwrap_err();
    let error = error.to_string().replace(&relay.port().to_string(), "6379");
    write(
        "redis",
        "full",
        &format!("{}\n\n{error}", shown(&relay.take_said())),
    );
}

#[test]
fn a_cluster_says_where_a_key_is_as_the_book_shows_it() {
    let Some(nodes) = servers::redis_cluster(0) else {
        return;
    };
    // Carafe hears from the first node which node has what; then it goes there, past the relay.
    let relay = Relay::to(nodes[0].port());
    let url = format!("redis+cluster://127.0.0.1:{}", relay.port());
    let key = format!("session:{:-<43}", "the-first-id");
    open(&url)
        .unwrap()
        .set(&key, b"\x81\xa8username\xa4jack", LIFE)
        .unwrap();
    write(
        "redis",
        "slots",
        &without_ports(&nodes, &shown(&relay.take_said())),
    );

    // A client that asks any node hears which one to ask instead.
    let answers = nodes.iter().map(|node| {
        let relay = Relay::to(node.port());
        let client = ::redis::Client::open(("127.0.0.1", relay.port())).unwrap();
        let mut connection = client.get_connection().unwrap();
        relay.take_said();
        drop(::redis::cmd("GET").arg(&key).exec(&mut connection));
        let asked = format!("(asks 127.0.0.1:{})", node.port());
        format!("{asked}\n{}", shown(&relay.take_said()))
    });
    let answers = answers.collect::<Vec<_>>().join("\n\n");
    write("redis", "moved", &without_ports(&nodes, &answers));
}

#[test]
fn a_line_that_is_typed_is_taken_as_the_book_shows_it() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let lines = [
        "SET session:jill hello",
        "SET session:jack red",
        "DEL session:jill",
        "PING",
    ];
    let answers = servers::talk(&server.address(), &lines.join("\r\n"), |it| it == "+PONG");
    let shown = lines.iter().zip(&answers).take(3);
    let shown: Vec<_> = shown
        .map(|(line, answer)| format!("C: {line}\nS: {answer}"))
        .collect();
    write("redis", "typed", &shown.join("\n"));
}

/// The same with the ports 7000, 7001 and 7002, and short names for the nodes.
fn without_ports(nodes: &[Server], text: &str) -> String {
    let mut text = text.to_owned();
    // First the ids: the digits of a port may be part of one.
    for (index, node) in nodes.iter().enumerate() {
        let port = node.port().to_string();
        let id = servers::output("redis-cli", &["-p", &port, "CLUSTER", "MYID"]);
        text = text.replace(id.trim(), &format!("(node {index}'s id)"));
    }
    for (index, node) in nodes.iter().enumerate() {
        text = text.replace(&node.port().to_string(), &format!("700{index}"));
    }
    text
}

/// Everything that was said, a command or an answer a line; below each, what a session in it says.
fn shown(said: &[Said]) -> String {
    let mut lines = Vec::new();
    for Said { side, bytes, .. } in said {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let message;
            (message, rest) = Message::parse(rest);
            lines.push(format!("{} {}", mark(*side), message.shown()));
            lines.extend(message.sessions().map(|session| format!("   = {session}")));
        }
    }
    lines.join("\n")
}

/// The bytes themselves: a line for each that ends with CR and LF, which are shown as `\r\n`.
fn raw(said: &[Said]) -> String {
    let mut lines = Vec::new();
    for Said { side, bytes, .. } in said {
        let pieces = bytes.split_inclusive(|byte| *byte == b'\n');
        lines.extend(pieces.map(|piece| format!("{} {}", mark(*side), escaped(piece))));
    }
    lines.join("\n")
}

/// What one side says at a time.
enum Message {
    /// `+OK`: a few words, or an error, as they stand there.
    Line(String),
    /// `:1`
    Integer(String),
    /// `$2`, and two bytes after it; or `$-1`.
    Bytes(Option<Vec<u8>>),
    /// `*2`, and two messages after it.
    Array(Vec<Message>),
}

impl Message {
    /// The first one in these bytes, and what comes after it.
    fn parse(bytes: &[u8]) -> (Self, &[u8]) {
        let end = bytes.windows(2).position(|pair| pair == b"\r\n").unwrap();
        let line = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut rest = &bytes[end + 2..];
        let (kind, text) = line.split_at(1);
        let message = match kind {
            "+" => Message::Line(text.to_owned()),
            "-" => Message::Line(format!("(error) {text}")),
            ":" => Message::Integer(text.to_owned()),
            "$" if text == "-1" => Message::Bytes(None),
            "$" => {
                let (value, after) = rest.split_at(text.parse().unwrap());
                rest = after.strip_prefix(b"\r\n").unwrap();
                Message::Bytes(Some(value.to_vec()))
            }
            "*" => {
                let mut messages = Vec::new();
                for _ in 0..text.parse().unwrap() {
                    let message;
                    (message, rest) = Message::parse(rest);
                    messages.push(message);
                }
                Message::Array(messages)
            }
            _ => panic!("{line:?} is no RESP"),
        };
        (message, rest)
    }

    fn shown(&self) -> String {
        match self {
            Message::Line(line) => line.clone(),
            Message::Integer(number) => format!("(integer) {number}"),
            Message::Bytes(None) => "(nil)".to_owned(),
            Message::Bytes(Some(bytes)) => {
                // A word stands for itself; a script keeps its lines.
                let is_word = bytes.iter().all(u8::is_ascii_graphic);
                match std::str::from_utf8(bytes) {
                    Ok(text) if is_word => text.to_owned(),
                    Ok(text) if text.contains('\n') => format!("\"{text}\""),
                    _ => format!("\"{}\"", escaped(bytes)),
                }
            }
            // Of lists each has a line of its own.
            Message::Array(messages)
                if !messages.is_empty() && messages.iter().all(Message::is_array) =>
            {
                let shown = messages.iter().map(|it| format!("\n     {}", it.shown()));
                format!("(lists){}", shown.collect::<String>())
            }
            Message::Array(messages) => {
                let shown = messages.iter().map(Message::shown);
                let shown: Vec<String> = shown.filter(|it| !it.is_empty()).collect();
                shown.join(" ")
            }
        }
    }

    fn is_array(&self) -> bool {
        matches!(self, Message::Array(_))
    }

    /// The stored sessions in it, as what they say.
    fn sessions(&self) -> impl Iterator<Item = String> {
        let messages = match self {
            Message::Array(messages) => &messages[..],
            message => std::slice::from_ref(message),
        };
        let bytes = messages.iter().filter_map(|message| match message {
            // A MessagePack map of up to 15 keys.
            Message::Bytes(Some(bytes)) if bytes.first()? & 0xf0 == 0x80 => Some(decoded(bytes)),
            _ => None,
        });
        bytes.collect::<Vec<_>>().into_iter()
    }
}
