//! `Dialect`: what the databases say differently, and `Statements`, all that a store says to one.
//!
//! Mirrors what SQLAlchemy makes of the model in `flask_session/sqlalchemy/sqlalchemy.py`: four columns,
//! `id`, `session_id`, `data` and `expiry`. The order in which a request needs the statements is that
//! of the fields.
//!
//! Read next: `postgres.rs`, then `mysql.rs` and `sqlite.rs`.

use super::super::StoreError;
use super::statement::{Statement, quote};

/// What a database has of its own.
#[allow(missing_debug_implementations, unreachable_pub)]
pub struct Dialect {
    /// What a name is quoted with.
    pub(super) quote: char,
    /// The condition that a row is the key's.
    pub(super) is_key: &'static str,
    /// The text of a time as a time: what stands before it, and after.
    pub(super) time: [&'static str; 2],
    /// Makes the table, as SQLAlchemy would, or wider.
    pub(super) create: &'static str,
    /// Writes a row, new or not: the first of these that changes any.
    pub(super) set: &'static [&'static str],
    /// Writes a row unless there is one that has not expired: the first of these that changes any.
    pub(super) add: &'static [&'static str],
    /// Tells how many bytes `data` takes, where that may be few.
    pub(super) room: Option<&'static str>,
}

/// The statements, for one table.
pub(super) struct Statements {
    pub(super) probe: Statement,
    pub(super) create: Statement,
    pub(super) get: Statement,
    pub(super) set: Vec<Statement>,
    pub(super) touch: Statement,
    pub(super) delete: Statement,
    pub(super) add: Vec<Statement>,
    pub(super) replace: Statement,
    pub(super) visit: Statement,
    pub(super) cleanup: Statement,
    pub(super) room: Option<Statement>,
}

// ANCHOR: statements
const PROBE: &str = "SELECT session_id, data FROM {table} WHERE expiry IS NULL AND 1 = 0";
const GET: &str = "SELECT session_id, data FROM {table} WHERE {is_key} AND expiry >= {now}";
const TOUCH: &str = "UPDATE {table} SET expiry = {ends} WHERE {is_key} AND expiry >= {now}";
const DELETE: &str = "DELETE FROM {table} WHERE {is_key}";
// ANCHOR: replace
const REPLACE: &str = "UPDATE {table} SET data = {data}, expiry = {ends} \
     WHERE {is_key} AND expiry >= {now} AND data = {old}";
// ANCHOR_END: replace
const VISIT: &str = "SELECT session_id, data FROM {table} \
     WHERE session_id > {key} AND session_id LIKE {like} ESCAPE '!' AND expiry >= {now} \
     ORDER BY session_id LIMIT 100";
const CLEANUP: &str = "DELETE FROM {table} WHERE expiry < {now}";
// ANCHOR_END: statements

impl Statements {
    pub(super) fn new(
        store: &'static str,
        dialect: &Dialect,
        table: &str,
        schema: Option<&str>,
    ) -> Result<Self, StoreError> {
        let mut quoted = String::new();
        if let Some(schema) = schema {
            quoted = quote(store, schema, dialect.quote)? + ".";
        }
        quoted += &quote(store, table, dialect.quote)?;
        let statement = |text: &str| {
            let [before, after] = dialect.time;
            let text = text
                .replace("{is_key}", dialect.is_key)
                .replace("{now}", &format!("{before}{{now}}{after}"))
                .replace("{ends}", &format!("{before}{{ends}}{after}"));
            Statement::new(&text, &quoted)
        };
        let all = |texts: &[&str]| texts.iter().map(|text| statement(text)).collect();
        Ok(Statements {
            probe: statement(PROBE),
            create: statement(dialect.create),
            get: statement(GET),
            set: all(dialect.set),
            touch: statement(TOUCH),
            delete: statement(DELETE),
            add: all(dialect.add),
            replace: statement(REPLACE),
            visit: statement(VISIT),
            cleanup: statement(CLEANUP),
            room: dialect.room.map(statement),
        })
    }
}
