//! PostgreSQL, with libpq.
//!
//! Read next: `mysql.rs`.

use diesel::{PgConnection, QueryResult, RunQueryDsl};

use super::dialect::Dialect;
use super::statement::Bound;
use super::{Database, Row, SqlOptions, SqlStore};
use crate::session::store::{Store, StoreError, StoreUrl};

// ANCHOR: postgres
/// An `INSERT ... ON CONFLICT` alone would take a number off the sequence of `id` each time, and those of
/// a SERIAL are used up after two thousand million saves.
const UPSERT: &str = "WITH it AS (UPDATE {table} SET data = {data}, expiry = {ends} \
     WHERE session_id = {key} RETURNING 1) \
     INSERT INTO {table} (session_id, data, expiry) \
     SELECT {key}, {data}, {ends} WHERE NOT EXISTS (SELECT 1 FROM it) \
     ON CONFLICT (session_id) DO UPDATE SET data = excluded.data, expiry = excluded.expiry";
const ADD: &str = "INSERT INTO {table} AS it (session_id, data, expiry) VALUES ({key}, {data}, {ends}) \
     ON CONFLICT (session_id) DO UPDATE SET data = excluded.data, expiry = excluded.expiry \
     WHERE it.expiry IS NULL OR it.expiry < {now}";

static DIALECT: Dialect = Dialect {
    quote: '"',
    is_key: "session_id = {key}",
    time: ["CAST(", " AS timestamp)"],
    create: "CREATE TABLE IF NOT EXISTS {table} (id BIGSERIAL NOT NULL PRIMARY KEY, \
             session_id VARCHAR(255) UNIQUE, data BYTEA, expiry TIMESTAMP WITHOUT TIME ZONE)",
    set: &[UPSERT],
    add: &[ADD],
    room: None,
};
// ANCHOR_END: postgres

impl Database for PgConnection {
    const NAME: &'static str = "postgres";
    const DIALECT: &'static Dialect = &DIALECT;
    const WAITS: bool = true;

    fn run(&mut self, bound: Bound<'_>) -> QueryResult<usize> {
        bound.execute(self)
    }

    fn rows(&mut self, bound: Bound<'_>) -> QueryResult<Vec<Row>> {
        bound.load(self)
    }
}

/// What libpq takes in a URL.
const PARAMETERS: &[&str] = &[
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssencmode",
    "gsslib",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "options",
    "passfile",
    "password",
    "port",
    "require_auth",
    "requirepeer",
    "service",
    "ssl",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

pub(in crate::session::store) fn open(mut url: StoreUrl) -> Result<Box<dyn Store>, StoreError> {
    let (options, pool) = SqlOptions::take(&mut url)?;
    // A server that is gone without a word is noticed by what is not acknowledged.
    let seconds = options.timeout.as_secs().max(2);
    url.set_default("connect_timeout", seconds.to_string());
    url.set_default("tcp_user_timeout", (seconds * 1000).to_string());
    url.set_default("keepalives_idle", seconds.to_string());
    url.set_default("keepalives_interval", seconds.to_string());
    url.set_default("keepalives_count", "2");
    let url = url.into_client_url_with(PARAMETERS)?;
    Ok(Box::new(SqlStore::<PgConnection>::connect(
        &url, pool, options, None,
    )?))
}
