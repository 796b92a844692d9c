//! The book's steppers that play two visits on a real store: what is played is what happens now.
//!
//! `UPDATE=1 cargo test --all-features --test stores played` writes them anew. How they are recorded and
//! compared: `tests/book/stepper/stores.rs`.

#[cfg(any(
    feature = "redis",
    feature = "memcached",
    feature = "mongodb",
    feature = "sql"
))]
use crate::stepper::expect_played;

#[cfg(any(
    feature = "redis",
    feature = "memcached",
    feature = "mongodb",
    feature = "postgres",
    feature = "mysql"
))]
use crate::servers;

#[cfg(feature = "redis")]
#[test]
fn the_stepper_plays_what_redis_is_told() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let url = format!("redis://{}", server.address());
    expect_played("store_redis", "A session in Redis", &url);
}

#[cfg(feature = "memcached")]
#[test]
fn the_stepper_plays_what_memcached_is_told() {
    let Some(server) = servers::memcached(&[]) else {
        return;
    };
    let url = format!("memcached://{}", server.address());
    expect_played("store_memcached", "A session in memcached", &url);
}

#[cfg(feature = "mongodb")]
#[test]
fn the_stepper_plays_what_mongodb_is_told() {
    // The visits are of the year 2023: with an index it would delete what they leave.
    let Some(server) = servers::mongodb(false) else {
        return;
    };
    let url = format!("mongodb://127.0.0.1:{}/flask_session", server.port());
    expect_played("store_mongodb", "A session in MongoDB", &url);
}

#[cfg(feature = "sqlite")]
#[test]
fn the_stepper_plays_what_sqlite_is_told() {
    let dir = crate::files::TempDir::new();
    std::fs::create_dir_all(dir.path()).unwrap();
    let url = format!("sqlite://{}/sessions.db", dir.path().display());
    expect_played("store_sqlite", "A session in SQLite", &url);
}

#[cfg(feature = "postgres")]
#[test]
fn the_stepper_plays_what_postgres_is_told() {
    let Some(server) = servers::postgres() else {
        return;
    };
    let url = format!("postgres://carafe@127.0.0.1:{}/postgres", server.port());
    expect_played("store_postgres", "A session in PostgreSQL", &url);
}

#[cfg(feature = "mysql")]
#[test]
fn the_stepper_plays_what_mysql_is_told() {
    let Some(server) = servers::mariadb() else {
        return;
    };
    let url = format!("mysql://root@127.0.0.1:{}/test", server.port());
    expect_played("store_mysql", "A session in MySQL (MariaDB)", &url);
}
