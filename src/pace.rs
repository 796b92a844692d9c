//! `Pace`: whether answering a request may make its thread wait.
//!
//! Flask has nothing like it: under gunicorn every request has a thread to itself. A server that has a few threads for
//! thousands of connections must know which requests it may run on those, and which may wait for a
//! database and want a thread of the pool. A route says so ([`Route::blocking`](crate::Route::blocking)), or
//! it is learned by watching it run.
//!
//! Read next: `bridge/mod.rs`, which asks, and `docs/server.md`, which explains and measures.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// So many microseconds a request may wait on average. On a busy machine a view that asks nobody for anything waits some
/// twenty, for locks of the allocator and of the kernel; and there are threads to spare for those that stay below.
const ALLOWED: u64 = 200;

/// What is not known yet starts with this debt: after 16 runs without a wait it is quick.
const AT_FIRST: u64 = 16 * ALLOWED;

/// A quick one that owes more than this is none.
const LIMIT: u64 = 100_000;

/// And then owes so many times as much, so that it is not tried again soon.
const PENALTY: u64 = 16;

/// A minute: 300,000 runs without a wait.
const MOST: u64 = 60_000_000;

/// Whether the requests of one route may make their thread wait, as far as is known.
///
/// ```
/// use carafe::wsgi::Pace;
/// use std::time::Duration;
///
/// let pace = Pace::learned();
/// assert!(pace.may_block());
/// for _ in 0..16 {
///     pace.record(Duration::ZERO);
/// }
/// assert!(!pace.may_block());
/// pace.record(Duration::from_millis(200));
/// assert!(pace.may_block() && pace.is_known_to_block());
/// ```
#[derive(Debug)]
pub struct Pace(Kind);

#[derive(Debug)]
enum Kind {
    Declared {
        blocking: bool,
    },
    Learned {
        quick: AtomicBool,
        /// Microseconds waited, beyond what was allowed.
        debt: AtomicU64,
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
            quick: AtomicBool::new(false),
            debt: AtomicU64::new(AT_FIRST),
        })
    }

    /// Whether the next request may make its thread wait.
    #[must_use]
    pub fn may_block(&self) -> bool {
        match &self.0 {
            Kind::Declared { blocking } => *blocking,
            Kind::Learned { quick, .. } => !quick.load(Ordering::Relaxed),
        }
    }

    /// Whether it was declared to wait, or seen to: it is no longer a guess.
    #[must_use]
    pub fn is_known_to_block(&self) -> bool {
        match &self.0 {
            Kind::Declared { blocking } => *blocking,
            Kind::Learned { debt, .. } => debt.load(Ordering::Relaxed) > LIMIT,
        }
    }

    /// Whether it follows from what was recorded.
    #[must_use]
    pub fn is_learned(&self) -> bool {
        matches!(self.0, Kind::Learned { .. })
    }

    // ANCHOR: record
    /// Takes down how long one request has made its thread wait. Each adds that to a debt, and pays off
    /// what every request is allowed: without a debt they are quick, until it is too large again.
    pub fn record(&self, waited: Duration) {
        let Kind::Learned { quick, debt } = &self.0 else {
            return;
        };
        let owed = debt.load(Ordering::Relaxed);
        if owed == 0 && waited.is_zero() {
            return;
        }
        let waited = u64::try_from(waited.as_micros()).unwrap_or(MOST);
        let mut owes = owed.saturating_add(waited).saturating_sub(ALLOWED);
        if owes == 0 {
            quick.store(true, Ordering::Relaxed);
        } else if owes > LIMIT && quick.swap(false, Ordering::Relaxed) {
            owes = owes.saturating_mul(PENALTY);
        }
        // Of two requests at the same time one may be lost. It is an estimate.
        debt.store(owes.min(MOST), Ordering::Relaxed);
    }
    // ANCHOR_END: record
}
