//! Settings that a request reads without a lock, nor a count.
//!
//! Flask has a dict here that anyone may change at any time. Who does change settings does so before the
//! first request, or in a test; so the settings of the first request are kept for good, and lent to all
//! that follow. Where they are changed after that all the same, each request again takes its own.
//!
//! Read next: `app.rs`, which does the same with all that is registered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use super::{Config, Settings};

/// What the clones of a [`Config`] share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Replaced as a whole by every change, so that a request keeps the state it started with.
    settings: RwLock<Arc<Settings>>,
    /// Those of the first request.
    settled: OnceLock<Arc<Settings>>,
    /// Whether they were changed after that.
    unsettled: AtomicBool,
}

impl Shared {
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Arc<Settings>> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn update<R>(&self, change: impl FnOnce(&mut Settings) -> R) -> R {
        let settings = &self.settings;
        let mut guard = settings.write().unwrap_or_else(PoisonError::into_inner);
        if self.settled.get().is_some() {
            self.unsettled.store(true, Ordering::Release);
        }
        change(Arc::make_mut(&mut guard))
    }
}

impl Config {
    /// The first request is here.
    pub(crate) fn settle(&self) {
        // Under the lock that a change takes, so that each comes before this or is noticed.
        let settings = self.shared.read();
        self.shared.settled.get_or_init(|| Arc::clone(&settings));
    }

    /// What a request has to keep, unless it can do with the settings of the first one.
    pub(crate) fn own_settings(&self) -> Option<Arc<Settings>> {
        let settled = self.shared.settled.get().is_some();
        let unsettled = self.shared.unsettled.load(Ordering::Acquire);
        (!settled || unsettled).then(|| self.settings())
    }

    /// The settings of a request that keeps these [`Config::own_settings`].
    pub(crate) fn settings_of<'a>(&'a self, own: &'a Option<Arc<Settings>>) -> &'a Arc<Settings> {
        match own {
            Some(settings) => settings,
            None => self.shared.settled.get_or_init(|| self.settings()),
        }
    }
}
