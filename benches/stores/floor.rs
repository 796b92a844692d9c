//! The floors: one read and one write of a session's bytes, with the client library that the store uses.
//!
//! Each has one connection, which is open, with the timeouts that a server would set, and prepared statements where there
//! are any. For Memcached there is no library: the floor writes the two commands to a socket, and reads until the answer
//! is whole. For files it is the system: a file is read, and one is written beside it and renamed.

use std::hint::black_box;
#[cfg(any(feature = "redis", feature = "memcached"))]
use std::time::Duration;

use crate::{Contestant, timed};

#[cfg(any(feature = "redis", feature = "memcached"))]
const SECONDS: u64 = 31 * 24 * 60 * 60;
/// What the stores have by default.
#[cfg(any(feature = "redis", feature = "memcached"))]
const TIMEOUT: Option<Duration> = Some(Duration::from_secs(5));

fn floor(mut one: impl FnMut() + 'static) -> Contestant {
    Contestant::new("floor", move |count| {
        (0..count).map(|_| timed(&mut one)).collect()
    })
}

/// As long as the session's own key, and another one.
fn other(key: &str) -> String {
    format!("f{}", &key[1..])
}

pub(crate) fn files(dir: &str, key: &str, bytes: &[u8]) -> Contestant {
    let path = format!("{dir}/{}", other(key));
    let beside = format!("{path}.new");
    std::fs::write(&path, bytes).unwrap();
    let bytes = bytes.to_vec();
    floor(move || {
        black_box(std::fs::read(&path).unwrap());
        std::fs::write(&beside, &bytes).unwrap();
        std::fs::rename(&beside, &path).unwrap();
    })
}

#[cfg(feature = "redis")]
pub(crate) fn redis(url: &str, key: &str, bytes: &[u8]) -> Contestant {
    use redis::{Cmd, IntoConnectionInfo, cmd};
    let info = url.into_connection_info().unwrap();
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    let client = redis::Client::open(info.set_tcp_settings(tcp)).unwrap();
    let mut connection = client.get_connection().unwrap();
    connection.set_read_timeout(TIMEOUT).unwrap();
    connection.set_write_timeout(TIMEOUT).unwrap();
    let (key, bytes) = (other(key), bytes.to_vec());
    floor(move || {
        let found: Option<Vec<u8>> = Cmd::get(&key).query(&mut connection).unwrap();
        black_box(found);
        let mut set = cmd("SET");
        set.arg(&key).arg(&bytes).arg("EX").arg(SECONDS);
        set.exec(&mut connection).unwrap();
    })
}

#[cfg(feature = "memcached")]
pub(crate) fn memcached(address: &str, key: &str, bytes: &[u8]) -> Contestant {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(TIMEOUT).unwrap();
    stream.set_write_timeout(TIMEOUT).unwrap();
    let key = other(key);
    let (mut buffer, bytes) = ([0; 4096], bytes.to_vec());
    let mut ask = move |request: &[u8], end: &[u8]| {
        stream.write_all(request).unwrap();
        let mut length = 0;
        while !buffer[..length].ends_with(end) {
            let read = stream.read(&mut buffer[length..]).unwrap();
            assert!(read > 0, "it has hung up");
            length += read;
        }
        black_box(buffer[..length].to_vec());
    };
    floor(move || {
        ask(format!("get {key}\r\n").as_bytes(), b"END\r\n");
        // More than 30 days are a time, and 30 are a number of seconds.
        let mut set = format!("set {key} 0 {} {}\r\n", SECONDS - 86_400, bytes.len()).into_bytes();
        set.extend_from_slice(&bytes);
        set.extend_from_slice(b"\r\n");
        ask(&set, b"STORED\r\n");
    })
}

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
diesel::table! {
    sessions (session_id) {
        session_id -> Text,
        data -> Binary,
        expiry -> Timestamp,
    }
}

/// The row is a copy of the session's own. A macro, since a function would have to name what diesel makes of a query for
/// each of its databases.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
macro_rules! sql_floor {
    ($connection:ty, $url:expr, $key:expr, $bytes:expr) => {{
        use diesel::prelude::*;
        use sessions::dsl;
        let mut connection = <$connection>::establish($url).unwrap();
        let (own, key, mut bytes) = ($key.to_owned(), other($key), $bytes.to_vec());
        let copy = "INSERT INTO sessions (session_id, data, expiry) SELECT '{key}', data, expiry FROM sessions \
                    WHERE session_id = '{own}'";
        let copy = copy.replace("{key}", &key).replace("{own}", &own);
        assert_eq!(diesel::sql_query(copy).execute(&mut connection), Ok(1));
        floor(move || {
            let is_it = dsl::session_id.eq(&key);
            let lives = dsl::expiry.ge(diesel::dsl::now);
            let row = dsl::sessions.filter(is_it).filter(lives);
            // All of them, which is one: MySQL's client has to be told in a round trip of its own not to send the rest.
            let found: Vec<Vec<u8>> = row.select(dsl::data).load(&mut connection).unwrap();
            assert_eq!(black_box(found).len(), 1);
            // SQLite writes nothing where nothing has changed.
            if let Some(last) = bytes.last_mut() {
                *last = last.wrapping_add(1);
            }
            let row = dsl::sessions.filter(dsl::session_id.eq(&key));
            let set = diesel::update(row).set(dsl::data.eq(&bytes));
            assert_eq!(set.execute(&mut connection), Ok(1));
        })
    }};
}

#[cfg(feature = "sqlite")]
pub(crate) fn sqlite(path: &str, key: &str, bytes: &[u8]) -> Contestant {
    sql_floor!(diesel::SqliteConnection, path, key, bytes)
}

#[cfg(feature = "postgres")]
pub(crate) fn postgres(url: &str, key: &str, bytes: &[u8]) -> Contestant {
    // As the store asks libpq to.
    let timeouts = "connect_timeout=5&tcp_user_timeout=5000&keepalives_idle=5&keepalives_interval=5&keepalives_count=2";
    sql_floor!(
        diesel::PgConnection,
        &format!("{url}?{timeouts}"),
        key,
        bytes
    )
}

#[cfg(feature = "mysql")]
pub(crate) fn mysql(url: &str, key: &str, bytes: &[u8]) -> Contestant {
    sql_floor!(diesel::MysqlConnection, url, key, bytes)
}

#[cfg(feature = "mongodb")]
pub(crate) fn mongodb(url: &str, key: &str, bytes: &[u8]) -> Contestant {
    use mongodb::bson::{Binary, Document, doc, spec::BinarySubtype};
    use mongodb::options::WriteConcern;
    use mongodb::sync::Client;
    let client = Client::with_uri_str(format!("{url}&connectTimeoutMS=5000&journal=true")).unwrap();
    assert_eq!(
        client
            .write_concern()
            .and_then(|concern: &WriteConcern| concern.journal),
        Some(true)
    );
    let sessions = client
        .database("flask_session")
        .collection::<Document>("sessions");
    let (key, mut bytes) = (other(key), bytes.to_vec());
    let mut set = move |sessions: &mongodb::sync::Collection<Document>, key: &str| {
        // MongoDB writes nothing where nothing has changed.
        if let Some(last) = bytes.last_mut() {
            *last = last.wrapping_add(1);
        }
        let val = Binary {
            subtype: BinarySubtype::Generic,
            bytes: bytes.clone(),
        };
        let update = sessions.update_one(
            doc! { "id": key },
            doc! { "$set": { "id": key, "val": val } },
        );
        update.upsert(true).run().unwrap();
    };
    set(&sessions, &key);
    floor(move || {
        let find = sessions.find_one(doc! { "id": &key });
        black_box(
            find.projection(doc! { "_id": 0, "val": 1 })
                .run()
                .unwrap()
                .unwrap(),
        );
        set(&sessions, &key);
    })
}
