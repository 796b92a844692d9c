//! The store in MySQL and MariaDB, with a MariaDB.

use std::sync::Arc;

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{Lifetime, SqlOptions, SqlStore, StoreErrorKind, open};
use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel::{Connection, MysqlConnection};
use serde_json::json;

use crate::servers::{self, Server};
use crate::sharing::Flask;
use crate::suite::{self, Subject};
use crate::{failing, sharing};

const HOUR: Lifetime = Lifetime {
    now: 1_700_000_000,
    seconds: 3600,
};

fn start() -> Option<Server> {
    servers::mariadb()
}

fn url(server: &Server, database: &str, query: &str) -> String {
    let port = server.port();
    format!("mysql://root@127.0.0.1:{port}/{database}{query}")
}

fn connect(server: &Server) -> MysqlConnection {
    MysqlConnection::establish(&url(server, "test", "")).unwrap()
}

#[track_caller]
fn execute(server: &Server, sql: &str) {
    connect(server).batch_execute(sql).unwrap();
}

/// Flask's config for this URL. Flask makes the table, if there is none.
fn config(url: &str) -> serde_json::Value {
    json!({
        "SESSION_TYPE": "sqlalchemy",
        "SESSION_SQLALCHEMY": url.replace("mysql:", "mysql+pymysql:"),
    })
}

#[test]
fn the_mysql_store_does_all_that_a_store_should() {
    let Some(server) = start() else { return };
    let url = url(&server, "test", "?charset=utf8mb4");
    suite::run(&Subject {
        name: "mysql",
        store: Box::new(move || Arc::from(open(&url).unwrap())),
        pass: Box::new(suite::clock_moves),
    });
}

#[test]
fn so_does_one_over_a_pool_of_the_apps_own_in_another_database() {
    let Some(server) = start() else { return };
    execute(&server, "CREATE DATABASE `My ``schema`");
    let manager = ConnectionManager::<MysqlConnection>::new(url(&server, "test", ""));
    let pool = Pool::builder().max_size(2).build(manager).unwrap();
    suite::run(&Subject {
        name: "mysql, the app's pool",
        store: Box::new(move || {
            let options = SqlOptions {
                table: "My `sessions".to_owned(),
                schema: Some("My `schema".to_owned()),
                ..SqlOptions::default()
            };
            Arc::new(SqlStore::with_pool(pool.clone(), options).unwrap())
        }),
        pass: Box::new(suite::clock_moves),
    });
}

#[test]
fn flask_shares_the_table_whoever_made_it() {
    for made_by_carafe in [true, false] {
        let Some(server) = start() else { return };
        let url = url(&server, "test", "");
        if made_by_carafe {
            open(&url).unwrap();
        } else {
            if Flask::start(&config(&url)).is_none() {
                return;
            }
            // What is shared here takes more than SQLAlchemy's 64 KiB.
            execute(&server, "ALTER TABLE sessions MODIFY data LONGBLOB");
        }
        sharing::run(&config(&url), || {
            ServerSideSessionInterface::from_url(&url).unwrap()
        });
    }
}

#[test]
fn a_user_a_password_and_a_database_are_decoded() {
    let Some(server) = start() else { return };
    execute(
        &server,
        "CREATE DATABASE `my größe%`; CREATE USER `jack@home`@`%` IDENTIFIED BY 'p@ss/w%?rd#+';
         GRANT ALL ON *.* TO `jack@home`@`%`;",
    );
    let place = format!(
        "jack%40home:p%40ss%2Fw%25%3Frd%23+@127.0.0.1:{}",
        server.port()
    );
    let store = open(&format!("mysql://{place}/my%20gr%C3%B6%C3%9Fe%25?pool=1")).unwrap();
    store.set("session:id", b"data", HOUR).unwrap();
    // Not encoded, which SQLAlchemy takes, too.
    let again = open(&format!("mysql://{place}/my größe%25")).unwrap();
    let found = again.get("session:id", HOUR.now).unwrap();
    assert_eq!(found.as_deref(), Some(&b"data"[..]));
    execute(&server, "DELETE FROM `my größe%`.sessions");
    assert_eq!(store.get("session:id", HOUR.now).unwrap(), None);

    let error = open(&format!("mysql://{place}/no%20where")).err().unwrap();
    assert!(error.to_string().contains("no where"), "{error}");
    let wrong = place.replace("%23+", "");
    let error = open(&format!("mysql://{wrong}/test?timeout=2"))
        .err()
        .unwrap();
    assert!(!error.to_string().contains("p%40ss"), "{error}");
    assert!(!error.to_string().contains("p@ss"), "{error}");
}

#[test]
fn a_save_is_there_for_all_whatever_the_server_does_with_a_statement_that_ends() {
    let Some(server) = start() else { return };
    execute(&server, "SET GLOBAL autocommit = 0");
    let url = url(&server, "test", "");
    let (writer, reader) = (open(&url).unwrap(), open(&url).unwrap());
    for value in [b"first", b"again"] {
        writer.set("session:id", value, HOUR).unwrap();
        let found = reader.get("session:id", HOUR.now).unwrap();
        assert_eq!(found.as_deref(), Some(&value[..]));
    }
}

#[test]
fn what_a_blob_of_sqlalchemys_has_no_room_for_is_an_error_that_says_so() {
    let Some(server) = start() else { return };
    // As SQLAlchemy makes it, in a database that would rather cut data off than complain.
    execute(
        &server,
        "SET GLOBAL sql_mode = '';
         CREATE TABLE sessions (id INTEGER NOT NULL AUTO_INCREMENT, session_id VARCHAR(255), data BLOB, \
         expiry DATETIME, PRIMARY KEY (id), UNIQUE (session_id))",
    );
    let store = open(&url(&server, "test", "")).unwrap();
    let value = vec![7; 65_536];
    store.set("session:id", &value[1..], HOUR).unwrap();
    for error in [
        store.set("session:id", &value, HOUR).unwrap_err(),
        store
            .compare_and_set("session:id", Some(&value[1..]), &value, HOUR)
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Unstorable);
        assert_eq!(
            error.to_string(),
            "session store mysql: the session takes 65536 bytes, and the column data of the table \
             \"sessions\" has room for 65535: ALTER TABLE ... MODIFY data LONGBLOB"
        );
    }
    let found = store.get("session:id", HOUR.now).unwrap();
    assert_eq!(found.as_deref(), Some(&value[1..]));
    execute(&server, "ALTER TABLE sessions MODIFY data LONGBLOB");
    store.set("session:id", &value, HOUR).unwrap();
    let found = store.get("session:id", HOUR.now).unwrap();
    assert_eq!(found, Some(value));
}

#[test]
fn what_the_server_takes_no_packet_of_is_an_error_and_loses_nothing() {
    let Some(server) = start() else { return };
    let store = open(&url(&server, "test", "?pool=1")).unwrap();
    store.set("session:id", b"data", HOUR).unwrap();
    // It takes 2 MiB.
    let error = store.set("session:id", &[7; 3 << 20], HOUR).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    let found = store.get("session:id", HOUR.now).unwrap();
    assert_eq!(found.as_deref(), Some(&b"data"[..]));
}

#[test]
fn an_a_is_no_capital_a_whoever_made_the_table() {
    let Some(server) = start() else { return };
    execute(
        &server,
        "CREATE TABLE sessions (id INTEGER NOT NULL AUTO_INCREMENT, session_id VARCHAR(255), data BLOB, \
         expiry DATETIME, PRIMARY KEY (id), UNIQUE (session_id))",
    );
    let store = open(&url(&server, "test", "")).unwrap();
    store.set("session:aBc", b"data", HOUR).unwrap();
    for key in ["session:AbC", "session:aBc ", "SESSION:aBc"] {
        assert_eq!(store.get(key, HOUR.now).unwrap(), None);
        assert!(!store.touch(key, HOUR).unwrap());
        assert!(
            !store
                .compare_and_set(key, Some(b"data"), b"x", HOUR)
                .unwrap()
        );
        store.delete(key).unwrap();
    }
    let found = store.get("session:aBc", HOUR.now).unwrap();
    assert_eq!(found.as_deref(), Some(&b"data"[..]));
}

#[test]
fn a_save_uses_up_no_number() {
    let Some(server) = start() else { return };
    let store = open(&url(&server, "test", "?pool=1")).unwrap();
    for n in 0..10 {
        store.set("session:id", &[n], HOUR).unwrap();
    }
    store.set("session:next", b"data", HOUR).unwrap();
    // An error unless it is the second.
    execute(
        &server,
        "CREATE TABLE one (n INT UNIQUE) AS SELECT 1 AS n;
         INSERT INTO one SELECT 1 FROM sessions WHERE id > 2",
    );
}

fn subject() -> Option<failing::Subject> {
    Some(failing::Subject {
        server: Arc::new(start()?),
        url: |port| format!("mysql://root@127.0.0.1:{port}/test?ssl_mode=preferred"),
        lasts: true,
        bears_drips: true,
        is_asked_at_first: true,
        is_missed_at_once: true,
        connections: 16,
    })
}

#[test]
fn an_outage_is_a_503_and_loses_nothing() {
    let Some(subject) = subject() else { return };
    failing::all(&subject);
}

#[test]
fn a_lock_that_is_not_let_go_of_is_a_503() {
    let Some(subject) = subject() else { return };
    failing::is_held_up(&subject, || {
        let mut other = connect(&subject.server);
        other.batch_execute("LOCK TABLES sessions WRITE").unwrap();
        other
    });
}

#[test]
fn a_visit_takes_fewer_round_trips_than_flasks() {
    let Some(subject) = subject() else { return };
    let config = |port| config(&format!("mysql://root@127.0.0.1:{port}/test"));
    // A new session's row is looked for first, so that a save of any other uses up no number.
    let wanted = [
        ("/get/color", 0),
        ("/set/color/red", 2),
        ("/get/color", 2),
        ("/set/color/blue", 2),
        ("/login/jack", 4),
        ("/logout", 2),
    ];
    failing::takes_few_round_trips(&subject, config, &wanted);
}
