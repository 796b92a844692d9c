//! SQLite: one file, which the processes of one machine share.
//!
//! Read next: `pool.rs`.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::r2d2::{self, CustomizeConnection};
use diesel::{QueryResult, RunQueryDsl, SqliteConnection};
use percent_encoding::percent_decode_str;

use super::dialect::Dialect;
use super::statement::Bound;
use super::{Database, Row, SqlOptions, SqlStore};
use crate::session::store::{Store, StoreError, StoreUrl};

const NAME: &str = "sqlite";

// ANCHOR: sqlite
const UPSERT: &str = "INSERT INTO {table} (session_id, data, expiry) VALUES ({key}, {data}, {ends}) \
     ON CONFLICT (session_id) DO UPDATE SET data = excluded.data, expiry = excluded.expiry";
const ADD: &str = "INSERT INTO {table} AS it (session_id, data, expiry) VALUES ({key}, {data}, {ends}) \
     ON CONFLICT (session_id) DO UPDATE SET data = excluded.data, expiry = excluded.expiry \
     WHERE it.expiry IS NULL OR it.expiry < {now}";

static DIALECT: Dialect = Dialect {
    quote: '"',
    is_key: "session_id = {key}",
    time: ["", ""],
    create: "CREATE TABLE IF NOT EXISTS {table} (id INTEGER NOT NULL PRIMARY KEY, \
             session_id VARCHAR(255) UNIQUE, data BLOB, expiry DATETIME)",
    set: &[UPSERT],
    add: &[ADD],
    room: None,
};
// ANCHOR_END: sqlite

impl Database for SqliteConnection {
    const NAME: &'static str = NAME;
    const DIALECT: &'static Dialect = &DIALECT;
    /// It waits for a lock, and not longer than it is told to.
    const WAITS: bool = false;

    fn run(&mut self, bound: Bound<'_>) -> QueryResult<usize> {
        bound.execute(self)
    }

    fn rows(&mut self, bound: Bound<'_>) -> QueryResult<Vec<Row>> {
        bound.load(self)
    }
}

/// What each connection is told first.
#[derive(Debug)]
struct WaitForLocks(Duration);

impl CustomizeConnection<SqliteConnection, r2d2::Error> for WaitForLocks {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), r2d2::Error> {
        let milliseconds = i32::try_from(self.0.as_millis()).unwrap_or(i32::MAX);
        let pragma = format!("PRAGMA busy_timeout = {milliseconds}");
        connection
            .batch_execute(&pragma)
            .map_err(r2d2::Error::QueryError)
    }
}

/// Makes the file, if there is none, for this user alone: who can read it has every session's id. SQLite would let
/// all users of the machine read it, unless the umask says otherwise. What cannot be made SQLite will complain of.
fn make_private(path: &str) {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let _ = options.open(path);
}

pub(in crate::session::store) fn open(mut url: StoreUrl) -> Result<Box<dyn Store>, StoreError> {
    let (options, pool) = SqlOptions::take(&mut url)?;
    let path = match url.absolute_path() {
        // What is in memory, each connection has to itself.
        Some(path) if !["/", "/:memory:"].contains(&path) => path,
        _ => {
            let message = format!(
                "{:?} names no file: write sqlite:///absolute/path.db",
                url.shown()
            );
            return Err(StoreError::config(NAME, message));
        }
    };
    let path = match percent_decode_str(path).decode_utf8() {
        Ok(path) => path.into_owned(),
        Err(_) => return Err(StoreError::config(NAME, "the file's name is no UTF-8")),
    };
    url.finish()?;
    let directory = Path::new(&path).parent();
    if directory.is_some_and(|directory| !directory.is_dir()) {
        // SQLAlchemy reads three slashes otherwise: as a path from where the app runs.
        let message = format!("there is no directory for {path:?}, which is an absolute path");
        return Err(StoreError::config(NAME, message));
    }
    make_private(&path);
    let wait = WaitForLocks(options.timeout);
    let store = SqlStore::<SqliteConnection>::connect(&path, pool, options, Some(Box::new(wait)))?;
    Ok(Box::new(store))
}
