//! `Running`: a server from its start to its end.
//!
//! Mirrors the life of a gunicorn worker: accept, serve, and on SIGTERM stop to accept, finish what runs, go.
//!
//! Read next: `connection.rs`.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::access_log::AccessLog;
use super::connection::{Place, Shared, serve};
use super::listener::{AsyncListener, Listener};
use super::registry::{Order, Registry};
use super::{ServerError, Settings};
use crate::bridge::Bridge;
use crate::error::Error;
use crate::logging;
use crate::wsgi::WsgiApp;

/// Where the system has no more file descriptors, some may be free again after this.
const BREATH: Duration = Duration::from_millis(50);

/// What was cut off may take so long to notice, and to run its teardown functions.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// Files that a process has open beside its connections.
const OTHER_FILES: u64 = 256;

/// A server that serves. [`Server::start`](super::Server::start) makes one.
pub struct Running {
    runtime: Runtime,
    shared: Arc<Shared>,
    acceptors: Vec<JoinHandle<()>>,
    /// `true` once it is to stop.
    stop: watch::Sender<bool>,
    /// Each connection holds a sender: when all are gone, this ends.
    connections: mpsc::Receiver<()>,
    local_addr: Option<SocketAddr>,
}

impl Running {
    // ANCHOR: start
    pub(super) fn start(
        app: Arc<dyn WsgiApp>,
        mut settings: Settings,
        listeners: Vec<Listener>,
    ) -> Result<Self, ServerError> {
        let failed = |error| ServerError::new("the server cannot start", error);
        allow_open_files(settings.max_connections);
        // Two threads for each processor, since the system may put one aside. Of what was only learned not to wait, three
        // quarters of them may run some at once: should all of these wait after all, the others go on.
        let io_threads = 2 * settings.threads;
        settings.limits.inline = io_threads - io_threads.div_ceil(4);
        let runtime = Builder::new_multi_thread()
            .worker_threads(io_threads)
            .thread_name("carafe-io")
            .enable_all()
            .build()
            .map_err(failed)?;
        let local_addr = listeners.iter().find_map(Listener::local_addr);
        let shared = Arc::new(Shared {
            app,
            bridge: Bridge::start(settings.limits, runtime.handle()).map_err(failed)?,
            registry: Registry::new(&settings),
            access_log: AccessLog::default(),
            settings,
        });
        let (alive, connections) = mpsc::channel(1);
        let mut acceptors = Vec::new();
        {
            let _inside = runtime.enter();
            for listener in listeners {
                let server = listener.local_addr();
                let listener = listener.into_tokio().map_err(failed)?;
                let accepting = accept(listener, server, Arc::clone(&shared), alive.clone());
                acceptors.push(runtime.spawn(accepting));
            }
        }
        let sweeper = Arc::clone(&shared);
        runtime.spawn(async move { sweeper.registry.sweep().await });
        Ok(Running {
            runtime,
            shared,
            acceptors,
            stop: watch::Sender::new(false),
            connections,
            local_addr,
        })
    }
    // ANCHOR_END: start

    /// The address of the first TCP socket, with its real port.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addr
    }

    /// Tells the server to stop; [`join`](Running::join) then does.
    pub fn shutdown(&self) {
        self.stop.send_replace(true);
    }

    /// The same, at SIGTERM and at Ctrl-C. A second one cuts off what is still running.
    pub(super) fn stop_on_signal(&self) -> Result<(), ServerError> {
        let _inside = self.runtime.enter();
        for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
            let mut signals =
                signal(kind).map_err(|e| ServerError::new("no signal can be handled", e))?;
            let stop = self.stop.clone();
            let shared = Arc::clone(&self.shared);
            self.runtime.spawn(async move {
                while signals.recv().await.is_some() {
                    if stop.send_replace(true) {
                        shared.registry.order_all(Order::Cut);
                        shared.bridge.give_up();
                    }
                }
            });
        }
        Ok(())
    }

    // ANCHOR: join
    /// Waits until the server is told to stop, and then for what is running, but no longer than its
    /// shutdown timeout: no more clients are let in, those that wait for a request are sent away, and responses that
    /// are on their way are finished, teardown functions included. Then it cuts off all connections: streams end and are
    /// torn down, and a second later it returns without what still runs.
    ///
    /// # Errors
    /// None at present.
    pub fn join(mut self) -> Result<(), ServerError> {
        let mut stopping = self.stop.subscribe();
        let limit = self.shared.settings.shutdown_timeout;
        let began = self.runtime.block_on(async {
            // It fails where the sender is gone, and this is the sender.
            let _ = stopping.wait_for(|stop| *stop).await;
            let began = Instant::now();
            for acceptor in &mut self.acceptors {
                acceptor.abort();
                // An acceptor that has ended has closed its socket.
                let _ = acceptor.await;
            }
            self.shared.registry.order_all(Order::Finish);
            let all_gone = timeout(limit, self.connections.recv()).await;
            if all_gone.is_err() {
                self.shared.registry.order_all(Order::Cut);
            }
            began
        });
        let left = limit.saturating_sub(began.elapsed()).max(LAST_MOMENT);
        if !self.shared.bridge.close(left) {
            let error = Error::from(io::Error::from(io::ErrorKind::TimedOut));
            logging::error(
                "some requests were still running when the server stopped",
                &error,
            );
        }
        self.runtime.shutdown_timeout(Duration::from_secs(1));
        Ok(())
    }
    // ANCHOR_END: join
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("local_addr", &self.local_addr)
            .finish_non_exhaustive()
    }
}

/// Lets clients in.
async fn accept(
    listener: AsyncListener,
    server: Option<SocketAddr>,
    shared: Arc<Shared>,
    alive: mpsc::Sender<()>,
) {
    static NEXT_ID: AtomicU64 = AtomicU64::new(0);
    let server = server.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 80)));
    loop {
        match listener.accept().await {
            Ok((stream, client)) => {
                let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
                // Here and not in its task, which may begin after the order to stop was given to all.
                let place = Place::take(id, &shared);
                let alive = alive.clone();
                tokio::spawn(async move {
                    serve(stream, place, server, client).await;
                    drop(alive);
                });
            }
            // The client has left before it was let in.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                // The system has run out of something.
                logging::error("no connection could be accepted", &Error::from(error));
                sleep(BREATH).await;
            }
        }
    }
}

/// Asks the system for as many open files as there may be connections. What it denies shows when it runs out.
fn allow_open_files(connections: usize) {
    let wanted = (connections as u64).saturating_add(OTHER_FILES);
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < wanted
    {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, wanted.min(hard), hard);
    }
}
