//! `Pool`: threads for requests that may wait.
//!
//! Mirrors the `ThreadPoolExecutor` of gunicorn's `gthread` worker. Threads are started when they are first
//! needed, up to a fixed number; what finds all of them busy waits in line, first come first served; and what
//! finds the line full is told so at once.
//!
//! Waking a thread costs more than a short view does. So one is woken at a time: it takes a job, and
//! wakes the next one where there are more. A burst of short jobs is then done by few threads, and
//! a burst of long ones still gets all of them within microseconds.
//!
//! Read next: `watch.rs`, which looks whether a request did wait.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, catch};
use crate::logging;

pub(super) type Job = Box<dyn FnOnce() + Send>;

/// The line is full, or the pool is closed.
#[derive(Debug)]
pub(super) struct Full;

pub(super) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    job_or_close: Condvar,
    thread_ended: Condvar,
    most_threads: usize,
    most_jobs: usize,
}

#[derive(Default)]
struct State {
    line: VecDeque<Job>,
    threads: usize,
    idle: usize,
    /// A thread was woken or started, and has not taken its job yet.
    one_is_coming: bool,
    closed: bool,
    /// Nobody waits for the threads any more.
    given_up: bool,
}

impl Pool {
    /// A pool of at most `threads` threads, and at most `queue` jobs that wait for one.
    pub(super) fn new(threads: usize, queue: usize) -> Self {
        Pool {
            shared: Arc::new(Shared {
                state: Mutex::default(),
                job_or_close: Condvar::new(),
                thread_ended: Condvar::new(),
                most_threads: threads.max(1),
                most_jobs: queue.max(1),
            }),
        }
    }

    /// Puts a job in line.
    pub(super) fn submit(&self, job: Job) -> Result<(), Full> {
        let mut state = self.shared.lock();
        // What a free thread will take in a moment is not in line for long.
        let free = self.shared.most_threads - state.threads + state.idle;
        if state.closed || state.line.len() >= self.shared.most_jobs.saturating_add(free) {
            return Err(Full);
        }
        state.line.push_back(job);
        self.shared.call_one(state);
        Ok(())
    }

    /// Has it done at once, if a thread is free; or else gives it back.
    pub(super) fn submit_if_free(&self, job: Job) -> Result<(), Job> {
        let mut state = self.shared.lock();
        let free = self.shared.most_threads - state.threads + state.idle;
        if state.closed || state.line.len() >= free {
            return Err(job);
        }
        state.line.push_back(job);
        self.shared.call_one(state);
        Ok(())
    }

    /// Takes no more jobs, lets those in line finish, and waits for the threads to end, but no longer than
    /// `timeout`. Whether they all have.
    pub(super) fn close(&self, timeout: Duration) -> bool {
        let began = Instant::now();
        let mut state = self.shared.lock();
        state.closed = true;
        self.shared.job_or_close.notify_all();
        while state.threads > 0 && !state.given_up {
            let Some(left) = timeout.checked_sub(began.elapsed()) else {
                return false;
            };
            let waited = self.shared.thread_ended.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.threads == 0
    }

    /// Has [`close`](Pool::close) wait no longer.
    #[cfg(feature = "server")]
    pub(super) fn give_up(&self) {
        self.shared.lock().given_up = true;
        self.shared.thread_ended.notify_all();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close(Duration::ZERO);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ANCHOR: call_one
    /// Sees to it that a thread comes for the first job in line, if one can.
    fn call_one(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if state.one_is_coming || state.line.is_empty() {
            return;
        }
        if state.idle > 0 {
            state.one_is_coming = true;
            drop(state);
            self.job_or_close.notify_one();
        } else if state.threads < self.most_threads {
            state.one_is_coming = true;
            state.threads += 1;
            drop(state);
            self.start_thread();
        }
    }
    // ANCHOR_END: call_one

    fn start_thread(self: &Arc<Self>) {
        let shared = Arc::clone(self);
        let thread = thread::Builder::new().name("carafe-pool".to_owned());
        if let Err(error) = thread.spawn(move || shared.work()) {
            // The job waits for another thread, if there is one; or else fails with its queue.
            logging::error("no thread for the pool", &Error::from(error));
            let mut state = self.lock();
            state.threads -= 1;
            state.one_is_coming = false;
            if state.threads == 0 {
                state.line.clear();
            }
        }
    }

    /// What a thread does.
    fn work(self: Arc<Self>) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.line.pop_front() {
                state.one_is_coming = false;
                self.call_one(state);
                let done = catch(|| {
                    job();
                    Ok(())
                });
                if let Err(error) = done {
                    logging::error("a job of the pool panicked", &error);
                }
                state = self.lock();
            } else if state.closed {
                break;
            } else {
                state.one_is_coming = false;
                state.idle += 1;
                let waited = self.job_or_close.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
        state.threads -= 1;
        drop(state);
        self.thread_ended.notify_all();
    }
}
