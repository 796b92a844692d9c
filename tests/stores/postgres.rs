//! The store in PostgreSQL.

use std::sync::Arc;

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{Lifetime, SqlOptions, SqlStore, open};
use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, Pool};
use diesel::{Connection, PgConnection};
use serde_json::json;

use crate::servers::{self, Server};
use crate::suite::{self, Subject};
use crate::{failing, sharing};

const HOUR: Lifetime = Lifetime {
    now: 1_700_000_000,
    seconds: 3600,
};

fn start() -> Option<Server> {
    let server = servers::postgres()?;
    let mut connection = PgConnection::establish(&url(&server, "postgres", "")).unwrap();
    connection.batch_execute("CREATE DATABASE carafe").unwrap();
    Some(server)
}

fn url(server: &Server, database: &str, query: &str) -> String {
    let port = server.port();
    format!("postgres://carafe@127.0.0.1:{port}/{database}{query}")
}

fn carafe(server: &Server, query: &str) -> String {
    url(server, "carafe", query)
}

fn connect(server: &Server) -> PgConnection {
    PgConnection::establish(&carafe(server, "")).unwrap()
}

#[test]
fn the_postgres_store_does_all_that_a_store_should() {
    let Some(server) = start() else { return };
    let url = carafe(&server, "");
    suite::run(&Subject {
        name: "postgres",
        store: Box::new(move || Arc::from(open(&url).unwrap())),
        pass: Box::new(suite::clock_moves),
    });
}

#[test]
fn so_does_one_over_a_pool_of_the_apps_own_in_a_schema() {
    let Some(server) = start() else { return };
    let schema = "CREATE SCHEMA \"My \"\"schema\"";
    connect(&server).batch_execute(schema).unwrap();
    let manager = ConnectionManager::<PgConnection>::new(carafe(&server, ""));
    let pool = Pool::builder().max_size(2).build(manager).unwrap();
    suite::run(&Subject {
        name: "postgres, the app's pool",
        store: Box::new(move || {
            let options = SqlOptions {
                table: "My \"sessions".to_owned(),
                schema: Some("My \"schema".to_owned()),
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
        if made_by_carafe {
            open(&carafe(&server, "")).unwrap();
        }
        let url = carafe(&server, "");
        let config = json!({
            "SESSION_TYPE": "sqlalchemy",
            "SESSION_SQLALCHEMY": url.replace("postgres:", "postgresql+psycopg2:"),
        });
        sharing::run(&config, || {
            ServerSideSessionInterface::from_url(&url).unwrap()
        });
    }
}

#[test]
fn a_save_uses_up_no_number() {
    let Some(server) = start() else { return };
    let store = open(&carafe(&server, "?pool=1")).unwrap();
    for n in 0..10 {
        store.set("session:id", &[n], HOUR).unwrap();
    }
    // An error unless the next number is 2.
    connect(&server)
        .batch_execute("SELECT 1 / CAST(nextval('sessions_id_seq') = 2 AS integer)")
        .unwrap();
}

fn subject() -> Option<failing::Subject> {
    Some(failing::Subject {
        server: Arc::new(start()?),
        url: |port| format!("postgres://carafe@127.0.0.1:{port}/carafe?application_name=carafe"),
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
        other
            .batch_execute("BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
            .unwrap();
        other
    });
}

#[test]
fn a_visit_takes_fewer_round_trips_than_flasks() {
    let Some(subject) = subject() else { return };
    let config = |port| {
        json!({
            "SESSION_TYPE": "sqlalchemy",
            "SESSION_SQLALCHEMY":
                format!("postgresql+psycopg2://carafe@127.0.0.1:{port}/carafe"),
        })
    };
    failing::takes_few_round_trips(&subject, config, &failing::TRIPS);
}
