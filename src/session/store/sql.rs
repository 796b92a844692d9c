//! `SqlStore`: sessions in a table of SQLite, PostgreSQL, MySQL or MariaDB.
//!
//! Mirrors `flask_session/sqlalchemy/sqlalchemy.py`, whose table it uses as it is, and which uses
//! Carafe's. Where that looks for the row, changes it and commits, in three round trips, one statement
//! does it here. What has expired stays in the table, and is not found, until somebody calls `cleanup`.
//!
//! Read next: `sql/table.rs`, for the table; `sql/dialect.rs`, for the SQL.

mod dialect;
#[cfg(feature = "mysql")]
pub(super) mod mysql;
mod pool;
#[cfg(feature = "postgres")]
pub(super) mod postgres;
#[cfg(feature = "sqlite")]
pub(super) mod sqlite;
mod statement;
mod table;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use diesel::QueryResult;
use diesel::r2d2::R2D2Connection;
use diesel::result::{DatabaseErrorKind, Error as DieselError};

use self::dialect::{Dialect, Statements};
use self::pool::{Customizer, Pool, R2d2Pool};
use self::statement::{Bound, Statement, Values, like, time};
use super::workers::Workers;
use super::{
    Ability, Again, Entry, Lifetime, Store, StoreError, StoreErrorKind, StoreUrl, Verdict,
};
use super::{show_command, url};

/// A key and its data.
type Row = (Option<String>, Option<Vec<u8>>);

/// A database that diesel speaks to: its `SqliteConnection`, `PgConnection` and `MysqlConnection`, each
/// behind the feature of its name.
pub trait Database: R2D2Connection + Send + Sized + private::Sealed + 'static {
    /// What the store is called.
    const NAME: &'static str;
    #[doc(hidden)]
    const DIALECT: &'static Dialect;
    /// Whether its client may wait for ever, so that a thread of its own has to do it.
    #[doc(hidden)]
    const WAITS: bool;
    #[doc(hidden)]
    fn run(&mut self, bound: Bound<'_>) -> QueryResult<usize>;
    #[doc(hidden)]
    fn rows(&mut self, bound: Bound<'_>) -> QueryResult<Vec<Row>>;
}

mod private {
    pub trait Sealed {}
    #[cfg(feature = "mysql")]
    impl Sealed for diesel::MysqlConnection {}
    #[cfg(feature = "postgres")]
    impl Sealed for diesel::PgConnection {}
    #[cfg(feature = "sqlite")]
    impl Sealed for diesel::SqliteConnection {}
}

/// Keeps sessions in a table.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use carafe::session::ServerSideSessionInterface;
/// use carafe::session::store::{SqlOptions, SqlStore};
/// use diesel::SqliteConnection;
/// use diesel::r2d2::{ConnectionManager, Pool};
/// # let path = std::env::temp_dir().join(format!("carafe-doc-{}.db", std::process::id()));
/// # let path = path.to_str().unwrap();
/// // A connection that failed is replaced without a question before each use.
/// let pool = Pool::builder()
///     .test_on_check_out(false)
///     .build(ConnectionManager::<SqliteConnection>::new(path))?;
/// let store = SqlStore::with_pool(pool, SqlOptions::default())?;
/// let mut app = carafe::App::new("shop");
/// app.session_interface(ServerSideSessionInterface::new(store));
/// # std::fs::remove_file(path)?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SqlStore<C: Database> {
    table: Arc<Table<C>>,
    /// Where the client may wait for ever.
    workers: Option<Workers>,
    options: SqlOptions,
    /// What `data` is known to take, in bytes.
    room: AtomicUsize,
}

/// What a [`SqlStore`] is opened with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // Made with `..SqlOptions::default()`.
pub struct SqlOptions {
    /// The table's name, which is made if there is none. Flask-Session: `SESSION_SQLALCHEMY_TABLE`,
    /// `sessions`.
    pub table: String,
    /// The schema that the table is in, if not where the connection looks by itself; in MySQL, another
    /// database. It has to be there. Flask-Session: `SESSION_SQLALCHEMY_SCHEMA`.
    pub schema: Option<String>,
    /// How long one command may take, with the wait for a connection: 5 seconds by default.
    pub timeout: Duration,
}

impl Default for SqlOptions {
    fn default() -> Self {
        SqlOptions {
            table: "sessions".to_owned(),
            schema: None,
            timeout: url::TIMEOUT,
        }
    }
}

impl SqlOptions {
    /// Takes them out of a URL, and the number of connections.
    fn take(url: &mut StoreUrl) -> Result<(Self, u32), StoreError> {
        let defaults = SqlOptions::default();
        let options = SqlOptions {
            table: url.take("table").unwrap_or(defaults.table),
            schema: url.take("schema"),
            timeout: url.take_timeout()?,
        };
        Ok((options, url.take_pool()?))
    }
}

/// The connections, and what is said over them.
struct Table<C: Database> {
    pool: Pool<C>,
    statements: Statements,
}

impl<C: Database> SqlStore<C> {
    /// Keeps sessions in a database to which the app has a pool of connections. It is best built with
    /// `test_on_check_out(false)`: a connection that failed is replaced without that.
    ///
    /// # Errors
    /// Where there is no connection, or no such table and it can't be made.
    pub fn with_pool(pool: R2d2Pool<C>, options: SqlOptions) -> Result<Self, StoreError> {
        let max = pool.max_size();
        Self::open(Pool::of_app(pool), max, options)
    }

    /// The same, for a URL.
    fn connect(
        url: &str,
        max: u32,
        options: SqlOptions,
        customizer: Option<Customizer<C>>,
    ) -> Result<Self, StoreError> {
        // Some may be stuck with a server that is silent, and as many others take their place.
        let connections = if C::WAITS { max.saturating_mul(2) } else { max };
        Self::open(Pool::new(url, connections, customizer)?, max, options)
    }

    fn open(pool: Pool<C>, max: u32, options: SqlOptions) -> Result<Self, StoreError> {
        let schema = options.schema.as_deref();
        let statements = Statements::new(C::NAME, C::DIALECT, &options.table, schema)?;
        let store = SqlStore {
            table: Arc::new(Table { pool, statements }),
            workers: C::WAITS.then(|| Workers::new(C::NAME, max)),
            options,
            room: AtomicUsize::new(0xffff),
        };
        store.make_table()?;
        Ok(store)
    }

    // ANCHOR: on_a_connection
    /// Does something over a connection, and gives up on it after the timeout.
    fn on_a_connection<T: Send + 'static>(
        &self,
        again: Again,
        work: impl Fn(&Table<C>, &mut C) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let timeout = self.options.timeout;
        let now = Instant::now();
        // A timeout of centuries is none.
        let deadline = now
            .checked_add(timeout)
            .unwrap_or(now + Duration::from_secs(1 << 30));
        let Some(workers) = &self.workers else {
            let table = &self.table;
            let work = |connection: &mut C| work(table, connection);
            return table.pool.attempt(deadline, again, work);
        };
        let table = Arc::clone(&self.table);
        workers.run(timeout, move || {
            let work = |connection: &mut C| work(&table, connection);
            table.pool.attempt(deadline, again, work)
        })
    }
    // ANCHOR_END: on_a_connection

    /// Runs a statement, and tells how many rows it changed.
    fn run(
        &self,
        again: Again,
        values: Values,
        pick: impl Fn(&Statements) -> &Statement + Send + 'static,
    ) -> Result<usize, StoreError> {
        show(C::NAME, pick(&self.table.statements));
        self.on_a_connection(again, move |table, connection| {
            connection.run(pick(&table.statements).with(&values))
        })
    }

    /// Runs statements until one of them changes a row, and tells whether one did. A row that is there
    /// already is no error.
    fn run_first(
        &self,
        again: Again,
        values: Values,
        pick: impl Fn(&Statements) -> &[Statement] + Copy + Send + 'static,
    ) -> Result<bool, StoreError> {
        // Here, and not where they run: who traces listens to the thread of the request.
        let statements = || pick(&self.table.statements).iter();
        statements().take(1).for_each(|first| show(C::NAME, first));
        let (count, has_changed) = self.on_a_connection(again, move |table, connection| {
            let statements = pick(&table.statements);
            for (count, statement) in (1..).zip(statements) {
                match connection.run(statement.with(&values)) {
                    Ok(0) => {}
                    Ok(_) => return Ok((count, true)),
                    Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok((statements.len(), false))
        })?;
        let others = statements().take(count).skip(1);
        others.for_each(|statement| show(C::NAME, statement));
        Ok(has_changed)
    }
}

fn show(store: &'static str, statement: &Statement) {
    show_command(store, format_args!("{}", statement.shown()));
}

fn key_only(key: &str) -> Values {
    Values {
        key: key.to_owned(),
        ..Values::default()
    }
}

fn values(key: &str, value: &[u8], lifetime: Lifetime) -> Values {
    Values {
        key: key.to_owned(),
        data: value.to_vec(),
        now: time(lifetime.now),
        ends: time(lifetime.ends()),
        ..Values::default()
    }
}

impl<C: Database> Store for SqlStore<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn get(&self, key: &str, now: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let values = Values {
            key: key.to_owned(),
            now: time(now),
            ..Values::default()
        };
        show(C::NAME, &self.table.statements.get);
        let rows = self.on_a_connection(Again::Harmless, move |table, connection| {
            connection.rows(table.statements.get.with(&values))
        })?;
        Ok(rows.into_iter().next().and_then(|(_key, data)| data))
    }

    fn set(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<(), StoreError> {
        self.ensure_room(value)?;
        let values = values(key, value, lifetime);
        self.run_first(Again::Harmless, values, |statements| &statements.set)?;
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.run(Again::Harmless, key_only(key), |statements| {
            &statements.delete
        })?;
        Ok(())
    }

    fn touch(&self, key: &str, lifetime: Lifetime) -> Result<bool, StoreError> {
        let values = values(key, b"", lifetime);
        let touched = self.run(Again::Harmless, values, |statements| &statements.touch)?;
        Ok(touched > 0)
    }

    fn can(&self, ability: Ability) -> bool {
        matches!(ability, Ability::CompareAndSet | Ability::Visit)
    }

    fn compare_and_set(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        lifetime: Lifetime,
    ) -> Result<bool, StoreError> {
        self.ensure_room(value)?;
        let mut values = values(key, value, lifetime);
        // Not twice: the second time would find the first one's value.
        let Some(expected) = expected else {
            return self.run_first(Again::No, values, |statements| &statements.add);
        };
        values.old = expected.to_vec();
        let replaced = self.run(Again::No, values, |statements| &statements.replace)?;
        Ok(replaced > 0)
    }

    fn visit(
        &self,
        prefix: &str,
        now: u64,
        visitor: &mut dyn FnMut(Entry<'_>) -> Verdict,
    ) -> Result<(), StoreError> {
        show(C::NAME, &self.table.statements.visit);
        let mut values = Values {
            like: like(prefix),
            now: time(now),
            ..Values::default()
        };
        // A page at a time, each from where the last one ended. No connection is held while the visitor
        // runs: it may use the store.
        loop {
            let these = values.clone();
            let rows = self.on_a_connection(Again::Harmless, move |table, connection| {
                connection.rows(table.statements.visit.with(&these))
            })?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            values.key = last.0.clone().unwrap_or_default();
            for (key, data) in &rows {
                let (Some(key), Some(data)) = (key, data) else {
                    continue;
                };
                // A LIKE may take an A for an a.
                if !key.starts_with(prefix) {
                    continue;
                }
                let key = Some(key.as_str());
                let verdict = visitor(Entry { key, value: data });
                if let (Verdict::Delete, Some(key)) = (verdict, key) {
                    self.delete(key)?;
                }
            }
        }
    }

    fn cleanup(&self, now: u64) -> Result<u64, StoreError> {
        let now = time(now);
        let values = Values {
            now,
            ..Values::default()
        };
        let deleted = self.run(Again::Harmless, values, |statements| &statements.cleanup)?;
        Ok(deleted as u64)
    }

    fn expires_by_itself(&self) -> bool {
        false
    }
}

impl<C: Database> fmt::Debug for SqlStore<C> {
    /// Shows no URL: there may be a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore")
            .field("database", &C::NAME)
            .field("connections", &self.table.pool.max_size())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
