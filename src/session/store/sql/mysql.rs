//! MySQL and MariaDB, with the client library of either.
//!
//! Read next: `sqlite.rs`.

use std::borrow::Cow;

use diesel::connection::SimpleConnection;
use diesel::r2d2::{self, CustomizeConnection};
use diesel::{MysqlConnection, QueryResult, RunQueryDsl};
use percent_encoding::percent_decode_str;

use super::dialect::Dialect;
use super::statement::Bound;
use super::{Database, Row, SqlOptions, SqlStore};
use crate::session::store::{Store, StoreError, StoreUrl};

// ANCHOR: mysql
const UPDATE: &str = "UPDATE {table} SET data = {data}, expiry = {ends} WHERE {is_key}";
/// Alone it would do, too, but then each save, and not only a new session's, would use up a number of
/// AUTO_INCREMENT, and an INT ends after two thousand million.
const INSERT: &str = "INSERT INTO {table} (session_id, data, expiry) VALUES ({key}, {data}, {ends}) \
     ON DUPLICATE KEY UPDATE data = VALUES(data), expiry = VALUES(expiry)";
const UPDATE_EXPIRED: &str = "UPDATE {table} SET data = {data}, expiry = {ends} \
     WHERE {is_key} AND (expiry IS NULL OR expiry < {now})";
const INSERT_NEW: &str =
    "INSERT INTO {table} (session_id, data, expiry) VALUES ({key}, {data}, {ends})";

static DIALECT: Dialect = Dialect {
    quote: '`',
    // The index finds it by the column's collation, which takes an A for an a unless the table says
    // otherwise, and one made by SQLAlchemy does not.
    is_key: "session_id = {key} AND CAST(session_id AS BINARY) = CAST({key} AS BINARY)",
    time: ["CAST(", " AS DATETIME)"],
    create: "CREATE TABLE IF NOT EXISTS {table} (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, \
             session_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin UNIQUE, \
             data LONGBLOB, expiry DATETIME)",
    set: &[UPDATE, INSERT],
    add: &[UPDATE_EXPIRED, INSERT_NEW],
    // SQLAlchemy's BLOB is of 64 KiB. The two names are values here.
    room: Some(
        "SELECT CAST(character_maximum_length AS CHAR), NULL FROM information_schema.columns \
         WHERE column_name = 'data' AND table_name = {key} \
         AND table_schema = COALESCE(NULLIF({like}, ''), DATABASE())",
    ),
};
// ANCHOR_END: mysql

impl Database for MysqlConnection {
    const NAME: &'static str = "mysql";
    const DIALECT: &'static Dialect = &DIALECT;
    const WAITS: bool = true;

    fn run(&mut self, bound: Bound<'_>) -> QueryResult<usize> {
        bound.execute(self)
    }

    fn rows(&mut self, bound: Bound<'_>) -> QueryResult<Vec<Row>> {
        bound.load(self)
    }
}

/// What diesel takes in a URL.
const PARAMETERS: &[&str] = &["ssl_ca", "ssl_cert", "ssl_key", "ssl_mode", "unix_socket"];

/// What each connection is told first: a server may be set up not to commit a statement that ends. What was saved
/// would be locked then, and gone with the connection.
#[derive(Debug)]
struct Commit;

impl CustomizeConnection<MysqlConnection, r2d2::Error> for Commit {
    fn on_acquire(&self, connection: &mut MysqlConnection) -> Result<(), r2d2::Error> {
        connection
            .batch_execute("SET autocommit = 1")
            .map_err(r2d2::Error::QueryError)
    }
}

/// The URL behind its scheme. To the client library `localhost` is a socket in the file system, whatever the port; who
/// names a port means that, as PyMySQL does.
fn over_tcp(rest: &str) -> Cow<'_, str> {
    let end = rest.find('?').unwrap_or(rest.len());
    let after_user = rest[..end]
        .rfind('@')
        .map_or_else(|| "//".len(), |at| at + 1);
    match rest.split_at_checked(after_user) {
        Some((user, host)) if host.starts_with("localhost:") && !rest.contains("unix_socket=") => {
            format!("{user}127.0.0.1{}", &host["localhost".len()..]).into()
        }
        _ => rest.into(),
    }
}

/// The URL behind its scheme, and the database in it, if its name has to be decoded. diesel does so with a user and a
/// password only, and would ask for a database with percent signs in it.
fn without_escaped_database(rest: &str) -> Result<(Cow<'_, str>, Option<String>), StoreError> {
    let end = rest.find('?').unwrap_or(rest.len());
    let (place, query) = rest.split_at(end);
    let after_slashes = place.strip_prefix("//").unwrap_or_default();
    let Some((server, name)) = after_slashes.split_once('/') else {
        return Ok((rest.into(), None));
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-$/".contains(&byte);
    if name.bytes().all(is_plain) {
        return Ok((rest.into(), None));
    }
    let Ok(name) = percent_decode_str(name).decode_utf8() else {
        let message = format!("the database's name {name:?} is no UTF-8");
        return Err(StoreError::config("mysql", message));
    };
    Ok((
        format!("//{server}/{query}").into(),
        Some(name.into_owned()),
    ))
}

pub(in crate::session::store) fn open(mut url: StoreUrl) -> Result<Box<dyn Store>, StoreError> {
    let (mut options, pool) = SqlOptions::take(&mut url)?;
    // In many a URL of SQLAlchemy's. The client's is utf8mb4 always.
    url.take("charset");
    let url = url.into_client_url_with(PARAMETERS)?;
    let rest = url.split_once(':').map_or("", |(_scheme, rest)| rest);
    let (rest, database) = without_escaped_database(rest)?;
    // The table is reached by the database's name before it as well.
    options.schema = options.schema.or(database);
    let url = format!("mysql:{}", over_tcp(&rest));
    let commit = Some(Box::new(Commit) as _);
    let store = SqlStore::<MysqlConnection>::connect(&url, pool, options, commit)?;
    Ok(Box::new(store))
}

#[cfg(test)]
mod tests {
    use super::{over_tcp, without_escaped_database};

    #[test]
    fn who_names_a_port_of_localhost_means_that() {
        for (rest, wanted) in [
            ("//localhost:3306/db", "//127.0.0.1:3306/db"),
            (
                "//a:b%40@localhost:1/db?ssl_mode=x",
                "//a:b%40@127.0.0.1:1/db?ssl_mode=x",
            ),
            ("//localhost/db", "//localhost/db"),
            (
                "//localhost:1/db?unix_socket=/s",
                "//localhost:1/db?unix_socket=/s",
            ),
            ("//host:1/localhost:1", "//host:1/localhost:1"),
            ("//localhost.lan:1/db", "//localhost.lan:1/db"),
            ("", ""),
        ] {
            assert_eq!(over_tcp(rest), wanted);
        }
    }

    #[test]
    fn a_database_is_taken_out_where_its_name_has_to_be_decoded() {
        let split = |rest| {
            let (rest, database) = without_escaped_database(rest).unwrap();
            (rest.into_owned(), database)
        };
        for plain in ["//h/my_db-2$?a=%20", "//h/", "//a%40b@h", "//h/a/b", ""] {
            assert_eq!(split(plain), (plain.to_owned(), None));
        }
        for (rest, left, database) in [
            ("//h:1/my%20db", "//h:1/", "my db"),
            (
                "//a%40b@h/gr\u{f6}\u{df}e?x=1",
                "//a%40b@h/?x=1",
                "gr\u{f6}\u{df}e",
            ),
            ("//h/100%25", "//h/", "100%"),
        ] {
            assert_eq!(split(rest), (left.to_owned(), Some(database.to_owned())));
        }
        assert!(without_escaped_database("//h/%ff").is_err());
    }
}
