//! SQLite: one connection a request, opened when it is first needed, closed when the app context ends.
//!
//! Flask's tutorial: `flaskr/db.py`, "Define and Access the Database". It has a command that makes the
//! tables, and empties them; here they are made at start where they are missing.
//!
//! A query blocks its thread for as long as it takes, as it does in Flask. Nothing has to be said of
//! that: the server learns which views block, and keeps them from delaying the others.
//!
//! Read next: `schema.sql`, then `auth.rs`.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carafe::{App, Error, current_app, g};
use rusqlite::Connection;

/// A connection, as `g` keeps it: what is in `g` may be taken to another thread, hence the lock.
#[derive(Clone)]
pub(crate) struct Db(pub(crate) Arc<Mutex<Connection>>);

impl Db {
    /// The connection, to be used in one statement: two held at once would wait for each other.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection of this app context.
///
/// # Errors
/// Where the database cannot be opened.
///
/// # Panics
/// Outside an app context.
pub(crate) fn get_db() -> Result<Db, Error> {
    if let Some(db) = g().get::<Db>("db") {
        return Ok(db);
    }
    let path = current_app().config().get_as::<String>("DATABASE");
    let path = path.ok_or_else(|| Error::runtime("DATABASE is not set"))?;
    // It waits five seconds where another request is writing; then it is an error.
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let db = Db(Arc::new(Mutex::new(connection)));
    g().set("db", db.clone());
    Ok(db)
}

/// Dropping the last handle closes the connection.
fn close_db(_error: Option<&Error>) {
    drop(g().pop::<Db>("db"));
}

pub(crate) fn init_app(app: &mut App) {
    app.teardown_appcontext(close_db);
}

/// Makes the file, the folder it is in, and the tables.
///
/// # Errors
/// Where that cannot be done.
pub(crate) fn create_tables() -> Result<(), Error> {
    let path = current_app().config().get_as::<String>("DATABASE");
    if let Some(path) = path.as_deref().map(Path::new) {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // There are passwords' hashes in it: it is for no other user of the machine to read.
        let mut private = fs::OpenOptions::new();
        private.write(true).create_new(true).mode(0o600);
        match private.open(path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
    }
    let db = get_db()?;
    // Who reads does not wait for who writes. The file remembers it.
    db.lock().pragma_update(None, "journal_mode", "wal")?;
    db.lock().execute_batch(include_str!("schema.sql"))?;
    Ok(())
}
