//! `Watch`: whether a piece of work made its thread wait.
//!
//! The clock cannot tell: on a busy machine a view that never waits may take long, because its thread was put
//! aside. But the system counts how often a thread gave up its processor of its own accord, and that is what waiting is,
//! for a socket, a disk, a lock or the time. It also says how long the thread has computed.
//!
//! Read next: `pace.rs`, which is told.

use std::time::Duration;

use super::LONG;

pub(super) struct Watch {
    began: Option<Usage>,
}

impl Watch {
    pub(super) fn start() -> Self {
        Watch { began: usage() }
    }

    /// Whether the thread has waited since, or computed so long that others would wait for it. Where the system does not tell,
    /// it has.
    pub(super) fn has_waited(&self) -> bool {
        let (Some(began), Some(now)) = (&self.began, usage()) else {
            return true;
        };
        now.waits > began.waits || now.computed.saturating_sub(began.computed) > LONG
    }
}

struct Usage {
    waits: i64,
    computed: Duration,
}

// ANCHOR: usage
/// What this thread has used so far.
#[cfg(target_os = "linux")]
fn usage() -> Option<Usage> {
    use nix::sys::resource::{UsageWho, getrusage};

    let usage = getrusage(UsageWho::RUSAGE_THREAD).ok()?;
    Some(Usage {
        waits: usage.voluntary_context_switches(),
        computed: duration(usage.user_time()) + duration(usage.system_time()),
    })
}
// ANCHOR_END: usage

#[cfg(target_os = "linux")]
fn duration(time: nix::sys::time::TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let microseconds = u64::try_from(time.tv_usec()).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(microseconds)
}

/// Elsewhere it is not known for one thread.
#[cfg(not(target_os = "linux"))]
fn usage() -> Option<Usage> {
    None
}
