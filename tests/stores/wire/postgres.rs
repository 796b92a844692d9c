//! What a visit says to PostgreSQL, message by message.
//!
//! A message is a letter for its type, its length in four bytes, and what it says. Only the first one of
//! a connection has no letter. Here are those that diesel and psycopg2 exchange with the server.
//!
//! Read next: `mysql.rs`.

use std::cell::RefCell;

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{SqlOptions, SqlStore, open};
use diesel::PgConnection;
use diesel::r2d2::{ConnectionManager, Pool};
use regex::Regex;
use serde_json::json;

use super::bytes::{Reader, value, wrapped};
use super::{StandIns, Wire, flask, mark, write};
use crate::relay::{Relay, Said, Side};
use crate::servers;

#[test]
fn each_visit_is_as_the_book_shows_it() {
    let Some(server) = servers::postgres() else {
        return;
    };
    let url = |port: u16| {
        // Without TLS, for which the client would ask first.
        format!("postgres://carafe@127.0.0.1:{port}/postgres?sslmode=disable&gssencmode=disable")
    };
    // Makes the table.
    open(&url(server.port())).unwrap();
    let relay = Relay::to(server.port());
    let manager = ConnectionManager::<PgConnection>::new(url(relay.port()));
    // One connection, so that it is known which statements it has prepared.
    let pool = Pool::builder().max_size(1).test_on_check_out(false);
    let pool = pool.build(manager).unwrap();
    let store = SqlStore::with_pool(pool, SqlOptions::default()).unwrap();
    let shown = RefCell::new(Messages::default());
    let shown = |said: &[Said]| shown.borrow_mut().show(said);
    write("postgres", "open", &shown(&relay.take_said()));
    let mut wire = Wire::new(ServerSideSessionInterface::new(store), relay);
    wire.play();
    wire.write("postgres", shown);
}

#[test]
fn flask_sessions_visit_is_as_the_book_shows_it() {
    let Some(server) = servers::postgres() else {
        return;
    };
    let url = |port: u16| format!("postgresql://carafe@127.0.0.1:{port}/postgres?sslmode=disable");
    let relay = Relay::to(server.port());
    let url = url(relay.port()).replace("postgresql:", "postgresql+psycopg2:");
    let config = json!({"SESSION_TYPE": "sqlalchemy", "SESSION_SQLALCHEMY": url});
    if let Some([_, read, _]) = flask(&config, &relay, &mut StandIns::default()) {
        let time = Regex::new(r"'20\d\d-[-0-9T:. ]*'").unwrap();
        let said = Messages::default().show(&read);
        let said = time.replace_all(&said, "'2033-06-18T03:33:20.123456'");
        write("postgres", "flask_read", &said);
    }
}

/// The types of messages: a letter may be another one for the other side.
fn name(side: Side, letter: u8) -> Option<&'static str> {
    Some(match (side, letter) {
        (Side::Client, b'P') => "Parse",
        (Side::Client, b'B') => "Bind",
        (Side::Client, b'D') => "Describe",
        (Side::Client, b'E') => "Execute",
        (Side::Client, b'S') => "Sync",
        (Side::Client, b'Q') => "Query",
        (Side::Server, b'R') => "Authentication",
        (Side::Server, b'1') => "ParseComplete",
        (Side::Server, b'2') => "BindComplete",
        (Side::Server, b'T') => "RowDescription",
        (Side::Server, b'n') => "NoData",
        (Side::Server, b'D') => "DataRow",
        (Side::Server, b'C') => "CommandComplete",
        (Side::Server, b'Z') => "ReadyForQuery",
        // What a server says of itself at the start.
        (Side::Server, b'S' | b'K') => return None,
        _ => panic!("a message of the type {letter:?}"),
    })
}

#[derive(Default)]
struct Messages {
    /// The statements, by the names that the client gives them.
    statements: Vec<String>,
}

impl Messages {
    // ANCHOR: messages
    fn show(&mut self, said: &[Said]) -> String {
        let mut lines = String::new();
        for said in said {
            let mut reader = Reader(&said.bytes);
            // Messages that say no more than their name share a line.
            let mut names = Vec::new();
            while !reader.is_at_end() {
                let name = match reader.0[0] {
                    0 => Some("StartupMessage"),
                    _ => name(said.side, reader.bytes(1)[0]),
                };
                let length = reader.big_endian(4);
                let body = Reader(reader.bytes(length - 4));
                let Some(name) = name else { continue };
                match self.body(name, body) {
                    body if body.is_empty() => names.push(name),
                    body => {
                        lines += &joined(said.side, &mut names);
                        lines += &wrapped(&format!("{} {name}", mark(said.side)), &body);
                    }
                }
            }
            lines += &joined(said.side, &mut names);
        }
        lines
    }
    // ANCHOR_END: messages

    /// A number for the statement of this name. One without a name is used once.
    fn statement(&mut self, name: String) -> String {
        if name.is_empty() {
            return "unnamed".to_owned();
        }
        let known = self.statements.iter().position(|known| *known == name);
        let index = known.unwrap_or_else(|| {
            self.statements.push(name);
            self.statements.len() - 1
        });
        format!("statement {}", index + 1)
    }

    // ANCHOR: body
    /// What a message says, after its type and its length.
    fn body(&mut self, name: &str, mut reader: Reader<'_>) -> String {
        match name {
            "Parse" => {
                let statement = self.statement(reader.text());
                format!("{statement}: {}", reader.text())
            }
            "Bind" => {
                let _portal = reader.text();
                let statement = self.statement(reader.text());
                let formats = reader.big_endian(2);
                reader.bytes(2 * formats);
                match values(&mut reader) {
                    values if values.is_empty() => statement,
                    values => format!("{statement} to {values}"),
                }
            }
            "StartupMessage" => {
                let _version = reader.bytes(4);
                reader.rest().replace("\\x00", " ").trim_end().to_owned()
            }
            "DataRow" => values(&mut reader),
            "RowDescription" => {
                let columns = (0..reader.big_endian(2)).map(|_| {
                    let column = reader.text();
                    reader.bytes(18);
                    column
                });
                columns.collect::<Vec<_>>().join(", ")
            }
            "Query" | "CommandComplete" => reader.text(),
            "Authentication" => match reader.big_endian(4) {
                0 => "done".to_owned(),
                kind => format!("wanted: {kind}"),
            },
            _ => String::new(),
        }
    }
    // ANCHOR_END: body
}

/// A line of names, if there are any.
fn joined(side: Side, names: &mut Vec<&str>) -> String {
    match std::mem::take(names) {
        names if names.is_empty() => String::new(),
        names => format!("{} {}\n", mark(side), names.join(", ")),
    }
}

/// Each with its length before it, and that is -1 where there is none.
fn values(reader: &mut Reader<'_>) -> String {
    let values = (0..reader.big_endian(2)).map(|_| match reader.big_endian(4) {
        0xffff_ffff => "NULL".to_owned(),
        length => value(reader.bytes(length)),
    });
    values.collect::<Vec<_>>().join(", ")
}
