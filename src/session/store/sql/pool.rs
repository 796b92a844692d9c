//! `Pool`: the connections, and what is done when one of them fails.
//!
//! r2d2 keeps them. It is not asked to try each one before it gives it away, which would be another
//! round trip, and without a timeout. Instead a connection on which a command failed is not used again,
//! and the command goes to another one, where that can do no harm.
//!
//! Read next: `../workers.rs`, where a command waits if the database does.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use diesel::QueryResult;
use diesel::connection::TransactionManager;
use diesel::r2d2::{self, ConnectionManager, CustomizeConnection, HandleError, ManageConnection};

use super::super::{Again, StoreError, StoreErrorKind};
use super::Database;

/// r2d2's pool of diesel's connections.
pub(super) type R2d2Pool<C> = r2d2::Pool<ConnectionManager<C>>;
type Pooled<C> = r2d2::PooledConnection<ConnectionManager<C>>;
/// What a new connection is told first.
pub(super) type Customizer<C> = Box<dyn CustomizeConnection<C, r2d2::Error>>;

pub(super) struct Pool<C: Database> {
    pool: R2d2Pool<C>,
    /// An app's own pool does not tell.
    failing: Option<Failing<C>>,
}

/// What says that a server is down, and not just slow.
struct Failing<C: Database> {
    /// Why the pool's last attempt to connect failed, and when.
    last: LastFailure,
    /// Makes an attempt right now.
    manager: ConnectionManager<C>,
}

type LastFailure = Arc<Mutex<Option<(Instant, String)>>>;

impl<C: Database> Pool<C> {
    /// A pool of at most `max` connections, none of which is made yet.
    pub(super) fn new(
        url: &str,
        max: u32,
        customizer: Option<Customizer<C>>,
    ) -> Result<Self, StoreError> {
        let failing = Failing {
            last: LastFailure::default(),
            manager: ConnectionManager::new(url),
        };
        let mut builder = r2d2::Pool::builder()
            .max_size(max)
            .min_idle(Some(0))
            .test_on_check_out(false)
            // Between two attempts to connect it waits half of this at most.
            .connection_timeout(Duration::from_secs(1))
            .error_handler(Box::new(Remember(Arc::clone(&failing.last))));
        if let Some(customizer) = customizer {
            builder = builder.connection_customizer(customizer);
        }
        Ok(Pool {
            pool: builder.build_unchecked(ConnectionManager::new(url)),
            failing: Some(failing),
        })
    }

    /// The app's own.
    pub(super) fn of_app(pool: R2d2Pool<C>) -> Self {
        Pool {
            pool,
            failing: None,
        }
    }

    pub(super) fn max_size(&self) -> u32 {
        self.pool.max_size()
    }

    // ANCHOR: attempt
    /// Gives a command to a connection; to another one, if the first turns out to be no good any more.
    pub(super) fn attempt<T>(
        &self,
        deadline: Instant,
        again: Again,
        work: impl Fn(&mut C) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        /// The second time it is a new connection, or one that another thread has just used.
        const TRIES: u32 = 3;
        let mut tries = 0;
        loop {
            let mut connection = self.connection(deadline)?;
            let error = match work(&mut connection) {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            tries += 1;
            let is_alive = connection.ping().is_ok();
            discard(connection);
            if !is_alive {
                self.discard_idle();
            }
            let may_go_on = again == Again::Harmless && !is_alive && tries < TRIES;
            if !may_go_on || Instant::now() >= deadline {
                return Err(StoreError::unavailable(C::NAME, error));
            }
        }
    }
    // ANCHOR_END: attempt

    /// Throws away the connections that nobody uses: where one is dead, the server has most likely ended
    /// them all.
    fn discard_idle(&self) {
        for _ in 0..self.max_size() {
            match self.pool.try_get() {
                Some(connection) => discard(connection),
                None => return,
            }
        }
    }

    /// A connection, by the deadline. Where a new one would be needed and can't be had, that is an error
    /// sooner.
    fn connection(&self, deadline: Instant) -> Result<Pooled<C>, StoreError> {
        const SLICE: Duration = Duration::from_millis(10);
        let begin = Instant::now();
        let left = || deadline.saturating_duration_since(Instant::now());
        let Some(failing) = &self.failing else {
            return self.pool.get_timeout(left()).map_err(none_is_free::<C>);
        };
        let mut has_tried = false;
        let mut error = match self.pool.get_timeout(left().min(SLICE)) {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        loop {
            if let Some(message) = failing.since(begin, &mut has_tried) {
                return Err(unavailable::<C>(format!("cannot connect: {message}")));
            }
            let wait = left().min(SLICE);
            if wait.is_zero() {
                return Err(none_is_free::<C>(error));
            }
            // Each `get_timeout` has the pool make another connection, if it may. Where no more commands
            // run than there may be connections, the one that was asked for first will come.
            let got = if C::WAITS {
                thread::sleep(wait);
                self.pool.try_get()
            } else {
                let got = self.pool.get_timeout(wait);
                got.map_err(|again| error = again).ok()
            };
            if let Some(connection) = got {
                return Ok(connection);
            }
        }
    }
}

impl<C: Database> Failing<C> {
    /// Why an attempt to connect failed that began after `begin`. The pool tells when one ended: where that was right
    /// after, it may have begun before a server was ready that is ready now, and one more tells, once.
    fn since(&self, begin: Instant, has_tried: &mut bool) -> Option<String> {
        const AN_ATTEMPT: Duration = Duration::from_millis(250);
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (when, message) = last.clone()?;
        // Not held while this one tries.
        drop(last);
        if when >= begin + AN_ATTEMPT {
            return Some(message);
        }
        if when < begin || std::mem::replace(has_tried, true) {
            return None;
        }
        self.manager.connect().err().map(|error| error.to_string())
    }
}

fn none_is_free<C: Database>(error: impl std::fmt::Display) -> StoreError {
    unavailable::<C>(format!("no connection is free: {error}"))
}

fn unavailable<C: Database>(message: String) -> StoreError {
    StoreError::new(C::NAME, StoreErrorKind::Unavailable, message)
}

/// Has the pool drop the connection: it does so with one that has lost track of its transactions.
fn discard<C: Database>(mut connection: Pooled<C>) {
    C::TransactionManager::transaction_manager_status_mut(&mut *connection).set_in_error();
}

#[derive(Debug)]
struct Remember(LastFailure);

impl HandleError<r2d2::Error> for Remember {
    fn handle_error(&self, error: r2d2::Error) {
        tracing::warn!(target: "carafe::store", "cannot connect: {error}");
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((Instant::now(), error.to_string()));
    }
}
