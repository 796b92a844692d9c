//! What a visit says to MySQL or MariaDB, packet by packet.
//!
//! A packet is its length in three bytes, a number that counts on from 0 in each exchange, and what it
//! says. A client's first byte is the command; what an answer means depends on the command before it.
//! Here are the commands that diesel's client gives once it is connected.
//!
//! Read next: `mongodb.rs`.

use std::cell::RefCell;

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{SqlOptions, SqlStore, open};
use diesel::MysqlConnection;
use diesel::r2d2::{ConnectionManager, Pool};

use super::bytes::{Reader, value, wrapped};
use super::{Wire, mark};
use crate::relay::{Relay, Said, Side};
use crate::servers;

#[test]
fn each_visit_is_as_the_book_shows_it() {
    let Some(server) = servers::mariadb() else {
        return;
    };
    let url = |port: u16| format!("mysql://root@127.0.0.1:{port}/test?ssl_mode=disabled");
    // Makes the table.
    open(&url(server.port())).unwrap();
    let relay = Relay::to(server.port());
    let manager = ConnectionManager::<MysqlConnection>::new(url(relay.port()));
    // One connection, so that it is known which statements it has prepared.
    let pool = Pool::builder().max_size(1).test_on_check_out(false);
    let pool = pool.build(manager).unwrap();
    let store = SqlStore::with_pool(pool, SqlOptions::default()).unwrap();
    let mut wire = Wire::new(ServerSideSessionInterface::new(store), relay);
    wire.forget();
    wire.play();
    let shown = RefCell::new(Packets::default());
    wire.write("mysql", |said| shown.borrow_mut().show(said));
}

#[derive(Default)]
struct Packets {
    /// The statements, in the order in which they were prepared.
    statements: Vec<Statement>,
    /// The last command: what an answer means depends on it.
    is_preparation: bool,
}

struct Statement {
    /// The server's number of it.
    id: usize,
    parameters: usize,
}

impl Packets {
    fn show(&mut self, said: &[Said]) -> String {
        let mut lines = String::new();
        for said in said {
            let mut reader = Reader(&said.bytes);
            let mut packets = Vec::new();
            while !reader.is_at_end() {
                let length = reader.little_endian(3);
                let _number = reader.bytes(1);
                packets.push(Reader(reader.bytes(length)));
            }
            let texts = match said.side {
                Side::Client => packets.into_iter().map(|it| self.command(it)).collect(),
                Side::Server => self.answer(packets),
            };
            for text in texts {
                lines += &wrapped(mark(said.side), &text);
            }
        }
        lines
    }

    // ANCHOR: command
    /// What the client wants.
    fn command(&mut self, mut reader: Reader<'_>) -> String {
        let command = reader.bytes(1)[0];
        self.is_preparation = command == 0x16;
        match command {
            0x16 => format!("COM_STMT_PREPARE {}", reader.rest()),
            0x17 => {
                let id = reader.little_endian(4);
                let _flags_and_iterations = reader.bytes(5);
                let statements = &self.statements;
                let index = statements.iter().position(|it| it.id == id).unwrap();
                let values = values(statements[index].parameters, &mut reader);
                format!("COM_STMT_EXECUTE statement {} with {values}", index + 1)
            }
            other => panic!("a command {other:#04x}"),
        }
    }
    // ANCHOR_END: command

    // ANCHOR: answer
    /// What the server says to the last command.
    fn answer(&mut self, mut packets: Vec<Reader<'_>>) -> Vec<String> {
        let mut first = packets.remove(0);
        let kind = first.bytes(1)[0];
        if kind == 0 && self.is_preparation {
            let id = first.little_endian(4);
            let (_columns, parameters) = (first.little_endian(2), first.little_endian(2));
            self.statements.push(Statement { id, parameters });
            let number = self.statements.len();
            return vec![format!("OK, it is statement {number}")];
        }
        if kind == 0 {
            return vec![format!("OK, rows: {}", first.little_endian(1))];
        }
        // The number of columns. What follows are their definitions, unless the client knows them from
        // the preparation, the rows, and a packet that is none.
        let columns = usize::from(kind);
        let mut texts = vec![format!("columns: {columns}")];
        for mut row in packets {
            if row.bytes(1)[0] == 0 {
                let _which_are_null = row.bytes((columns + 2).div_ceil(8));
                texts.push(format!("row {}", all(columns, &mut row)));
            }
        }
        texts
    }
    // ANCHOR_END: answer
}

/// What goes into a statement's gaps: which are NULL, of which types the others are if that was not said
/// before, and each with its length.
fn values(parameters: usize, reader: &mut Reader<'_>) -> String {
    let _which_are_null = reader.bytes(parameters.div_ceil(8));
    if reader.bytes(1)[0] == 1 {
        let _types = reader.bytes(2 * parameters);
    }
    all(parameters, reader)
}

fn all(count: usize, reader: &mut Reader<'_>) -> String {
    let values = (0..count).map(|_| value(reader.with_length()));
    values.collect::<Vec<_>>().join(", ")
}
