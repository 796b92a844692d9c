//! The store in a file of SQLite.

use std::sync::{Arc, Barrier};
use std::thread;

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{Lifetime, SqlOptions, SqlStore, Store, StoreErrorKind, open};
use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel::{Connection, SqliteConnection};
use serde_json::json;

use crate::files::TempDir;
use crate::sharing;
use crate::suite::{self, Subject};

const HOUR: Lifetime = Lifetime {
    now: 1_700_000_000,
    seconds: 3600,
};

/// A directory with a database in it, and what its URL ends with.
struct Database {
    dir: TempDir,
}

impl Database {
    fn new() -> Self {
        let dir = TempDir::new();
        std::fs::create_dir_all(dir.path()).unwrap();
        Database { dir }
    }

    fn path(&self) -> String {
        self.dir.path().join("my sessions.db").display().to_string()
    }

    fn url(&self, query: &str) -> String {
        format!("sqlite://{}{query}", self.path().replace(' ', "%20"))
    }

    fn open(&self, query: &str) -> Box<dyn Store> {
        open(&self.url(query)).unwrap()
    }

    fn connect(&self) -> SqliteConnection {
        SqliteConnection::establish(&self.path()).unwrap()
    }
}

#[test]
fn a_new_database_is_for_nobody_else_to_read_and_one_that_is_there_stays_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let database = Database::new();
    let mode = || {
        let metadata = std::fs::metadata(database.path()).unwrap();
        metadata.permissions().mode() & 0o777
    };
    drop(database.open(""));
    assert_eq!(mode(), 0o600);

    let shared = PermissionsExt::from_mode(0o660);
    std::fs::set_permissions(database.path(), shared).unwrap();
    drop(database.open(""));
    assert_eq!(mode(), 0o660);
}

#[test]
fn the_sqlite_store_does_all_that_a_store_should() {
    let database = Database::new();
    suite::run(&Subject {
        name: "sqlite",
        store: Box::new(move || Arc::from(database.open(""))),
        pass: Box::new(suite::clock_moves),
    });
}

#[test]
fn so_it_does_over_a_pool_of_the_apps_own() {
    let database = Database::new();
    let manager = ConnectionManager::<SqliteConnection>::new(database.path());
    let pool = Pool::builder().max_size(1).build(manager).unwrap();
    suite::run(&Subject {
        name: "sqlite, the app's pool",
        store: Box::new(move || {
            let _lives_on = &database;
            Arc::new(SqlStore::with_pool(pool.clone(), SqlOptions::default()).unwrap())
        }),
        pass: Box::new(suite::clock_moves),
    });
}

#[test]
fn flask_shares_the_table_whoever_made_it() {
    for made_by_carafe in [true, false] {
        let database = Database::new();
        if made_by_carafe {
            database.open("");
        }
        let config = json!({
            "SESSION_TYPE": "sqlalchemy",
            "SESSION_SQLALCHEMY": format!("sqlite:///{}", database.path()),
        });
        sharing::run(&config, || {
            ServerSideSessionInterface::from_url(&database.url("")).unwrap()
        });
    }
}

#[test]
fn a_path_is_the_same_one_with_the_slash_that_sqlalchemy_wants() {
    let database = Database::new();
    let store = database.open("");
    store.set("session:id", b"data", HOUR).unwrap();
    let url = database.url("").replace("sqlite://", "sqlite:///");
    let found = open(&url).unwrap().get("session:id", HOUR.now).unwrap();
    assert_eq!(found.as_deref(), Some(&b"data"[..]));
}

#[test]
fn a_tables_name_is_but_a_name() {
    let database = Database::new();
    database
        .connect()
        .batch_execute("CREATE TABLE users (id INTEGER)")
        .unwrap();
    // x"; DROP TABLE users; -- {key} `'
    let store = database.open("?table=x%22;+DROP+TABLE+users;+--+%7Bkey%7D+%60'");
    store.set("session:id", b"data", HOUR).unwrap();
    let found = store.get("session:id", HOUR.now).unwrap();
    assert_eq!(found.as_deref(), Some(&b"data"[..]));
    database
        .connect()
        .batch_execute("SELECT id FROM users")
        .unwrap();
}

#[test]
fn a_file_that_can_not_be_is_an_error_at_start_up() {
    let error = |url: &str| open(url).err().map(|error| error.to_string()).unwrap();
    assert_eq!(
        error("sqlite://relative.db"),
        "session store sqlite: \"sqlite://relative.db\" names no file: write \
         sqlite:///absolute/path.db"
    );
    assert_eq!(
        error("sqlite:///tmp/x.db?tabel=x"),
        "session store sqlite: unknown parameter \"tabel\": the nearest is \"table\""
    );
    assert_eq!(
        error("sqlite:///tmp/x.db?table="),
        "session store sqlite: \"\" is no name of a table or a schema"
    );
    assert_eq!(
        error("sqlite:///no/such/directory/x.db"),
        "session store sqlite: there is no directory for \"/no/such/directory/x.db\", which is an \
         absolute path"
    );
    assert_eq!(
        error("sqlite:///:memory:"),
        "session store sqlite: \"sqlite:///:memory:\" names no file: write \
         sqlite:///absolute/path.db"
    );
}

#[test]
fn a_lock_that_another_process_holds_is_waited_for_and_then_an_error() {
    let database = Database::new();
    let patient = database.open("");
    let hasty = database.open("?timeout=0.05");
    let mut other = database.connect();
    other.batch_execute("BEGIN EXCLUSIVE").unwrap();
    for error in [
        hasty.get("session:id", HOUR.now).unwrap_err(),
        hasty.set("session:id", b"data", HOUR).unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert_eq!(
            error.to_string(),
            "session store sqlite: database is locked"
        );
    }
    let waiting = thread::spawn(move || patient.set("session:id", b"late", HOUR));
    other.batch_execute("COMMIT").unwrap();
    waiting.join().unwrap().unwrap();
    let found = hasty.get("session:id", HOUR.now).unwrap();
    assert_eq!(found.as_deref(), Some(&b"late"[..]));
}

#[test]
fn a_full_disk_is_an_error_and_loses_nothing() {
    let database = Database::new();
    let store = database.open("?pool=1");
    store.set("session:id", b"data", HOUR).unwrap();
    // As little room as there is in use: SQLite's own way to run out of it.
    let path = database.path();
    let full = Pool::builder()
        .max_size(1)
        .connection_customizer(Box::new(NoMoreRoom))
        .build(ConnectionManager::<SqliteConnection>::new(path))
        .unwrap();
    let full = SqlStore::with_pool(full, SqlOptions::default()).unwrap();
    let error = full.set("session:id", &[7; 100_000], HOUR).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(
        error.to_string(),
        "session store sqlite: database or disk is full"
    );
    for store in [&full as &dyn Store, &*store] {
        let found = store.get("session:id", HOUR.now).unwrap();
        assert_eq!(found.as_deref(), Some(&b"data"[..]));
    }
}

#[derive(Debug)]
struct NoMoreRoom;

impl diesel::r2d2::CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for NoMoreRoom {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        connection
            .batch_execute("PRAGMA max_page_count = 1")
            .map_err(diesel::r2d2::Error::QueryError)
    }
}

#[test]
fn two_hundred_requests_share_eight_connections() {
    let database = Database::new();
    let store: Arc<dyn Store> = Arc::from(database.open("?pool=8&timeout=60"));
    let begin = Arc::new(Barrier::new(200));
    let requests: Vec<_> = (0..200)
        .map(|n| {
            let (store, begin) = (Arc::clone(&store), Arc::clone(&begin));
            thread::spawn(move || {
                let key = format!("session:{n}");
                begin.wait();
                store.set(&key, key.as_bytes(), HOUR)?;
                store.get(&key, HOUR.now)
            })
        })
        .collect();
    for (n, request) in requests.into_iter().enumerate() {
        let found = request.join().unwrap().unwrap();
        assert_eq!(found, Some(format!("session:{n}").into_bytes()));
    }
}

#[test]
fn many_pages_are_visited_each_once() {
    let database = Database::new();
    let store = database.open("");
    let mut connection = database.connect();
    connection
        .batch_execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 950)
             INSERT INTO sessions (session_id, data, expiry)
             SELECT 'session:' || i, CAST(i AS BLOB), '2024-01-01 00:00:00.000000' FROM n",
        )
        .unwrap();
    let mut shown = Vec::new();
    store
        .visit("session:", HOUR.now, &mut |entry| {
            shown.push(entry.key.unwrap_or_default().to_owned());
            carafe::session::store::Verdict::Delete
        })
        .unwrap();
    assert_eq!(shown.len(), 950);
    shown.sort();
    shown.dedup();
    assert_eq!(shown.len(), 950);
    assert_eq!(store.get("session:1", HOUR.now).unwrap(), None);
}
