//! What sees to it that somebody looks after the sockets while requests run on I/O threads.
//!
//! Of tokio's threads one waits for the sockets, and the others for tasks. The one takes the first task that it finds
//! ready, and wakes nobody to wait in its place. Should that task be a request that waits, no socket is looked at any
//! more, with all other threads asleep. A task from outside the runtime wakes one of them. To give it one for each
//! request would cost more than the request; so a thread looks every few milliseconds whether some run.
//!
//! Read next: `pool.rs`, where what waits should be.

use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;

use super::Bridge;

/// So long the sockets may go without anybody who looks at them.
const AWAKE: Duration = Duration::from_millis(5);

/// Starts the thread. It ends with the bridge.
pub(super) fn keep_awake(runtime: Handle, bridge: &Arc<Bridge>) -> io::Result<()> {
    let bridge = Arc::downgrade(bridge);
    let thread = thread::Builder::new().name("carafe-waker".to_owned());
    thread.spawn(move || watch(&runtime, &bridge))?;
    Ok(())
}

fn watch(runtime: &Handle, bridge: &Weak<Bridge>) {
    while let Some(bridge) = bridge.upgrade() {
        if bridge.runs_inline() {
            runtime.spawn(async {});
        }
        drop(bridge);
        thread::sleep(AWAKE);
    }
}
