//! The floors: one read and one write of a session's bytes, with the client library that the store uses.
//!
//! For Memcached that is none: the floor writes the two commands to a socket, and reads until the answer is whole.

use super::Contestant;

const SECONDS: u64 = 31 * 24 * 60 * 60;

/// As long as the session's own key, and another one.
fn other(key: &str) -> String {
    format!("f{}", &key[1..])
}

#[cfg(feature = "redis")]
pub(crate) fn redis(url: &str, key: &str, bytes: &[u8]) -> Contestant {
    use redis::{Cmd, IntoConnectionInfo, cmd};
    let info = url.into_connection_info().unwrap();
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    let client = redis::Client::open(info.set_tcp_settings(tcp)).unwrap();
    let mut connection = client.get_connection().unwrap();
    let (key, bytes) = (other(key), bytes.to_vec());
    let one = move || {
        let found: Option<Vec<u8>> = Cmd::get(&key).query(&mut connection).unwrap();
        std::hint::black_box(found);
        let mut set = cmd("SET");
        set.arg(&key).arg(&bytes).arg("EX").arg(SECONDS);
        set.exec(&mut connection).unwrap();
    };
    Contestant::new("Redis", "floor", one)
}

#[cfg(feature = "memcached")]
pub(crate) fn memcached(address: &str, key: &str, bytes: &[u8]) -> Contestant {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
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
        std::hint::black_box(buffer[..length].to_vec());
    };
    let one = move || {
        ask(format!("get {key}\r\n").as_bytes(), b"END\r\n");
        // More than 30 days are a time, and 30 are a number of seconds.
        let mut set = format!("set {key} 0 {} {}\r\n", SECONDS - 86_400, bytes.len()).into_bytes();
        set.extend_from_slice(&bytes);
        set.extend_from_slice(b"\r\n");
        ask(&set, b"STORED\r\n");
    };
    Contestant::new("Memcached", "floor", one)
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
diesel::table! {
    sessions (session_id) {
        session_id -> Text,
        data -> Binary,
    }
}

/// The row is a copy of the session's own. A macro, since a function would have to name what diesel makes of a query for
/// each of its databases.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
macro_rules! sql_floor {
    ($name:literal, $connection:ty, $url:expr, $key:expr, $bytes:expr) => {{
        use diesel::prelude::*;
        use sessions::dsl;
        let mut connection = <$connection>::establish($url).unwrap();
        let (own, key, mut bytes) = ($key.to_owned(), other($key), $bytes.to_vec());
        let copy = "INSERT INTO sessions (session_id, data, expiry) SELECT '{key}', data, expiry FROM sessions \
                    WHERE session_id = '{own}'";
        let copy = copy.replace("{key}", &key).replace("{own}", &own);
        assert_eq!(diesel::sql_query(copy).execute(&mut connection), Ok(1));
        let one = move || {
            let row = dsl::sessions.filter(dsl::session_id.eq(&key));
            let found: Vec<u8> = row.select(dsl::data).first(&mut connection).unwrap();
            std::hint::black_box(found);
            // SQLite writes nothing where nothing has changed.
            if let Some(last) = bytes.last_mut() {
                *last = last.wrapping_add(1);
            }
            let row = dsl::sessions.filter(dsl::session_id.eq(&key));
            let set = diesel::update(row).set(dsl::data.eq(&bytes));
            assert_eq!(set.execute(&mut connection), Ok(1));
        };
        Contestant::new($name, "floor", one)
    }};
}

#[cfg(feature = "sqlite")]
pub(crate) fn sqlite(path: &str, key: &str, bytes: &[u8]) -> Contestant {
    sql_floor!("SQLite", diesel::SqliteConnection, path, key, bytes)
}

#[cfg(feature = "postgres")]
pub(crate) fn postgres(url: &str, key: &str, bytes: &[u8]) -> Contestant {
    sql_floor!("PostgreSQL", diesel::PgConnection, url, key, bytes)
}
