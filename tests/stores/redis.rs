//! Sessions in a real redis-server.

use std::sync::Arc;

use serde_json::json;

use carafe::clock::FixedClock;
use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{Store, open};

use crate::servers::{self, Server};
use crate::sharing;
use crate::suite::{self, Subject};

/// Makes a server believe that this many seconds have passed: each key has that much less to live.
const AGE: &str = "\
for _, key in ipairs(redis.call('KEYS', '*')) do
    local left = redis.call('PTTL', key)
    if left >= 0 then
        redis.call('PEXPIRE', key, left - tonumber(ARGV[1]) * 1000)
    end
end";

fn age(port: u16, seconds: u64) {
    let (port, seconds) = (port.to_string(), seconds.to_string());
    servers::output("redis-cli", &["-p", &port, "EVAL", AGE, "0", &seconds]);
}

fn store(url: &str) -> Arc<dyn Store> {
    Arc::from(open(url).unwrap())
}

pub(crate) fn url(server: &Server) -> String {
    format!("redis://{}", server.address())
}

#[test]
fn the_redis_store_does_all_that_a_store_should() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let (url, port) = (url(&server), server.port());
    suite::run(&Subject {
        name: "redis",
        store: Box::new(move || store(&url)),
        pass: Box::new(move |clock: &FixedClock, seconds| {
            clock.advance(seconds);
            age(port, seconds);
        }),
    });
}

#[test]
fn redis_is_shared_with_flask() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let url = url(&server);
    let config = json!({"SESSION_TYPE": "redis", "SESSION_REDIS": &url});
    sharing::run(&config, || {
        ServerSideSessionInterface::from_url(&url).unwrap()
    });
}
