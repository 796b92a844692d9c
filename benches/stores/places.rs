//! The stores, each with its server and all who take part there.
//!
//! Read next: `floor.rs`.

use std::any::Any;
use std::time::{SystemTime, UNIX_EPOCH};

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::open as open_store;
use carafe::{App, Scaffold, session};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::child::Child;
use crate::files::TempDir;
#[cfg(any(
    feature = "redis",
    feature = "memcached",
    feature = "postgres",
    feature = "mysql",
    feature = "mongodb"
))]
use crate::servers;
use crate::{Contestant, common, floor, timed};

/// A store.
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) all: Vec<Contestant>,
    /// Makes them once more, for this port.
    pub(crate) contestants: Box<dyn Fn(u16) -> Vec<Contestant>>,
    /// The server's, if it has one.
    pub(crate) port: Option<u16>,
    /// The server, or the directory, which goes with this.
    _owned: Box<dyn Any>,
}

impl Place {
    /// One that is there on this machine.
    fn new(
        name: &'static str,
        port: Option<u16>,
        owned: impl Any,
        contestants: impl Fn(u16) -> Vec<Contestant> + 'static,
    ) -> Self {
        Place {
            name,
            all: contestants(port.unwrap_or_default()),
            contestants: Box::new(contestants),
            port,
            _owned: Box::new(owned),
        }
    }

    /// One whose program is not there.
    #[allow(dead_code, reason = "without a feature for a server")]
    fn missing(name: &'static str) -> Self {
        Place::new(name, None, (), |_port| Vec::new())
    }
}

type Open = fn(&'static str) -> Place;

/// All of them, in the order of the table.
const PLACES: &[(&str, Open)] = &[
    ("memory", memory),
    ("files", files),
    #[cfg(feature = "redis")]
    ("Redis", redis),
    #[cfg(feature = "memcached")]
    ("Memcached", memcached),
    #[cfg(feature = "sqlite")]
    ("SQLite", sqlite),
    #[cfg(feature = "postgres")]
    ("PostgreSQL", postgres),
    #[cfg(feature = "mysql")]
    ("MariaDB", mariadb),
    #[cfg(feature = "mongodb")]
    ("MongoDB", mongodb),
];

/// All, or those of these names; memory is there always.
pub(crate) fn open(only: Option<&str>) -> Vec<Place> {
    let is_wanted = |name: &str| {
        let is_it = |only: &str| only.split(',').any(|only| only.eq_ignore_ascii_case(name));
        name == "memory" || only.is_none_or(is_it)
    };
    let wanted = PLACES.iter().filter(|(name, _)| is_wanted(name));
    wanted.map(|(name, open)| open(name)).collect()
}

/// An app that keeps its sessions there, and a visitor of whom it has one.
struct Visitor {
    app: App,
    cookie: HeaderValue,
    /// The key of the session, and what is under it.
    key: String,
    bytes: Vec<u8>,
}

impl Visitor {
    fn of(url: &str) -> Self {
        let mut app = common::app(None);
        app.session_interface(ServerSideSessionInterface::from_url(url).unwrap());
        app.route("/login", || {
            session().insert("count", 41)?;
            session().insert("username", "jack")?;
            Ok::<_, carafe::Error>("welcome")
        });
        let mut id = String::new();
        let mut start = |status: StatusCode, headers: HeaderMap| {
            assert_eq!(status, StatusCode::OK);
            let cookie = headers[SET_COOKIE].to_str().unwrap();
            let cookie = cookie.strip_prefix("session=").unwrap();
            id = cookie.split(';').next().unwrap().to_owned();
        };
        let body = app
            .wsgi_app(common::environ("/login", None), &mut start)
            .unwrap();
        drop(body.into_bytes().unwrap());
        let key = format!("session:{id}");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        // What is in this process's memory, another store does not see; it has no floor either.
        let bytes = open_store(url).unwrap().get(&key, now.as_secs()).unwrap();
        Visitor {
            app,
            cookie: HeaderValue::try_from(format!("session={id}")).unwrap(),
            key,
            bytes: bytes.unwrap_or_default(),
        }
    }

    /// Carafe. What a server makes of a request's bytes is ready when the time begins, as it is for Flask.
    fn contestant(self) -> Contestant {
        let one = move || {
            let environ = common::environ("/counter", Some(&self.cookie));
            timed(|| common::request(&self.app, environ).unwrap())
        };
        Contestant::new("Carafe", move |count| (0..count).map(|_| one()).collect())
    }

    /// The floor, Carafe, and Flask-Session with this type and this URL.
    fn beside(
        self,
        floor: fn(&str, &str, &[u8]) -> Contestant,
        url: &str,
        kind: &str,
        flask_url: &str,
    ) -> Vec<Contestant> {
        let mut all = vec![floor(url, &self.key, &self.bytes), self.contestant()];
        let flask = Child::flask(kind, flask_url);
        all.extend(flask.map(|child| child.contestant("Flask-Session")));
        all
    }
}

fn memory(name: &'static str) -> Place {
    Place::new(name, None, (), |_port| {
        vec![Visitor::of("memory:").contestant()]
    })
}

fn files(name: &'static str) -> Place {
    let dir = TempDir::new();
    let path = dir.path().display().to_string();
    Place::new(name, None, dir, move |_port| {
        let url = format!("file://{path}/carafe");
        let others = format!("{path}/flask");
        Visitor::of(&url).beside(floor::files, &path, "cachelib", &others)
    })
}

#[cfg(feature = "redis")]
fn redis(name: &'static str) -> Place {
    let Some(server) = servers::redis(&[]) else {
        return Place::missing(name);
    };
    Place::new(name, Some(server.port()), server, |port| {
        let url = &format!("redis://127.0.0.1:{port}");
        let mut all = Visitor::of(url).beside(floor::redis, url, "redis", url);
        all.extend(Child::actix(url).map(|child| child.contestant("actix-session")));
        all
    })
}

#[cfg(feature = "memcached")]
fn memcached(name: &'static str) -> Place {
    let Some(server) = servers::memcached(&[]) else {
        return Place::missing(name);
    };
    Place::new(name, Some(server.port()), server, |port| {
        let address = &format!("127.0.0.1:{port}");
        let visitor = Visitor::of(&format!("memcached://{address}"));
        visitor.beside(floor::memcached, address, "memcached", address)
    })
}

#[cfg(feature = "sqlite")]
fn sqlite(name: &'static str) -> Place {
    let dir = TempDir::new();
    std::fs::create_dir_all(dir.path()).unwrap();
    let path = dir.path().join("sessions.db").display().to_string();
    Place::new(name, None, dir, move |_port| {
        let (url, of_flask) = (format!("sqlite://{path}"), format!("sqlite:///{path}"));
        Visitor::of(&url).beside(floor::sqlite, &path, "sqlalchemy", &of_flask)
    })
}

#[cfg(feature = "postgres")]
fn postgres(name: &'static str) -> Place {
    let Some(server) = servers::postgres() else {
        return Place::missing(name);
    };
    Place::new(name, Some(server.port()), server, |port| {
        let rest = format!("carafe@127.0.0.1:{port}/postgres");
        let url = &format!("postgres://{rest}");
        let of_flask = &format!("postgresql+psycopg2://{rest}");
        Visitor::of(url).beside(floor::postgres, url, "sqlalchemy", of_flask)
    })
}

#[cfg(feature = "mysql")]
fn mariadb(name: &'static str) -> Place {
    let Some(server) = servers::mariadb() else {
        return Place::missing(name);
    };
    Place::new(name, Some(server.port()), server, |port| {
        let rest = format!("root@127.0.0.1:{port}/test");
        let url = &format!("mysql://{rest}");
        let of_flask = &format!("mysql+pymysql://{rest}");
        Visitor::of(url).beside(floor::mysql, url, "sqlalchemy", of_flask)
    })
}

#[cfg(feature = "mongodb")]
fn mongodb(name: &'static str) -> Place {
    let Some(server) = servers::mongodb(false) else {
        return Place::missing(name);
    };
    Place::new(name, Some(server.port()), server, |port| {
        let server = format!("mongodb://127.0.0.1:{port}");
        let url = &format!("{server}/flask_session?directConnection=true");
        Visitor::of(url).beside(floor::mongodb, url, "mongodb", &server)
    })
}
