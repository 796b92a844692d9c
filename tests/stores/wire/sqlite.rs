//! What a visit says to SQLite, which is no server: the SQL that diesel runs, and the row in the file.
//!
//! Read next: `../sqlite.rs`, what else this store should do.

use std::sync::{Arc, Mutex};

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{SqlOptions, SqlStore};
use diesel::connection::InstrumentationEvent;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Error, Pool};
use diesel::sql_types::Text;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};
use regex::{Captures, Regex};

use super::bytes::{Reader, value, whole, wrapped};
use super::{VISITS, Wire, escaped, write};
use crate::files::TempDir;
use crate::python::Python;
use crate::relay::{Relay, Said};

#[test]
fn each_visit_is_as_the_book_shows_it() {
    let dir = TempDir::new();
    std::fs::create_dir_all(dir.path()).unwrap();
    let path = dir.path().join("sessions.db").display().to_string();
    let log = Log::default();
    let pool = Pool::builder().max_size(1).test_on_check_out(false);
    let pool = pool.connection_customizer(Box::new(log.clone()));
    let pool = pool
        .build(ConnectionManager::<SqliteConnection>::new(&path))
        .unwrap();
    let store = SqlStore::with_pool(pool, SqlOptions::default()).unwrap();
    write("sqlite", "open", &log.take());
    // There is no server to relay to.
    let interface = ServerSideSessionInterface::new(store);
    let mut wire = Wire::new(interface.clone(), Relay::to(0));
    for (name, visit) in VISITS {
        wire.visit(name, visit);
        wire.heard(log.take());
        if *name == "change" {
            write("sqlite", "row", &wire.stand_ins.text(&row(&path)));
            let file = std::fs::read(&path).unwrap();
            write("sqlite", "file", &cell(&wire.stand_ins.bytes(&file)));
        }
    }
    let text = |said: &Said| String::from_utf8(said.bytes.clone()).unwrap();
    wire.write("sqlite", |said| said.iter().map(text).collect());
    interface.cleanup(wire.app()).unwrap();
    write("sqlite", "cleanup", &log.take());
}

#[test]
fn the_tables_of_sqlalchemy_are_as_the_book_shows_them() {
    let variable = "CARAFE_FLASK_SESSION_PYTHON";
    let (script, what) = ("stores/sqlalchemy_tables.py", "the tables of SQLAlchemy");
    let Some(mut python) = Python::start_as(variable, "flask-session", script, what) else {
        return;
    };
    for (store, dialect) in [
        ("sqlite", "sqlite"),
        ("postgres", "postgresql"),
        ("mysql", "mysql"),
    ] {
        let sql: String = serde_json::from_str(&python.ask(dialect)).unwrap();
        write(store, "sqlalchemy", &sql);
    }
}

/// What diesel ran since it was last asked.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn take(&self) -> String {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

// ANCHOR: log
impl CustomizeConnection<SqliteConnection, Error> for Log {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), Error> {
        let log = Arc::clone(&self.0);
        connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            let mut log = log.lock().unwrap();
            match event {
                InstrumentationEvent::CacheQuery { .. } => *log += "     prepared, and kept\n",
                InstrumentationEvent::StartQuery { query, .. } => {
                    let query = query.to_string();
                    let (sql, values) = query.split_once(" -- binds: ").unwrap();
                    *log += &wrapped("SQL:", sql);
                    if values != "[]" {
                        *log += &wrapped("     with", &readable(values));
                    }
                }
                InstrumentationEvent::FinishQuery {
                    error: Some(error), ..
                } => *log += &format!("     error: {error}\n"),
                _ => {}
            }
        });
        Ok(())
    }
}
// ANCHOR_END: log

/// The values as Rust prints them, but for bytes and spaces.
fn readable(values: &str) -> String {
    let bytes = Regex::new(r"\[\d[^\]]*\]").unwrap();
    let values = bytes.replace_all(values, |found: &Captures<'_>| {
        let bytes: Vec<u8> = serde_json::from_str(&found[0]).unwrap();
        value(&bytes)
    });
    let time = Regex::new(r"(\d) (\d)").unwrap();
    let values = time.replace_all(&values, whole("$1 $2"));
    values.trim_matches(['[', ']']).to_owned()
}

/// The row, as `sqlite3 -line` shows it.
fn row(path: &str) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        row: String,
    }
    let sql = "SELECT format('        id = %d\nsession_id = %s\n      data = %s\n    expiry = %s', \
               id, session_id, quote(data), expiry) AS row FROM sessions";
    let mut connection = SqliteConnection::establish(path).unwrap();
    let row: Row = diesel::sql_query(sql).get_result(&mut connection).unwrap();
    row.row
}

// ANCHOR: cell
/// The first row of the table, as the file has it: the number of its bytes and its number, a header that
/// says of which type and how long each column is, and the columns without anything in between.
fn cell(file: &[u8]) -> String {
    /// A page with rows of a table. The first page is SQLite's own.
    const LEAF: u8 = 13;
    let page_size = Reader(&file[16..]).big_endian(2);
    let pages = file.chunks(page_size).enumerate().skip(1);
    let (number, page) = pages.into_iter().find(|(_, page)| page[0] == LEAF).unwrap();
    let at = Reader(&page[8..]).big_endian(2);
    let mut cell = Reader(&page[at..]);
    let mut lines = format!(
        "page {} of {page_size} bytes, from byte {at} on:\n",
        number + 1
    );
    let mut show = |bytes: &[u8], what: &str| {
        let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        lines += &format!("  {:16} {what}\n", hex.join(" "));
    };
    let size = cell.bytes(1);
    show(size, &format!("the row has {} bytes", size[0]));
    let id = cell.bytes(1);
    show(id, &format!("id: {}", id[0]));
    let header = cell.bytes(5);
    let columns: Vec<_> = header[1..].iter().map(|kind| column(*kind)).collect();
    let text: Vec<_> = columns.iter().map(|(_, text)| text.as_str()).collect();
    show(
        header,
        &format!("in {} bytes: {}", header[0], text.join(", ")),
    );
    for ((length, _), name) in columns
        .iter()
        .zip(["id", "session_id", "data", "expiry"])
        .skip(1)
    {
        let bytes = cell.bytes(*length);
        lines += &format!("  {name}: {}\n", escaped(bytes));
    }
    lines
}

/// How long a column is, and of which type.
fn column(kind: u8) -> (usize, String) {
    let length = usize::from(kind).saturating_sub(12) / 2;
    let text = match kind {
        0 => "NULL".to_owned(),
        kind if kind % 2 == 0 => format!("blob of {length}"),
        _ => format!("text of {length}"),
    };
    (length, text)
}
// ANCHOR_END: cell
