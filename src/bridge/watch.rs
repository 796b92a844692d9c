//! `Watch`: how long a piece of work made its thread wait.
//!
//! The clock cannot tell: on a busy machine a view that never waits may take long, because its thread was put
//! aside. But the system counts how often a thread gave up its processor of its own accord, and that is what waiting is,
//! for a socket, a disk, a lock or the time. It also says how long the thread has computed. To ask takes 0.2 microseconds.
//!
//! Read next: `pace.rs`, which is told.

use std::time::{Duration, Instant};

/// Whoever waits no longer than this may do so anywhere.
const SHORT: Duration = Duration::from_micros(50);

/// Whoever computes longer than this keeps others waiting, too.
const LONG: Duration = Duration::from_millis(1);

pub(super) struct Watch {
    began: Instant,
    usage: Option<Usage>,
}

impl Watch {
    pub(super) fn start() -> Self {
        Watch {
            usage: usage(),
            began: Instant::now(),
        }
    }

    /// How long others would have waited for this thread: not at all, unless it has waited itself, or has computed for long.
    pub(super) fn waited(&self) -> Duration {
        let took = self.began.elapsed();
        if took < SHORT {
            return Duration::ZERO;
        }
        let (Some(then), Some(now)) = (&self.usage, usage()) else {
            // The system does not tell.
            return took;
        };
        let computed = now.computed.saturating_sub(then.computed);
        match now.waits > then.waits || computed > LONG {
            true => took,
            // It was put aside, by a system that had other things to do.
            false => Duration::ZERO,
        }
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
