//! `Pool`: a bounded number of connections to one server, lent to one request at a time.
//!
//! Flask-Session leaves this to the clients: `redis.ConnectionPool`, `pymemcache.PooledClient`. Here it
//! is small enough to read. What r2d2 would do and this does not: it asks the server for a sign of life
//! before each use, which is one more round trip; it waits for its whole timeout where a server refuses
//! at once; and it opens connections that nobody has asked for.
//!
//! Read next: `redis/node.rs` or `memcached/connection.rs`, which say how a connection is opened, and
//! which of its errors spoil it.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Again;

/// When a command has to be done, however many steps it takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn after(timeout: Duration) -> Self {
        let now = Instant::now();
        // A timeout that a clock cannot hold is none.
        let longest = Duration::from_secs(365 * 24 * 60 * 60);
        Deadline(now + timeout.min(longest))
    }

    /// The time that is left: never zero, which to a socket means "for ever".
    pub(super) fn left(self) -> io::Result<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        match left.is_zero() {
            true => Err(io::ErrorKind::TimedOut.into()),
            false => Ok(left.max(Duration::from_micros(1))),
        }
    }

    /// The same, but one of `parts` equal parts of what is left.
    pub(super) fn part(self, parts: usize) -> io::Result<Self> {
        let parts = u32::try_from(parts.max(1)).unwrap_or(u32::MAX);
        Ok(Deadline(Instant::now() + self.left()? / parts))
    }
}

/// What a socket's timeout is set to. Setting it is a call to the system, and most of the time it is as
/// good as right already.
pub(super) struct SocketTimeout(Duration);

impl SocketTimeout {
    /// A new socket has none.
    pub(super) fn none() -> Self {
        SocketTimeout(Duration::MAX)
    }

    /// What to set it to, where it would end too soon, or too late by more than a tenth.
    pub(super) fn change(&mut self, deadline: Deadline) -> io::Result<Option<Duration>> {
        let left = deadline.left()?;
        if left <= self.0 && left >= self.0 - self.0 / 10 {
            return Ok(None);
        }
        self.0 = left;
        Ok(Some(left))
    }
}

/// What an error says about the connection that it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The server has answered: the connection is as good as before.
    Good,
    /// Nobody knows what would come next on it, or when.
    Spoilt,
    /// The other side has ended it. So does a server that restarts, with each connection that it had,
    /// and then the next connection is a good one.
    Ended,
}

/// How a [`Pool`] comes by its connections.
pub(super) trait Connect {
    type Connection;
    type Error: From<io::Error>;

    /// Opens a connection, by then.
    fn connect(&self, deadline: Deadline) -> Result<Self::Connection, Self::Error>;

    /// What an error says about its connection.
    fn fate(error: &Self::Error) -> Fate;
}

pub(super) struct Pool<C: Connect> {
    connect: C,
    size: u32,
    state: Mutex<State<C::Connection>>,
    /// There is one more that may be had.
    freed: Condvar,
}

struct State<T> {
    /// Those that nobody uses; the last one used is the next one used.
    idle: Vec<T>,
    /// Those that somebody uses, or opens.
    lent: u32,
    /// How many wait for one: it is a call to the system to wake somebody, and mostly there is nobody.
    waiting: u32,
}

impl<C: Connect> Pool<C> {
    /// Of at most `size` connections, none of them open yet.
    pub(super) fn new(connect: C, size: u32) -> Self {
        Pool {
            connect,
            size: size.max(1),
            state: Mutex::new(State {
                idle: Vec::new(),
                lent: 0,
                waiting: 0,
            }),
            freed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<C::Connection>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ANCHOR: run
    /// Runs one exchange on a connection. One that was used before and turns out to have been ended
    /// since is replaced, and the exchange made once more, if it is one that may be made twice.
    pub(super) fn run<R>(
        &self,
        deadline: Deadline,
        again: Again,
        exchange: impl Fn(&mut C::Connection, Deadline) -> Result<R, C::Error>,
    ) -> Result<R, C::Error> {
        let mut lease = self.lend(deadline)?;
        if let Some(connection) = lease.connection.take() {
            match lease.exchange(connection, |connection| exchange(connection, deadline)) {
                Err(error) if again == Again::Harmless && C::fate(&error) == Fate::Ended => {}
                result => return result,
            }
        }
        let connection = self.connect.connect(deadline)?;
        lease.exchange(connection, |connection| exchange(connection, deadline))
    }
    // ANCHOR_END: run

    // ANCHOR: lend
    /// The right to use one connection, and one that is open, if there is any. Waits while there are as
    /// many in use as there may be.
    fn lend(&self, deadline: Deadline) -> io::Result<Lease<'_, C>> {
        let mut state = self.lock();
        while state.lent >= self.size {
            let left = deadline.left().map_err(|_| self.all_in_use())?;
            state.waiting += 1;
            let waited = self.freed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        }
        state.lent += 1;
        let connection = state.idle.pop();
        Ok(Lease {
            pool: self,
            connection,
        })
    }
    // ANCHOR_END: lend

    fn all_in_use(&self) -> io::Error {
        let message = format!("all {} connections are in use", self.size);
        io::Error::new(io::ErrorKind::TimedOut, message)
    }
}

/// The right to use one connection. It goes back to the pool whatever happens, a panic too; with it goes
/// the connection, if there is one that is good.
struct Lease<'a, C: Connect> {
    pool: &'a Pool<C>,
    connection: Option<C::Connection>,
}

impl<C: Connect> Lease<'_, C> {
    /// Uses a connection, and keeps it for the next one if it is still good. If not, those that wait in
    /// the pool are not either: they are as old, and from the same server.
    fn exchange<R>(
        &mut self,
        mut connection: C::Connection,
        exchange: impl FnOnce(&mut C::Connection) -> Result<R, C::Error>,
    ) -> Result<R, C::Error> {
        let result = exchange(&mut connection);
        let fate = match &result {
            Ok(_) => Fate::Good,
            Err(error) => C::fate(error),
        };
        if fate == Fate::Good {
            self.connection = Some(connection);
        } else {
            let idle = std::mem::take(&mut self.pool.lock().idle);
            // Closed without the lock.
            drop(idle);
        }
        result
    }
}

impl<C: Connect> Drop for Lease<'_, C> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        state.lent -= 1;
        state.idle.extend(self.connection.take());
        let is_waited_for = state.waiting > 0;
        drop(state);
        if is_waited_for {
            self.pool.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::Duration;

    use super::{Again, Connect, Deadline, Fate, Pool, SocketTimeout};

    /// Its connections are numbers, in the order in which they were opened.
    struct Numbers(Cell<u32>);

    impl Connect for Numbers {
        type Connection = u32;
        type Error = io::Error;

        fn connect(&self, _deadline: Deadline) -> io::Result<u32> {
            self.0.set(self.0.get() + 1);
            Ok(self.0.get())
        }

        fn fate(error: &io::Error) -> Fate {
            match error.kind() {
                io::ErrorKind::Other => Fate::Good,
                io::ErrorKind::TimedOut => Fate::Spoilt,
                _ => Fate::Ended,
            }
        }
    }

    fn pool(size: u32) -> Pool<Numbers> {
        Pool::new(Numbers(Cell::new(0)), size)
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(60))
    }

    /// An exchange that tells its connection.
    fn which(pool: &Pool<Numbers>) -> u32 {
        pool.run(soon(), Again::Harmless, |number, _by| Ok(*number))
            .unwrap()
    }

    /// An exchange that fails so, on the connections up to this one; and how often it was made.
    fn fail(pool: &Pool<Numbers>, kind: io::ErrorKind, up_to: u32) -> (bool, u32) {
        let tries = Cell::new(0);
        let result = pool.run(soon(), Again::Harmless, |number, _by| {
            tries.set(tries.get() + 1);
            match *number <= up_to {
                true => Err(kind.into()),
                false => Ok(()),
            }
        });
        (result.is_ok(), tries.get())
    }

    #[test]
    fn a_connection_is_used_again_unless_its_error_spoils_it() {
        let pool = pool(8);
        assert_eq!([which(&pool), which(&pool)], [1, 1]);
        assert_eq!(fail(&pool, io::ErrorKind::Other, 9), (false, 1));
        assert_eq!(which(&pool), 1);
        assert_eq!(fail(&pool, io::ErrorKind::TimedOut, 9), (false, 1));
        assert_eq!(which(&pool), 2);
        let three = pool
            .run(soon(), Again::Harmless, |_two, _by| Ok(which(&pool)))
            .unwrap();
        assert_eq!((three, which(&pool)), (3, 2));
        assert_eq!(fail(&pool, io::ErrorKind::TimedOut, 9), (false, 1));
        assert_eq!(which(&pool), 4, "the third was no better than the second");
    }

    #[test]
    fn one_that_was_ended_is_replaced_once_and_so_are_the_others() {
        let pool = pool(8);
        let two = pool
            .run(soon(), Again::Harmless, |_one, _by| Ok(which(&pool)))
            .unwrap();
        assert_eq!(two, 2);
        assert_eq!(fail(&pool, io::ErrorKind::BrokenPipe, 2), (true, 2));
        assert_eq!(which(&pool), 3);
        assert_eq!(fail(&pool, io::ErrorKind::BrokenPipe, 9), (false, 2));
        // A new one that is ended at once is a server that is down.
        assert_eq!(fail(&pool, io::ErrorKind::BrokenPipe, 9), (false, 1));
    }

    #[test]
    fn an_exchange_that_may_not_be_made_twice_is_not() {
        let pool = pool(8);
        assert_eq!(which(&pool), 1);
        let tries = Cell::new(0);
        let result = pool.run(soon(), Again::No, |_one, _by| -> io::Result<()> {
            tries.set(tries.get() + 1);
            Err(io::ErrorKind::BrokenPipe.into())
        });
        assert_eq!((result.is_ok(), tries.get()), (false, 1));
        assert_eq!(which(&pool), 2);
    }

    #[test]
    fn there_are_as_many_as_there_may_be_and_no_more() {
        let pool = pool(1);
        let error = pool.run(soon(), Again::Harmless, |_one, _by| {
            let now = Deadline::after(Duration::ZERO);
            pool.run(now, Again::Harmless, |_two, _by| Ok(()))
        });
        let error = error.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "all 1 connections are in use");
        assert_eq!(which(&pool), 2);
    }

    #[test]
    fn a_panic_gives_its_place_back() {
        let pool = pool(1);
        let panics = AssertUnwindSafe(|| {
            pool.run(soon(), Again::Harmless, |_one, _by| -> io::Result<()> {
                panic!()
            })
        });
        assert!(catch_unwind(panics).is_err());
        assert_eq!(which(&pool), 2);
    }

    #[test]
    fn a_socket_is_told_of_a_deadline_once() {
        let mut timeout = SocketTimeout::none();
        let mut is_told = |seconds| {
            let deadline = Deadline::after(Duration::from_secs(seconds));
            timeout.change(deadline).unwrap().is_some()
        };
        assert!(is_told(1000));
        assert!(!is_told(950));
        assert!(is_told(700), "it would end too late");
        assert!(!is_told(690));
        assert!(is_told(1000), "it would end too soon");
        let past = Deadline::after(Duration::ZERO);
        assert!(timeout.change(past).is_err());
    }
}
