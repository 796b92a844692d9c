//! For the chapter on MongoDB: what a server does that deletes by its own clock, and late.

use carafe::session::store::{Lifetime, MemoryStore, Store, StoreError};

use super::Output;

pub(crate) const OUTPUTS: &[Output] = &[("store_mongodb/clocks", || clocks().unwrap())];

// ANCHOR: clocks
fn clocks() -> Result<String, StoreError> {
    const NOON: u64 = 1_700_049_600;
    let store = MemoryStore::new();
    let hour = Lifetime {
        now: NOON,
        seconds: 3600,
    };
    let mut lines = Vec::new();
    let mut look = |when: &str, app_says: u64| {
        let found = store.get("session:id", app_says)?.is_some();
        let kept = store.len();
        lines.push(format!("{when:42} found: {found:5} kept: {kept}"));
        Ok::<_, StoreError>(())
    };

    store.set("session:id", b"data", hour)?;
    look("13:00, the last second of its hour", NOON + 3600)?;
    look("13:01, the server has not looked yet", NOON + 3660)?;
    store.cleanup(NOON + 3690)?;
    look("13:02, the server has looked", NOON + 3720)?;

    store.set("session:id", b"data", hour)?;
    // It is noon, and the server believes that it is two.
    store.cleanup(NOON + 7200)?;
    look("12:01, the server's clock is 2 hours ahead", NOON + 60)?;
    Ok(lines.join("\n"))
}
// ANCHOR_END: clocks
