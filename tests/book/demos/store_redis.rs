//! For the chapter on Redis: what an app sees of a session that its store has dropped.

use std::sync::Arc;

use carafe::session::ServerSideSessionInterface;
use carafe::session::store::{MemoryStore, Store};
use carafe::{App, Error, Scaffold, session};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[("store_redis/evicted", || evicted().unwrap())];

// ANCHOR: evicted
fn evicted() -> Result<String, Error> {
    let store = Arc::new(MemoryStore::new());
    let mut app = App::new("shop");
    app.session_interface(ServerSideSessionInterface::new(Arc::clone(&store)));
    app.get("/login", || {
        session().insert("username", "jack").map(|()| "welcome")
    });
    app.get("/", || {
        let username: Option<String> = session().get("username");
        format!("hello, {}", username.as_deref().unwrap_or("stranger"))
    });
    let mut client = app.test_client();
    client.get("/login").send()?;
    let before = client.get("/").send()?;
    // What a server does that is full.
    let id = client.get_cookie("session").unwrap_or_default();
    store.delete(&format!("session:{id}"))?;
    let after = client.get("/").send()?;
    let answers = [before, after].map(|it| format!("{} {}", it.status_code(), it.text()));
    Ok(answers.join("\n"))
}
// ANCHOR_END: evicted
