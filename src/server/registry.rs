//! `Registry`: all connections, and what each is doing since when.
//!
//! Every limit of time is kept here, by one task that looks over all connections a few times a second. A timer
//! for each request would be more exact, and costs 7 to 9 percent of a short request; two stores of a
//! number cost nothing.
//!
//! Read next: `io.rs` and `connection.rs`, which say what they are doing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use http::StatusCode;

use super::Settings;
use super::io::Stream;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It waits for a request.
    Idle,
    /// A head has begun to arrive.
    Head,
    /// A request is being answered.
    Busy,
}

/// What a connection is told from outside. It keeps all that it was told, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// End, if no request is being answered.
    Expire = 1,
    /// Finish the request that is being answered, and take no other.
    Finish = 2,
    /// End now.
    Cut = 4,
}

/// Some orders, or none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Orders(u8);

impl Orders {
    pub(super) fn are_none(self) -> bool {
        self.0 == 0
    }

    pub(super) fn have(self, order: Order) -> bool {
        self.0 & order as u8 != 0
    }
}

pub(super) struct Registry {
    connections: Mutex<HashMap<u64, Arc<State>>>,
    clock: Arc<Clock>,
    tick: Duration,
    idle: u64,
    head: u64,
    write: u64,
}

/// Milliseconds since the server started, as of the last tick.
struct Clock {
    began: Instant,
    now: AtomicU64,
}

impl Registry {
    pub(super) fn new(settings: &Settings) -> Self {
        let (head, idle) = (settings.header_timeout, settings.keep_alive);
        let shortest = head.min(idle).min(settings.write_timeout);
        let tick = (shortest / 4).clamp(Duration::from_millis(5), Duration::from_millis(250));
        // A time that was taken down may be a tick old.
        let limit = |timeout: Duration| millis(timeout.saturating_add(tick));
        Registry {
            connections: Mutex::default(),
            clock: Arc::new(Clock {
                began: Instant::now(),
                // 0 is how `State` says never.
                now: AtomicU64::new(1),
            }),
            tick,
            idle: limit(idle),
            head: limit(head),
            write: limit(settings.write_timeout),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<State>>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn enter(&self, id: u64) -> Arc<State> {
        let state = Arc::new(State {
            clock: Arc::clone(&self.clock),
            phase: AtomicU64::new(0),
            write_stuck: AtomicU64::new(0),
            orders: AtomicU8::new(0),
            refusal: AtomicU16::new(0),
            resets: AtomicBool::new(false),
            waker: OnceLock::new(),
            socket: Mutex::new(None),
        });
        state.set_phase(Phase::Idle);
        self.lock().insert(id, Arc::clone(&state));
        state
    }

    pub(super) fn leave(&self, id: u64) {
        self.lock().remove(&id);
    }

    pub(super) fn order_all(&self, order: Order) {
        for state in self.lock().values() {
            state.give(order);
        }
    }

    // ANCHOR: sweep
    /// Ends the connections whose time is up, again and again.
    pub(super) async fn sweep(&self) {
        loop {
            tokio::time::sleep(self.tick).await;
            let now = millis(self.clock.began.elapsed()) + 1;
            self.clock.now.store(now, Ordering::Relaxed);
            for state in self.lock().values() {
                let (phase, since) = state.phase_since();
                let age = now.saturating_sub(since);
                let stuck = state.write_stuck.load(Ordering::Relaxed);
                if stuck > 0 && now.saturating_sub(stuck) > self.write {
                    state.give(Order::Cut);
                } else if (phase == Phase::Head && age > self.head)
                    || (phase == Phase::Idle && stuck == 0 && age > self.idle)
                {
                    state.give(Order::Expire);
                }
            }
        }
    }
    // ANCHOR_END: sweep
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// One connection, as its task and the sweep both see it.
pub(super) struct State {
    clock: Arc<Clock>,
    /// The phase in the lowest two bits, and since when it lasts.
    phase: AtomicU64,
    /// Since when the client takes no more of a response; 0 where it does.
    write_stuck: AtomicU64,
    orders: AtomicU8,
    /// The status to end with; 0 for none.
    refusal: AtomicU16,
    resets: AtomicBool,
    waker: OnceLock<Waker>,
    /// The socket, once hyper is done with it.
    socket: Mutex<Option<Stream>>,
}

impl State {
    pub(super) fn set_phase(&self, phase: Phase) {
        let now = self.clock.now.load(Ordering::Relaxed);
        self.phase.store(now << 2 | phase as u64, Ordering::Relaxed);
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase_since().0
    }

    fn phase_since(&self) -> (Phase, u64) {
        let packed = self.phase.load(Ordering::Relaxed);
        let phase = match packed & 3 {
            0 => Phase::Idle,
            1 => Phase::Head,
            _ => Phase::Busy,
        };
        (phase, packed >> 2)
    }

    pub(super) fn set_write_stuck(&self, stuck: bool) {
        let was = self.write_stuck.load(Ordering::Relaxed);
        match (was, stuck) {
            (0, true) => {
                let now = self.clock.now.load(Ordering::Relaxed);
                self.write_stuck.store(now, Ordering::Relaxed);
            }
            (1.., false) => self.write_stuck.store(0, Ordering::Relaxed),
            _ => {}
        }
    }

    /// The connection is to end with this status.
    pub(super) fn refuse(&self, status: StatusCode) {
        self.refusal.store(status.as_u16(), Ordering::Relaxed);
    }

    pub(super) fn refusal(&self) -> Option<StatusCode> {
        StatusCode::from_u16(self.refusal.load(Ordering::Relaxed)).ok()
    }

    fn give(&self, order: Order) {
        self.orders.fetch_or(order as u8, Ordering::Relaxed);
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// What it was told. Wakes this task for whatever it is told from now on.
    pub(super) fn orders(&self, cx: &Context<'_>) -> Orders {
        // A task has the same waker all its life.
        if self.waker.get().is_none() {
            self.waker.get_or_init(|| cx.waker().clone());
        }
        Orders(self.orders.load(Ordering::Relaxed))
    }

    /// Whether its time is up, as it was told. Only the connection's own task knows that for sure: a request may have come
    /// since, and begun to run.
    pub(super) fn expires(&self) -> bool {
        match self.phase() {
            Phase::Idle => true,
            Phase::Head => {
                self.refuse(StatusCode::REQUEST_TIMEOUT);
                true
            }
            Phase::Busy => {
                let others = !(Order::Expire as u8);
                self.orders.fetch_and(others, Ordering::Relaxed);
                false
            }
        }
    }

    /// The connection is to end with a reset: what was sent is not all, and only that tells.
    pub(super) fn reset(&self) {
        self.resets.store(true, Ordering::Relaxed);
    }

    pub(super) fn resets(&self) -> bool {
        self.resets.load(Ordering::Relaxed)
    }

    pub(super) fn give_back(&self, socket: Option<Stream>) {
        *self.socket.lock().unwrap_or_else(PoisonError::into_inner) = socket;
    }

    pub(super) fn take_socket(&self) -> Option<Stream> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        socket.take()
    }
}
