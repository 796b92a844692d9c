//! For the chapter on SQL: what stays in a store that does not expire sessions by itself.

use std::sync::Arc;

use carafe::clock::FixedClock;
use carafe::session::ServerSideSessionInterface;
use carafe::session::store::MemoryStore;
use carafe::trace::record;
use carafe::{App, Error, Scaffold, session};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[("store_sql/cleanup", || cleanup().unwrap())];

// ANCHOR: cleanup
fn cleanup() -> Result<String, Error> {
    let store = Arc::new(MemoryStore::new());
    let clock = Arc::new(FixedClock::new(1_700_000_000));
    let mut app = App::new("shop");
    app.config().set_clock(clock.clone());
    app.config().set("PERMANENT_SESSION_LIFETIME", 3600)?;
    let sessions = ServerSideSessionInterface::new(Arc::clone(&store));
    app.session_interface(sessions.cleanup_n_requests(10));
    app.get("/login", || {
        session().insert("username", "jack")?;
        Ok::<_, Error>("welcome")
    });

    // Five browsers, and then nobody for two hours.
    for _ in 0..5 {
        app.test_client().get("/login").send()?;
    }
    clock.advance(7200);
    let mut lines = vec![format!("two hours later: {} kept", store.len())];
    for request in 6..=10 {
        let (answer, trace) = record(|| app.test_client().get("/login").send());
        answer?;
        let cleaned = trace.find("Store.cleanup").is_some();
        let kept = store.len();
        lines.push(format!(
            "request {request:2}: {kept:2} kept, cleanup: {cleaned}"
        ));
    }
    Ok(lines.join("\n"))
}
// ANCHOR_END: cleanup
