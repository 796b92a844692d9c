//! What a visit says to MongoDB, document by document.
//!
//! A message is a header of 16 bytes, flags, and a document in BSON, which is the command or its answer.
//! What the driver asks for itself, to know whether the server is there, is left out.
//!
//! Read next: `sqlite.rs`.

use std::cell::RefCell;

use carafe::session::ServerSideSessionInterface;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Bson, Document, doc};
use mongodb::sync::Client;
use regex::Regex;
use serde_json::json;

use super::bytes::{NO_BREAK, Reader, value, whole, wrapped};
use super::{StandIns, VISITS, Wire, flask, mark, write};
use crate::relay::{Relay, Said, Side};
use crate::servers;

#[test]
fn each_visit_is_as_the_book_shows_it() {
    let Some(server) = servers::mongodb(false) else {
        return;
    };
    let url = |port: u16| format!("mongodb://127.0.0.1:{port}/test");
    let database = Client::with_uri_str(url(server.port())).unwrap();
    let database = database.database("test");
    let relay = Relay::to(server.port());
    let url = url(relay.port()) + "?pool=1";
    let interface = ServerSideSessionInterface::from_url(&url).unwrap();
    let shown = RefCell::new(Messages::default());
    let indexes = shown.borrow_mut().show(&relay.take_said());
    write("mongodb", "indexes", &indexes);
    let mut wire = Wire::new(interface, relay);
    for (name, visit) in VISITS {
        wire.visit(name, visit);
        if *name == "change" {
            let collection = database.collection::<Document>("sessions");
            let document = collection.find_one(doc! {}).run().unwrap().unwrap();
            let mut text = String::new();
            for (name, value) in &document {
                text += &format!("{name}: {}\n", shown.borrow_mut().value(value));
            }
            let text = text.replace(NO_BREAK, " ");
            write("mongodb", "document", &wire.stand_ins.text(&text));
        }
    }
    wire.write("mongodb", |said| shown.borrow_mut().show(said));
}

#[test]
fn flask_sessions_visit_is_as_the_book_shows_it() {
    let Some(server) = servers::mongodb(false) else {
        return;
    };
    let relay = Relay::to(server.port());
    let url = format!("mongodb://127.0.0.1:{}", relay.port());
    let config = json!({"SESSION_TYPE": "mongodb", "SESSION_MONGODB": url});
    if let Some([_, read, _]) = flask(&config, &relay, &mut StandIns::default()) {
        let time = Regex::new(r"20\d\d-[-0-9T:.]*Z").unwrap();
        let said = Messages::default().show(&read);
        let said = time.replace_all(&said, "2033-06-18T03:33:20.123Z");
        write("mongodb", "flask_read", &said);
    }
}

/// The only kind of message that clients of today send.
const OP_MSG: usize = 2013;

/// What the driver says for itself.
const OWN: &[&str] = &["hello", "isMaster", "ismaster", "ping", "endSessions"];

#[derive(Default)]
struct Messages {
    /// The numbers of the commands that are shown: an answer names its own.
    shown: Vec<usize>,
    /// What is random, in the order in which it was seen.
    random: Vec<Vec<u8>>,
}

impl Messages {
    // ANCHOR: messages
    fn show(&mut self, said: &[Said]) -> String {
        let mut lines = String::new();
        for said in said {
            let mut reader = Reader(&said.bytes);
            while !reader.is_at_end() {
                let length = reader.little_endian(4);
                let (id, answers) = (reader.little_endian(4), reader.little_endian(4));
                let operation = reader.little_endian(4);
                let message = reader.bytes(length - 16);
                if operation != OP_MSG {
                    continue;
                }
                let document = document(message);
                let command = document.keys().next();
                let is_own = match said.side {
                    Side::Client => command.is_some_and(|it| OWN.contains(&&**it)),
                    Side::Server => !self.shown.contains(&answers),
                };
                if is_own {
                    continue;
                }
                if said.side == Side::Client {
                    self.shown.push(id);
                }
                lines += &format!("{} OP_MSG of {length} bytes\n", mark(said.side));
                for (name, value) in &document {
                    let value = self.value(value);
                    lines += &wrapped(&format!("     {name}:"), &value);
                }
            }
        }
        lines
    }
    // ANCHOR_END: messages

    fn document(&mut self, document: &Document) -> String {
        let fields = document.iter();
        let fields: Vec<_> = fields
            .map(|(name, value)| format!("{name}: {}", self.value(value)))
            .collect();
        // A line is broken between fields only.
        whole("{ ") + &fields.join(", ").replace(": ", &whole(": ")) + &whole(" }")
    }

    fn value(&mut self, bson: &Bson) -> String {
        match bson {
            Bson::Document(document) => self.document(document),
            Bson::Array(values) => {
                let values: Vec<_> = values.iter().map(|value| self.value(value)).collect();
                format!("[{}]", values.join(", "))
            }
            Bson::DateTime(time) => time.try_to_rfc3339_string().unwrap(),
            Bson::ObjectId(id) => format!("ObjectId {}", self.stand_in(&id.bytes())),
            Bson::Binary(binary) if binary.subtype == BinarySubtype::Generic => {
                value(&binary.bytes)
            }
            // The driver's logical session. Whether the last one is back in time to be used again differs from run to
            // run, so all are the first.
            Bson::Binary(_) => "UUID #1".to_owned(),
            Bson::String(text) => format!("{text:?}"),
            other => other.to_string(),
        }
    }

    /// `#2` for the first random value: `#1` is a logical session.
    fn stand_in(&mut self, random: &[u8]) -> String {
        let known = self.random.iter().position(|known| known == random);
        let index = known.unwrap_or_else(|| {
            self.random.push(random.to_vec());
            self.random.len() - 1
        });
        format!("#{}", index + 2)
    }
}

// ANCHOR: document
/// The document of a message. A section of the other kind is a list of documents with a name, which
/// belongs into it as a field.
fn document(message: &[u8]) -> Document {
    let mut reader = Reader(message);
    let _flags = reader.bytes(4);
    let mut document = Document::new();
    while !reader.is_at_end() {
        let kind = reader.bytes(1)[0];
        if kind == 0 {
            document.extend(Document::from_reader(&mut reader.0).unwrap());
            continue;
        }
        let length = reader.little_endian(4);
        let mut list = Reader(reader.bytes(length - 4));
        let name = list.text();
        let mut documents = Vec::new();
        while !list.is_at_end() {
            documents.push(Document::from_reader(&mut list.0).unwrap());
        }
        document.insert(name, documents);
    }
    document
}
// ANCHOR_END: document
