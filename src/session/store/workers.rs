//! `Workers`: threads that wait for a server, so that a request waits no longer than it wants to.
//!
//! The client libraries of PostgreSQL, MySQL and MongoDB have no timeout for a server that is there and
//! says nothing. So a request hands its command to one of a few threads and waits for the answer with a
//! deadline; a thread that hears nothing waits on, alone. Flask has no peer of this: there, the whole
//! worker hangs.
//!
//! To have the system wake a thread of an idle machine takes longer than a near server takes to answer. So
//! where no other command is under way, both sides look for each other for a moment before they go to sleep. They
//! do not let other threads go first meanwhile: on a busy machine, whoever yields is passed over for milliseconds.
//!
//! Read next: `sql/pool.rs` and `mongodb.rs`, which have their commands run here.

use std::collections::VecDeque;
use std::hint::spin_loop;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{StoreError, StoreErrorKind};

/// How long a thread looks for what it waits for before it goes to sleep.
const A_MOMENT: Duration = Duration::from_micros(100);

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
    /// The length of the queue, to be looked at without the lock.
    queued: AtomicUsize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    /// Threads that have nothing to do.
    idle: usize,
    /// Those of them that are not asleep yet.
    awake: usize,
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
            queued: AtomicUsize::new(0),
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
        let begin = Instant::now();
        let (sender, answer) = mpsc::sync_channel(1);
        let is_abandoned = Arc::new(AtomicBool::new(false));
        let job = Job {
            run: Box::new(move || {
                // An error: nobody waits any more.
                let _ = sender.send(work());
            }),
            is_abandoned: Arc::clone(&is_abandoned),
        };
        let is_alone = self.shared.hand_over(job).map_err(|error| {
            let message = format!("no thread for a command: {error}");
            self.shared.unavailable(message)
        })?;
        let awake = if is_alone { A_MOMENT } else { Duration::ZERO };
        match wait_for(&answer, begin, awake, timeout) {
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
        self.shared
            .queued
            .store(state.queue.len(), Ordering::Relaxed);
        if state.queue.len() == waiting {
            state.stuck += 1;
        }
        let message = format!("no answer within {timeout:?}");
        Err(self.shared.unavailable(message))
    }
    // ANCHOR_END: run
}

/// Waits for an answer until `timeout` after `begin`: `awake` of it awake, and then asleep.
fn wait_for<T>(
    answer: &mpsc::Receiver<T>,
    begin: Instant,
    awake: Duration,
    timeout: Duration,
) -> Result<T, RecvTimeoutError> {
    while begin.elapsed() < awake.min(timeout) {
        match answer.try_recv() {
            Ok(answer) => return Ok(answer),
            Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
            Err(TryRecvError::Empty) => spin_loop(),
        }
    }
    answer.recv_timeout(timeout.saturating_sub(begin.elapsed()))
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the job to an idle thread, or to a new one, or has it wait for one. Tells whether no other job is
    /// under way.
    fn hand_over(self: &Arc<Self>, job: Job) -> io::Result<bool> {
        let mut state = self.lock();
        let is_alone = state.queue.is_empty() && state.idle == state.threads;
        let needs_thread = state.idle <= state.queue.len();
        if needs_thread && state.has_room(self.max) {
            let shared = Arc::clone(self);
            thread::Builder::new()
                .name(format!("carafe-{}", self.store))
                .spawn(move || shared.work())?;
            state.threads += 1;
        }
        state.queue.push_back(job);
        self.queued.store(state.queue.len(), Ordering::Relaxed);
        let is_seen = state.queue.len() <= state.awake;
        drop(state);
        if !is_seen {
            self.work_or_end.notify_one();
        }
        Ok(is_alone)
    }

    /// What a thread does all its life.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                self.queued.store(state.queue.len(), Ordering::Relaxed);
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
            state = self.wait(state);
            state.idle -= 1;
        }
        state.threads -= 1;
    }

    // ANCHOR: wait
    /// Waits for a job, or for the end: first awake, where all the other threads are idle too, and then asleep.
    fn wait<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if state.idle == state.threads {
            state.awake += 1;
            drop(state);
            let begin = Instant::now();
            while self.queued.load(Ordering::Relaxed) == 0 && begin.elapsed() < A_MOMENT {
                spin_loop();
            }
            state = self.lock();
            state.awake -= 1;
            if !state.queue.is_empty() || state.has_ended {
                return state;
            }
        }
        self.work_or_end
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }
    // ANCHOR_END: wait

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
