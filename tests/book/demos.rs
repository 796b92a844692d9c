//! The outputs that chapters show. Each is printed by a function here, whose code the chapter shows.
//!
//! A chapter's functions are in the file of its name; its `OUTPUTS` says what they print into:
//! `("wsgi/hello", hello)` is `book/src/generated/wsgi/hello.txt`.

#[path = "demos/after.rs"]
mod after;
#[path = "demos/app.rs"]
mod app;
#[path = "demos/before.rs"]
mod before;
#[cfg(feature = "server")]
#[path = "demos/blocking.rs"]
mod blocking;
#[path = "demos/blueprints.rs"]
mod blueprints;
#[path = "demos/contexts.rs"]
mod contexts;
#[path = "demos/differences.rs"]
mod differences;
#[path = "demos/dispatch.rs"]
mod dispatch;
#[path = "demos/errors.rs"]
mod errors;
#[path = "demos/ids.rs"]
mod ids;
#[path = "demos/lines.rs"]
mod lines;
#[path = "demos/make_response.rs"]
mod make_response;
#[path = "demos/open_session.rs"]
mod open_session;
#[path = "demos/own_store.rs"]
mod own_store;
#[path = "demos/proxies.rs"]
mod proxies;
#[path = "demos/push.rs"]
mod push;
#[path = "demos/races.rs"]
mod races;
#[path = "demos/save_session.rs"]
mod save_session;
#[cfg(feature = "server")]
#[path = "demos/server.rs"]
mod server;
#[path = "demos/server_side.rs"]
mod server_side;
#[path = "demos/session_interface.rs"]
mod session_interface;
#[path = "demos/sharing.rs"]
mod sharing;
#[path = "demos/sharing_stores.rs"]
mod sharing_stores;
#[path = "demos/signals.rs"]
mod signals;
#[path = "demos/signing.rs"]
mod signing;
#[path = "demos/start.rs"]
mod start;
#[path = "demos/store_mongodb.rs"]
mod store_mongodb;
#[path = "demos/store_redis.rs"]
mod store_redis;
#[path = "demos/store_down.rs"]
mod store_down;
#[path = "demos/store_sql.rs"]
mod store_sql;
#[path = "demos/store_down.rs"]
mod store_down;
#[path = "demos/store_files.rs"]
mod store_files;
#[path = "demos/store_redis.rs"]
mod store_redis;
#[path = "demos/streaming.rs"]
mod streaming;
#[path = "demos/surprises.rs"]
mod surprises;
#[path = "demos/teardown.rs"]
mod teardown;
#[path = "demos/testing.rs"]
mod testing;
#[path = "demos/threads.rs"]
mod threads;
#[path = "demos/wsgi.rs"]
mod wsgi;

/// A file below `book/src/generated`, without `.txt`, and what prints it.
pub(crate) type Output = (&'static str, fn() -> String);

/// Those that cannot be printed without a server.
#[cfg(feature = "server")]
const SERVED: &[&[Output]] = &[server::OUTPUTS, blocking::OUTPUTS];
#[cfg(not(feature = "server"))]
const SERVED: &[&[Output]] = &[];

/// Those of all chapters.
pub(crate) fn all() -> impl Iterator<Item = Output> {
    [
        after::OUTPUTS,
        differences::OUTPUTS,
        sharing::OUTPUTS,
        surprises::OUTPUTS,
        app::OUTPUTS,
        contexts::OUTPUTS,
        proxies::OUTPUTS,
        push::OUTPUTS,
        start::OUTPUTS,
        wsgi::OUTPUTS,
        open_session::OUTPUTS,
        save_session::OUTPUTS,
        session_interface::OUTPUTS,
        server_side::OUTPUTS,
        store_files::OUTPUTS,
        own_store::OUTPUTS,
        signing::OUTPUTS,
        store_mongodb::OUTPUTS,
        store_sql::OUTPUTS,
        before::OUTPUTS,
        dispatch::OUTPUTS,
        errors::OUTPUTS,
        make_response::OUTPUTS,
        blueprints::OUTPUTS,
        signals::OUTPUTS,
        store_redis::OUTPUTS,
        streaming::OUTPUTS,
        teardown::OUTPUTS,
        testing::OUTPUTS,
        threads::OUTPUTS,
        store_down::OUTPUTS,
        races::OUTPUTS,
        sharing_stores::OUTPUTS,
    ]
    .into_iter()
    .chain(SERVED.iter().copied())
    .flatten()
    .copied()
}
