//! `Workers`: threads that wait for a server, so that a request waits no longer than it wants to.
//!
//! The client libraries of PostgreSQL, MySQL and MongoDB have no timeout for a server that is there and
//! says nothing. So a request hands its command to one of a few threads and waits for the answer with a
//! deadline; a thread that hears nothing waits on, alone. Flask has no peer of this: there, the whole
//! worker hangs.
//!
//! Whoever waits sleeps. To look for the answer awake, letting other threads go first, is no faster, and where
//! there is more to do than there are cores, one lets them go first for milliseconds.
//!
//! Read next: `sql/pool.rs` and `mongodb.rs`, which have their commands run here.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::{StoreError, StoreErrorKind};

/// A bounded number of threads. They are made when they are needed, and end with this.
pub(super) struct Workers {
    shared: Arc<Shared>,
}

struct Shared {
    store: &'static str,
    /// How many commands there are at once, but for those that nobody waits for any more.
    max: usize,
    state: Mutex<State>,
    work_or_end: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    /// Threads that have nothing to do.
    idle: usize,
    /// Threads whose request has given up.
    stuck: usize,
    has_ended: bool,
}

struct Job {
    run: Box<dyn FnOnce() + Send>,
    /// Whether the request has given up. Written and read under the lock.
    is_abandoned: Arc<AtomicBool>,
}

impl Workers {
    pub(super) fn new(store: &'static str, max: u32) -> Self {
        let shared = Shared {
            store,
            max: max as usize,
            state: Mutex::default(),
            work_or_end: Condvar::new(),
        };
        Workers {
            shared: Arc::new(shared),
        }
    }

    // ANCHOR: run
    /// Runs `work` on a thread of its own, and gives up on it after `timeout`. Work that no thread has
    /// begun by then is never done; work that one has begun may still be.
    pub(super) fn run<T: Send + 'static>(
        &self,
        timeout: Duration,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, answer) = mpsc::sync_channel(1);
        let is_abandoned = Arc::new(AtomicBool::new(false));
        let job = Job {
            run: Box::new(move || {
                // An error: nobody waits any more.
                let _ = sender.send(work());
            }),
            is_abandoned: Arc::clone(&is_abandoned),
        };
        self.shared.hand_over(job).map_err(|error| {
            let message = format!("no thread for a command: {error}");
            self.shared.unavailable(message)
        })?;
        match answer.recv_timeout(timeout) {
            Ok(answer) => return answer,
            Err(RecvTimeoutError::Disconnected) => return Err(self.shared.panicked()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let mut state = self.shared.lock();
        // In the last moment.
        if let Ok(answer) = answer.try_recv() {
            return answer;
        }
        is_abandoned.store(true, Ordering::Relaxed);
        let waiting = state.queue.len();
        state
            .queue
            .retain(|job| !job.is_abandoned.load(Ordering::Relaxed));
        if state.queue.len() == waiting {
            state.stuck += 1;
        }
        let message = format!("no answer within {timeout:?}");
        Err(self.shared.unavailable(message))
    }
    // ANCHOR_END: run
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the job to an idle thread, or to a new one, or has it wait for one.
    fn hand_over(self: &Arc<Self>, job: Job) -> io::Result<()> {
        let mut state = self.lock();
        let needs_thread = state.idle <= state.queue.len();
        if needs_thread && state.has_room(self.max) {
            let shared = Arc::clone(self);
            thread::Builder::new()
                .name(format!("carafe-{}", self.store))
                .spawn(move || shared.work())?;
            state.threads += 1;
        }
        state.queue.push_back(job);
        drop(state);
        self.work_or_end.notify_one();
        Ok(())
    }

    /// What a thread does all its life.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                drop(state);
                // A panic drops the sender, which the request hears.
                let _ = catch_unwind(AssertUnwindSafe(job.run));
                state = self.lock();
                if job.is_abandoned.load(Ordering::Relaxed) {
                    state.stuck -= 1;
                }
                // More than there should be: others came while some were stuck.
                if state.threads - state.stuck > self.max {
                    break;
                }
                continue;
            }
            if state.has_ended {
                break;
            }
            state.idle += 1;
            state = self
                .work_or_end
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
        state.threads -= 1;
    }

    fn unavailable(&self, message: String) -> StoreError {
        StoreError::new(self.store, StoreErrorKind::Unavailable, message)
    }

    fn panicked(&self) -> StoreError {
        self.unavailable("the client library panicked".to_owned())
    }
}

impl State {
    /// A thread that is stuck gives its place to another, but not for ever: a server that is silent for
    /// hours does not get a thread for each request.
    fn has_room(&self, max: usize) -> bool {
        self.threads - self.stuck < max && self.threads < max * 2
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.lock().has_ended = true;
        self.shared.work_or_end.notify_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(1);

    /// Has a thread stuck until what is returned is dropped.
    fn get_stuck(workers: &Workers) -> mpsc::Sender<()> {
        loop {
            let (release, released) = mpsc::channel::<()>();
            let (begins, has_begun) = mpsc::channel();
            let result = workers.run(SHORT, move || {
                let _ = begins.send(());
                let _ = released.recv();
                Ok(())
            });
            let message = result.unwrap_err().to_string();
            assert!(message.ends_with("no answer within 1ms"), "{message}");
            // Else it was given up before a thread had come to it.
            if has_begun.recv().is_ok() {
                return release;
            }
        }
    }

    #[test]
    fn a_stuck_thread_is_replaced_by_as_many_again_and_no_more() {
        let workers = Workers::new("test", 2);
        let stuck: Vec<_> = (0..2).map(|_| get_stuck(&workers)).collect();
        assert_eq!(workers.run(LONG, || Ok(1)).unwrap(), 1);
        let more: Vec<_> = (0..2).map(|_| get_stuck(&workers)).collect();
        assert_eq!(workers.shared.lock().threads, 4);
        let done = Arc::new(AtomicBool::new(false));
        let late = {
            let done = Arc::clone(&done);
            workers.run(SHORT, move || {
                done.store(true, Ordering::SeqCst);
                Ok(())
            })
        };
        assert!(late.is_err());
        assert!(workers.shared.lock().queue.is_empty());
        drop((stuck, more));
        assert_eq!(workers.run(LONG, || Ok(2)).unwrap(), 2);
        // What was given up before it began was not done after all.
        assert!(!done.load(Ordering::SeqCst));
    }

    #[test]
    fn many_requests_share_few_threads() {
        let workers = Arc::new(Workers::new("test", 3));
        let requests: Vec<_> = (0..50)
            .map(|n| {
                let workers = Arc::clone(&workers);
                thread::spawn(move || workers.run(LONG, move || Ok(n)).unwrap())
            })
            .collect();
        let sum: i32 = requests
            .into_iter()
            .map(|request| request.join().unwrap())
            .sum();
        assert_eq!(sum, (0..50).sum::<i32>());
        assert!(workers.shared.lock().threads <= 3);
    }

    #[test]
    fn a_panic_is_an_error_and_no_end() {
        let workers = Workers::new("test", 1);
        let error = workers
            .run::<()>(LONG, || panic!("on purpose"))
            .unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert_eq!(workers.run(LONG, || Ok(1)).unwrap(), 1);
    }
}
