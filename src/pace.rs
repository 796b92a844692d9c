//! `Pace`: whether answering a request may make its thread wait.
//!
//! Flask has nothing like it: under gunicorn every request has a thread to itself. A server that has a few threads for
//! thousands of connections must know which requests it may run on those, and which may wait for a
//! database and want a thread of the pool. A route says so ([`Route::blocking`](crate::Route::blocking)), or
//! it is learned by watching it run.
//!
//! Read next: `bridge/mod.rs`, which asks, and `docs/server.md`, which explains and measures.

use std::sync::atomic::{AtomicU32, Ordering};

/// So many runs in a row without a wait make a route that nobody declared a quick one.
const CLEAN_RUNS: u32 = 16;

/// After a wait twice as many are wanted as before, and at most this many.
const MOST_CLEAN_RUNS: u32 = 1 << 20;

/// Whether the requests of one route may make their thread wait, as far as is known.
///
/// ```
/// use carafe::wsgi::Pace;
///
/// let pace = Pace::learned();
/// assert!(pace.may_block());
/// for _ in 0..16 {
///     pace.record(false);
/// }
/// assert!(!pace.may_block());
/// pace.record(true);
/// assert!(pace.may_block());
/// ```
#[derive(Debug)]
pub struct Pace(Kind);

#[derive(Debug)]
enum Kind {
    Declared {
        blocking: bool,
    },
    Learned {
        wanted: AtomicU32,
        missing: AtomicU32,
    },
}

impl Pace {
    /// The app's author says whether these requests may wait.
    #[must_use]
    pub const fn declared(blocking: bool) -> Self {
        Pace(Kind::Declared { blocking })
    }

    /// Nobody said anything: they may wait until they have been seen not to.
    #[must_use]
    pub const fn learned() -> Self {
        Pace(Kind::Learned {
            wanted: AtomicU32::new(CLEAN_RUNS),
            missing: AtomicU32::new(CLEAN_RUNS),
        })
    }

    /// Whether the next request may make its thread wait.
    #[must_use]
    pub fn may_block(&self) -> bool {
        match &self.0 {
            Kind::Declared { blocking } => *blocking,
            Kind::Learned { missing, .. } => missing.load(Ordering::Relaxed) > 0,
        }
    }

    /// Whether it follows from what was recorded.
    #[must_use]
    pub fn is_learned(&self) -> bool {
        matches!(self.0, Kind::Learned { .. })
    }

    // ANCHOR: record
    /// Takes down how one run went. Each wait makes it twice as hard to be called quick again, so that a route
    /// which waits now and then, as for a cache that is cold, ends up where waiting hurts nobody.
    pub fn record(&self, waited: bool) {
        let Kind::Learned { wanted, missing } = &self.0 else {
            return;
        };
        // Two requests at once may both count, or one may be lost: it is a guess either way.
        if waited {
            let more = wanted
                .load(Ordering::Relaxed)
                .saturating_mul(2)
                .min(MOST_CLEAN_RUNS);
            wanted.store(more, Ordering::Relaxed);
            missing.store(more, Ordering::Relaxed);
        } else {
            let left = missing.load(Ordering::Relaxed);
            if left > 0 {
                missing.store(left - 1, Ordering::Relaxed);
            }
        }
    }
    // ANCHOR_END: record
}
