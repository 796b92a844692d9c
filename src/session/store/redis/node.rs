//! One Redis server: the connections to it, and what goes over them.
//!
//! Mirrors `redis.ConnectionPool` of redis-py. The `redis` crate opens a connection and speaks the
//! protocol; when to open one, and when to throw it away, is said here.
//!
//! Read next: `../pool.rs`, who asks; `cluster.rs`, several of these.

use redis::{
    Client, Cmd, Connection, ConnectionAddr, ConnectionLike, ErrorKind, FromRedisValue, RedisError,
    RedisResult, ServerErrorKind,
};

use crate::session::store::pool::{Connect, Deadline, Fate, Pool, SocketTimeout};
use crate::session::store::{Again, StoreError, StoreErrorKind};

pub(super) struct Node {
    client: Client,
    pool: Pool<Opener>,
    /// `host:port`, for errors.
    address: String,
}

/// How a connection to this server is opened.
struct Opener(Client);

/// A connection, and what it knows of time.
struct Link {
    connection: Connection,
    timeout: SocketTimeout,
}

impl Connect for Opener {
    type Connection = Link;
    type Error = RedisError;

    fn connect(&self, deadline: Deadline) -> RedisResult<Link> {
        // The crate counts `AUTH`, `SELECT` and TLS's handshake into this time.
        let connection = self.0.get_connection_with_timeout(deadline.left()?)?;
        let timeout = SocketTimeout::none();
        Ok(Link {
            connection,
            timeout,
        })
    }

    // ANCHOR: fate
    fn fate(error: &RedisError) -> Fate {
        match error.kind() {
            // A server that was demoted: by the same name there may be another one by now.
            ErrorKind::Server(ServerErrorKind::ReadOnly) => Fate::Spoilt,
            ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::UnexpectedReturnType => {
                Fate::Good
            }
            _ if error.is_connection_dropped() && !error.is_timeout() => Fate::Ended,
            _ => Fate::Spoilt,
        }
    }
    // ANCHOR_END: fate
}

impl Node {
    pub(super) fn new(client: Client, pool: u32) -> Self {
        let addr = client.get_connection_info().addr();
        #[cfg(feature = "redis-tls")]
        if matches!(addr, ConnectionAddr::TcpTls { .. }) {
            // Where an app has another one built in too, rustls wants to be told. The app's own choice,
            // if it has made one, stays.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let address = addr.to_string();
        Node {
            pool: Pool::new(Opener(client.clone()), pool),
            client,
            address,
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Sends a command, and waits for the answer: one round trip.
    pub(super) fn query<T: FromRedisValue>(
        &self,
        command: &Cmd,
        by: Deadline,
        again: Again,
    ) -> RedisResult<T> {
        let answer = self.pool.run(by, again, |link, by| {
            let connection = link.until(by)?;
            connection.req_command(command)?.extract_error()
        })?;
        Ok(T::from_redis_value(answer)?)
    }

    /// Sends commands, and waits for all of their answers, some of which may be errors: one round trip
    /// for all of them.
    pub(super) fn query_all<T: FromRedisValue>(
        &self,
        commands: &[Cmd],
        by: Deadline,
        again: Again,
    ) -> RedisResult<Vec<RedisResult<T>>> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        for command in commands {
            pipe.add_command(command.clone());
        }
        pipe.ignore_errors();
        self.pool
            .run(by, again, |link, by| pipe.query(link.until(by)?))
    }

    /// A server's error as the store's.
    pub(super) fn error(&self, error: RedisError) -> StoreError {
        let kind = match error.code() {
            // Somebody else's list or hash under the key of a session.
            Some("WRONGTYPE") => StoreErrorKind::Unreadable,
            _ => StoreErrorKind::Unavailable,
        };
        let message = match error.is_timeout() {
            true => format!("{}: no answer in time: {error}", self.address),
            false => format!("{}: {error}", self.address),
        };
        StoreError::new("redis", kind, message).with_source(error)
    }
}

impl Link {
    /// The connection, which gives up by then.
    fn until(&mut self, by: Deadline) -> RedisResult<&mut Connection> {
        if let Some(left) = self.timeout.change(by)? {
            self.connection.set_read_timeout(Some(left))?;
            self.connection.set_write_timeout(Some(left))?;
        }
        Ok(&mut self.connection)
    }
}

/// The host and port of a server, for one that is found by them.
pub(super) fn host_and_port(address: &ConnectionAddr) -> Option<(&str, u16)> {
    match address {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            Some((host, *port))
        }
        _ => None,
    }
}
