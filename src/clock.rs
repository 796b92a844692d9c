//! `Clock`: what time it is, from the system or from a test.
//!
//! Flask and itsdangerous call `time.time()` wherever they need it, and a test has to patch it.
//! Here everything that needs the time (signatures, session lifetimes) asks a [`Clock`], so that a
//! test sets one and never sleeps.
//!
//! Read next: `signing/timed.rs`, which dates signatures with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

// ANCHOR: clock
/// Tells the time.
pub trait Clock: Send + Sync {
    /// Seconds since 1970-01-01 00:00 UTC, rounded down.
    fn now(&self) -> u64;
}
// ANCHOR_END: clock

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> u64 {
        (**self).now()
    }
}

/// The computer's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    /// Before 1970 it stays at 0.
    fn now(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }
}

/// A clock that stands still until it is told otherwise.
///
/// ```
/// use carafe::clock::{Clock, FixedClock};
/// let clock = FixedClock::new(1_700_000_000);
/// clock.advance(60);
/// assert_eq!(clock.now(), 1_700_000_060);
/// ```
#[derive(Debug, Default)]
// ANCHOR: fixed_clock
pub struct FixedClock(AtomicU64);
// ANCHOR_END: fixed_clock

impl FixedClock {
    /// A clock that shows `now`, in Unix seconds.
    #[must_use]
    pub fn new(now: u64) -> Self {
        Self(AtomicU64::new(now))
    }

    /// Moves the hands to `now`, in Unix seconds.
    pub fn set(&self, now: u64) {
        self.0.store(now, Ordering::SeqCst);
    }

    /// Moves the hands forward by `seconds`.
    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}
