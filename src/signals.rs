//! Signals: what an app announces, to whoever has connected.
//!
//! Mirrors `flask/signals.py` on top of blinker. A signal is global, as in Flask; a receiver hears one
//! app, or all of them. Receivers run in the order in which they connected, on the thread that sends,
//! and one that fails makes the send fail: its error goes wherever the sender's would.
//!
//! Read next: `lifecycle.rs`, which sends all of Flask's but `MESSAGE_FLASHED`.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::app::{App, AppId};
use crate::error::Error;
use crate::trace::somebody_listens;
use crate::typing::HookReturn;
use crate::wrappers::Response;

/// Sent when an app context has been pushed. Flask: `appcontext_pushed`.
pub static APPCONTEXT_PUSHED: Signal<()> = Signal::new("appcontext_pushed");
/// Sent before the before functions run. Flask: `request_started`.
pub static REQUEST_STARTED: Signal<()> = Signal::new("request_started");
/// Sent with the finished response. Flask: `request_finished`.
pub static REQUEST_FINISHED: Signal<Response> = Signal::new("request_finished");
/// Sent with an error that no handler took. Flask: `got_request_exception`.
pub static GOT_REQUEST_EXCEPTION: Signal<Error> = Signal::new("got_request_exception");
/// Sent after the teardown functions, with the error that ended the request, if one did. Flask:
/// `request_tearing_down`.
pub static REQUEST_TEARING_DOWN: Signal<Option<Error>> = Signal::new("request_tearing_down");
/// Sent after the app context's teardown functions. Flask: `appcontext_tearing_down`.
pub static APPCONTEXT_TEARING_DOWN: Signal<Option<Error>> = Signal::new("appcontext_tearing_down");
/// Sent when an app context is gone. Flask: `appcontext_popped`.
pub static APPCONTEXT_POPPED: Signal<()> = Signal::new("appcontext_popped");
/// Sent with each message that `flash` stores. Flask: `message_flashed`.
pub static MESSAGE_FLASHED: Signal<Flash> = Signal::new("message_flashed");

/// A message for the user's next page: what `flash` stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flash {
    /// Its category; `"message"` where none was given.
    pub category: String,
    /// Its text.
    pub message: String,
}

type Function<A> = dyn Fn(&App, &A) -> Result<(), Error> + Send + Sync;

struct Receiver<A: 'static> {
    id: u64,
    /// `None` hears every app: blinker's `ANY`.
    sender: Option<AppId>,
    function: Arc<Function<A>>,
}

/// One signal, whose receivers are told an `A`.
///
/// ```
/// use carafe::{App, Scaffold, signals};
/// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
///
/// let mut app = App::new("shop");
/// app.route("/", || "hello");
/// let count = Arc::new(AtomicU32::new(0));
/// let seen = Arc::clone(&count);
/// let connected = signals::REQUEST_STARTED.connected_to(&app, move |_app, ()| {
///     seen.fetch_add(1, Ordering::Relaxed);
/// });
/// app.test_client().get("/").send()?;
/// drop(connected);
/// app.test_client().get("/").send()?;
/// assert_eq!(count.load(Ordering::Relaxed), 1);
/// # Ok::<(), carafe::Error>(())
/// ```
pub struct Signal<A: 'static> {
    name: &'static str,
    receivers: RwLock<Vec<Receiver<A>>>,
    /// How many receivers there are: a send without any costs one load.
    count: AtomicUsize,
}

/// Names one connection, to [`Signal::disconnect`] it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverId(u64);

impl<A: 'static> Signal<A> {
    /// A signal of the app's own: blinker's `Namespace().signal(name)`. Keep it in a `static`, as Flask's are.
    ///
    /// ```
    /// use carafe::{App, signals::Signal};
    /// static MODEL_SAVED: Signal<String> = Signal::new("model-saved");
    ///
    /// let app = App::new("shop");
    /// MODEL_SAVED.connect(|_app, title| assert_eq!(title, "pear"));
    /// MODEL_SAVED.send(&app, &"pear".to_owned())?;
    /// # Ok::<(), carafe::Error>(())
    /// ```
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Signal {
            name,
            receivers: RwLock::new(Vec::new()),
            count: AtomicUsize::new(0),
        }
    }

    /// The signal's name: Flask's own, of a signal of Flask's.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    // ANCHOR: connect
    /// `signal.connect(receiver)`: hears every app.
    pub fn connect<F, R>(&self, receiver: F) -> ReceiverId
    where
        F: Fn(&App, &A) -> R + Send + Sync + 'static,
        R: HookReturn,
    {
        self.add(None, receiver)
    }
    // ANCHOR_END: connect

    /// `signal.connect(receiver, sender)`: hears `sender` only, and stays connected when that is gone. An extension, which
    /// many apps may have, keeps the guard of [`connected_to`](Signal::connected_to) in
    /// [`App::extensions`](crate::App::extensions): its receiver goes with the app.
    pub fn connect_via<F, R>(&self, sender: &App, receiver: F) -> ReceiverId
    where
        F: Fn(&App, &A) -> R + Send + Sync + 'static,
        R: HookReturn,
    {
        self.add(Some(sender.id()), receiver)
    }

    // ANCHOR: connected_to
    /// `with signal.connected_to(receiver, sender):`. The receiver hears `sender` until the returned
    /// guard is dropped.
    #[must_use = "the receiver is disconnected when this is dropped"]
    pub fn connected_to<F, R>(&'static self, sender: &App, receiver: F) -> ConnectedTo<A>
    where
        F: Fn(&App, &A) -> R + Send + Sync + 'static,
        R: HookReturn,
    {
        ConnectedTo {
            signal: self,
            receiver: self.connect_via(sender, receiver),
        }
    }
    // ANCHOR_END: connected_to

    /// `signal.disconnect(receiver)`. Disconnecting twice does nothing.
    pub fn disconnect(&self, receiver: ReceiverId) {
        let mut receivers = self
            .receivers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let at = receivers.iter().position(|each| each.id == receiver.0);
        let gone = at.map(|at| receivers.remove(at));
        self.count.store(receivers.len(), Ordering::Release);
        // What it holds, such as the guard of another receiver, is dropped without the lock.
        drop(receivers);
        drop(gone);
    }

    fn add<F, R>(&self, sender: Option<AppId>, receiver: F) -> ReceiverId
    where
        F: Fn(&App, &A) -> R + Send + Sync + 'static,
        R: HookReturn,
    {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let function: Arc<Function<A>> =
            Arc::new(move |app: &App, data: &A| receiver(app, data).into_result());
        let mut receivers = self
            .receivers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        receivers.push(Receiver {
            id,
            sender,
            function,
        });
        self.count.store(receivers.len(), Ordering::Release);
        ReceiverId(id)
    }

    /// `signal.send(sender, ...)`: calls every receiver of `sender`'s.
    ///
    /// # Errors
    /// The first receiver's that fails; those after it are not called.
    #[inline]
    // ANCHOR: send
    pub fn send(&self, sender: &App, data: &A) -> Result<(), Error> {
        if somebody_listens() {
            self.announce();
        }
        if self.count.load(Ordering::Acquire) == 0 {
            return Ok(());
        }
        self.send_to_all(sender, data)
    }

    #[inline(never)]
    fn send_to_all(&self, sender: &App, data: &A) -> Result<(), Error> {
        for function in self.receivers_for(sender) {
            function(sender, data)?;
        }
        Ok(())
    }
    // ANCHOR_END: send

    // ANCHOR: receivers_for
    #[cold]
    #[inline(never)]
    fn announce(&self) {
        tracing::debug!(target: "carafe::signal", name = self.name);
    }

    /// The receivers at this moment, so that one may connect or disconnect while it runs.
    fn receivers_for(&self, sender: &App) -> Vec<Arc<Function<A>>> {
        let receivers = self
            .receivers
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        receivers
            .iter()
            .filter(|each| each.sender.is_none_or(|id| id == sender.id()))
            .map(|each| Arc::clone(&each.function))
            .collect()
    }
    // ANCHOR_END: receivers_for
}

impl<A: 'static> fmt::Debug for Signal<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Keeps a receiver connected; see [`Signal::connected_to`].
#[derive(Debug)]
pub struct ConnectedTo<A: 'static> {
    signal: &'static Signal<A>,
    receiver: ReceiverId,
}

// ANCHOR: drop
impl<A: 'static> Drop for ConnectedTo<A> {
    fn drop(&mut self) {
        self.signal.disconnect(self.receiver);
    }
}
// ANCHOR_END: drop
