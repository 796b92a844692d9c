//! A Redis Cluster: which of its servers has a key, and what happens where that changes.
//!
//! Mirrors `redis.cluster.RedisCluster` of redis-py. Each key belongs to one of 16384 slots, and each slot
//! to one server. The `redis` crate has a cluster connection, too; but that is one connection to every
//! server at once, which waits without end for one that hangs, and is worth nothing while one is
//! down. Here each server has a pool of its own, and the others do not notice that one is down.
//!
//! Read next: `node.rs`, one of the servers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::{
    Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, FromRedisValue, RedisError,
    RedisResult, ServerErrorKind, Value, cmd,
};

use super::node::{Node, host_and_port};
use crate::session::store::pool::Deadline;
use crate::session::store::{Again, StoreError};

/// How often a command is sent on to another server.
const REDIRECTS: usize = 5;

pub(super) struct Cluster {
    /// Those that were given, to begin with, and where none of the others answers.
    seeds: Vec<Arc<Node>>,
    pool: u32,
    map: Mutex<Map>,
}

/// What is known of the cluster.
#[derive(Default)]
struct Map {
    /// By their addresses as the cluster gives them.
    nodes: HashMap<Address, Arc<Node>>,
    ranges: Arc<Vec<Range>>,
    /// Whether it may have changed since.
    is_stale: bool,
    /// The server that did not answer.
    failed: Option<String>,
}

type Address = (String, u16);

/// Slots that follow one another and belong to one server.
struct Range {
    first: u16,
    last: u16,
    master: Arc<Node>,
}

impl Cluster {
    pub(super) fn new(nodes: Vec<ConnectionInfo>, pool: u32) -> RedisResult<Self> {
        let seeds = nodes.into_iter().map(|info| {
            let client = Client::open(info)?;
            Ok(Arc::new(Node::new(client, pool)))
        });
        let seeds = seeds.collect::<RedisResult<Vec<_>>>()?;
        if seeds.is_empty() {
            let message = "a cluster needs a node to begin with";
            return Err((ErrorKind::InvalidClientConfig, message).into());
        }
        let map = Mutex::default();
        Ok(Cluster { seeds, pool, map })
    }

    pub(super) fn addresses(&self) -> Vec<&str> {
        self.seeds.iter().map(|node| node.address()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Map> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ANCHOR: query
    /// Sends a command to the server that has this key, and on to another one where that says so.
    pub(super) fn query<T: FromRedisValue>(
        &self,
        key: &str,
        command: &Cmd,
        by: Deadline,
        again: Again,
    ) -> Result<T, StoreError> {
        let slot = slot(key);
        let mut node = self.node_of(slot, by)?;
        let mut is_asking = false;
        for _ in 0..REDIRECTS {
            let answer = match is_asking {
                false => node.query(command, by, again),
                true => ask(&node, command, by, again),
            };
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            is_asking = false;
            let next = match error.kind() {
                ErrorKind::Server(kind @ (ServerErrorKind::Moved | ServerErrorKind::Ask)) => {
                    is_asking = kind == ServerErrorKind::Ask;
                    // For this key only, while the slot is on its way.
                    self.lock().is_stale |= !is_asking;
                    self.redirected(&error, &node)
                }
                ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::ClusterDown) => {
                    self.lock().is_stale = true;
                    None
                }
                ErrorKind::Server(_) => None,
                // It may have got a successor.
                _ => {
                    self.has_failed(&node);
                    let successor = self.node_of(slot, by).ok();
                    successor.filter(|successor| {
                        again == Again::Harmless && !Arc::ptr_eq(successor, &node)
                    })
                }
            };
            match next {
                Some(next) => node = next,
                None => return Err(node.error(error)),
            }
        }
        let message = (ErrorKind::Client, "sent from one server to the next");
        Err(node.error(message.into()))
    }
    // ANCHOR_END: query

    /// The servers that have slots.
    pub(super) fn masters(&self, by: Deadline) -> Result<Vec<Arc<Node>>, StoreError> {
        let mut masters: Vec<Arc<Node>> = Vec::new();
        for range in self.ranges(by)?.iter() {
            if !masters.iter().any(|node| Arc::ptr_eq(node, &range.master)) {
                masters.push(Arc::clone(&range.master));
            }
        }
        Ok(masters)
    }

    fn node_of(&self, slot: u16, by: Deadline) -> Result<Arc<Node>, StoreError> {
        let ranges = self.ranges(by)?;
        let after = ranges.partition_point(|range| range.first <= slot);
        let range = after.checked_sub(1).and_then(|index| ranges.get(index));
        match range.filter(|range| slot <= range.last) {
            Some(range) => Ok(Arc::clone(&range.master)),
            None => {
                self.lock().is_stale = true;
                let message = format!("no server of the cluster has slot {slot}");
                Err(StoreError::unavailable("redis", message))
            }
        }
    }

    fn has_failed(&self, node: &Node) {
        let mut map = self.lock();
        map.is_stale = true;
        map.failed = Some(node.address().to_owned());
    }

    /// The server that a `MOVED` or an `ASK` names.
    fn redirected(&self, error: &RedisError, by: &Node) -> Option<Arc<Node>> {
        let (address, _slot) = error.redirect_node()?;
        let (host, port) = address.rsplit_once(':')?;
        let address = (host.to_owned(), port.parse().ok()?);
        self.node(&mut self.lock(), address, by).ok()
    }

    // ANCHOR: ranges
    /// Which slots are where, asked for anew where that may have changed. A server that hangs gets its
    /// share of the time only, and the one that failed last is asked last.
    fn ranges(&self, by: Deadline) -> Result<Arc<Vec<Range>>, StoreError> {
        let (mut nodes, failed) = {
            let mut map = self.lock();
            if !map.is_stale && !map.ranges.is_empty() {
                return Ok(Arc::clone(&map.ranges));
            }
            map.is_stale = false;
            let nodes: Vec<_> = map.nodes.values().chain(&self.seeds).cloned().collect();
            (nodes, map.failed.take())
        };
        nodes.sort_by_key(|node| Some(node.address()) == failed.as_deref());
        let mut last_error = None;
        for (index, node) in nodes.iter().enumerate() {
            let part = by.part(nodes.len() - index).map_err(RedisError::from);
            let answer = part
                .and_then(|part| node.query(cmd("CLUSTER").arg("SLOTS"), part, Again::Harmless));
            let error = match answer.and_then(|slots: Value| self.learn(slots, node)) {
                Ok(ranges) => return Ok(ranges),
                Err(error) => error,
            };
            last_error = Some(node.error(error));
        }
        self.lock().is_stale = true;
        Err(last_error.unwrap_or_else(|| StoreError::unavailable("redis", "no server")))
    }
    // ANCHOR_END: ranges

    /// Reads an answer to `CLUSTER SLOTS`: lists of the first slot, the last, the master, and replicas.
    fn learn(&self, slots: Value, asked: &Node) -> RedisResult<Arc<Vec<Range>>> {
        type Server = (Option<String>, u16);
        let rows = Vec::<Vec<Value>>::from_redis_value(slots)?;
        let mut map = self.lock();
        let mut ranges = Vec::with_capacity(rows.len());
        let mut nodes = HashMap::new();
        for row in rows {
            let mut row = row.into_iter();
            let (Some(first), Some(last), Some(Value::Array(mut master))) =
                (row.next(), row.next(), row.next())
            else {
                continue;
            };
            // What follows is a server's id and other names.
            master.truncate(2);
            let (host, port) = Server::from_redis_value(Value::Array(master))?;
            let address = (host.unwrap_or_default(), port);
            let master = self.node(&mut map, address.clone(), asked)?;
            nodes.insert(address, Arc::clone(&master));
            ranges.push(Range {
                first: u16::from_redis_value(first)?,
                last: u16::from_redis_value(last)?,
                master,
            });
        }
        if ranges.is_empty() {
            return Err((ErrorKind::Client, "no server of the cluster has any slot").into());
        }
        ranges.sort_by_key(|range| range.first);
        map.nodes = nodes;
        map.ranges = Arc::new(ranges);
        Ok(Arc::clone(&map.ranges))
    }

    /// The server at this address, spoken to as to `like`. Without a host it is on the same one.
    fn node(&self, map: &mut Map, address: Address, like: &Node) -> RedisResult<Arc<Node>> {
        if let Some(node) = map.nodes.get(&address) {
            return Ok(Arc::clone(node));
        }
        let info = like.client().get_connection_info();
        let host = match (&*address.0, host_and_port(info.addr())) {
            ("" | "?", Some((host, _port))) => host.to_owned(),
            (host, _) => host.to_owned(),
        };
        let of_seed = |seed: &&Arc<Node>| {
            let seed = seed.client().get_connection_info().addr();
            host_and_port(seed) == Some((&*host, address.1))
        };
        let node = match self.seeds.iter().find(of_seed) {
            Some(seed) => Arc::clone(seed),
            None => {
                let info = info.clone().set_addr(at(info.addr(), host, address.1));
                Arc::new(Node::new(Client::open(info)?, self.pool))
            }
        };
        map.nodes.insert(address, Arc::clone(&node));
        Ok(node)
    }
}

/// Another address, with or without TLS as this one.
fn at(like: &ConnectionAddr, new_host: String, new_port: u16) -> ConnectionAddr {
    let mut addr = like.clone();
    match &mut addr {
        ConnectionAddr::TcpTls { host, port, .. } => {
            (*host, *port) = (new_host, new_port);
            addr
        }
        _ => ConnectionAddr::Tcp(new_host, new_port),
    }
}

// ANCHOR: slot
/// `CLUSTER KEYSLOT`: the CRC16 (XMODEM's) of the key, or of what is in its first pair of braces.
fn slot(key: &str) -> u16 {
    let in_braces = key.split_once('{').and_then(|(_, rest)| {
        let (tag, _) = rest.split_once('}')?;
        Some(tag).filter(|tag| !tag.is_empty())
    });
    let crc = in_braces.unwrap_or(key).bytes().fold(0_u16, |crc, byte| {
        let crc = crc ^ (u16::from(byte) << 8);
        (0..8).fold(crc, |crc, _bit| match crc & 0x8000 {
            0 => crc << 1,
            _ => (crc << 1) ^ 0x1021,
        })
    });
    crc % 16384
}
// ANCHOR_END: slot

/// Sends a command about a slot that is on its way to this server. The server takes it once only, right
/// behind an `ASKING`.
fn ask<T: FromRedisValue>(
    node: &Node,
    command: &Cmd,
    by: Deadline,
    again: Again,
) -> RedisResult<T> {
    let mut answers = node.query_all(&[cmd("ASKING"), command.clone()], by, again)?;
    match answers.pop() {
        Some(answer) => Ok(T::from_redis_value(answer?)?),
        None => Err((ErrorKind::Client, "no answer").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::slot;

    /// `redis-cli CLUSTER KEYSLOT` says so.
    #[test]
    fn a_key_is_in_the_slot_that_redis_says() {
        for (key, expected) in [
            ("123456789", 12739),
            ("", 0),
            ("session:{user}:1", 5474),
            ("{user}", 5474),
            ("a{}b", 13694),
            ("{{x}}", 11068),
            ("Größe", 2599),
        ] {
            assert_eq!(slot(key), expected, "{key}");
        }
    }
}
