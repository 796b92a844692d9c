//! An HTTP/1.1 server for any [`WsgiApp`], on hyper (feature `server`).
//!
//! Stands where `werkzeug/serving.py`, and in production gunicorn, stand before a Flask app. A view may wait, for a
//! database or another server, and nobody else waits for it; `docs/server.md` explains how, with measurements. There is
//! no TLS and no static file cache here: a proxy in front does these better, and
//! [`ProxyFix`](crate::middleware::ProxyFix) then tells the app who its client is.
//!
//! This file holds [`Server`], with all that can be set. Read next: `running.rs`, from start to stop; `connection.rs`, one
//! client; `bridge/mod.rs`, one request.

mod access_log;
mod connection;
mod error;
mod io;
mod listener;
mod registry;
mod running;

use std::fmt;
use std::io::{Write, stdout};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

pub use error::ServerError;
pub use running::Running;

use crate::app::App;
use crate::bridge::Limits;
use crate::middleware::DebuggedApplication;
use crate::wsgi::WsgiApp;
use listener::Listener;

/// Settings that are not the bridge's.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    threads: usize,
    limits: Limits,
    max_connections: usize,
    max_headers: usize,
    max_header_bytes: usize,
    header_timeout: Duration,
    keep_alive: Duration,
    write_timeout: Duration,
    shutdown_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            threads: thread::available_parallelism().map_or(1, usize::from),
            limits: Limits::default(),
            max_connections: 16 * 1024,
            max_headers: 100,
            max_header_bytes: 32 * 1024,
            header_timeout: Duration::from_secs(15),
            keep_alive: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(30),
        }
    }
}

/// Serves a [`WsgiApp`] over HTTP/1.1.
///
/// ```
/// use carafe::server::Server;
/// use carafe::{App, Scaffold};
///
/// let mut app = App::new("hello");
/// app.get("/", || "Hello, World!");
/// let server = Server::new(app).bind("127.0.0.1:0")?.start()?;
/// assert_ne!(server.local_addr().map(|address| address.port()), Some(0));
/// server.shutdown();
/// server.join()?;
/// # Ok::<(), carafe::server::ServerError>(())
/// ```
pub struct Server {
    app: Arc<dyn WsgiApp>,
    settings: Settings,
    listeners: Vec<Listener>,
}

impl Server {
    /// A server for `app`, with nothing to listen on yet.
    #[must_use]
    pub fn new(app: impl WsgiApp + 'static) -> Self {
        Server {
            app: Arc::new(app),
            settings: Settings::default(),
            listeners: Vec::new(),
        }
    }

    /// Listens on one more address: `127.0.0.1:8000` (port 0 for any free one), `localhost:8000`, `[::1]:8000`, or
    /// `unix:/run/shop.sock`.
    ///
    /// # Errors
    /// Where the address is none, or is in use.
    pub fn bind(mut self, address: &str) -> Result<Self, ServerError> {
        self.listeners.push(Listener::bind(address)?);
        Ok(self)
    }

    /// Listens on the sockets that the process was started with: systemd's socket activation (`LISTEN_FDS`).
    ///
    /// # Errors
    /// Where there is none, or one is no listening stream socket.
    pub fn inherited(mut self) -> Result<Self, ServerError> {
        self.listeners.extend(Listener::inherited()?);
        Ok(self)
    }

    /// Processors to keep busy with reading, writing, and what does not wait. For each of them there are two threads, which
    /// leaves some where a request waits that never did before. Default: all; at most 1,024.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        // They are all started at once, and no machine has that many processors for it.
        self.settings.threads = threads.clamp(1, 1024);
        self
    }

    /// Threads for requests that may wait: so many can wait at once. Default: 32.
    #[must_use]
    pub fn pool(mut self, threads: usize) -> Self {
        self.settings.limits.pool = threads.max(1);
        self
    }

    /// Requests that wait for a thread of the pool; one more gets a 503 with `Retry-After`. Default: 1024.
    #[must_use]
    pub fn queue(mut self, requests: usize) -> Self {
        self.settings.limits.queue = requests.max(1);
        self
    }

    /// Connections at once; one more gets a 503. Default: 16,384.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = connections.max(1);
        self
    }

    /// Header lines in a request; more get a 431. Default: 100; at most 16,384.
    #[must_use]
    pub fn max_headers(mut self, headers: usize) -> Self {
        // More do not fit into a `HeaderMap`, and hyper takes memory for all of them with each request.
        self.settings.max_headers = headers.min(16 * 1024);
        self
    }

    /// Bytes in a request's head; more get a 431. Default: 32 KiB; at least 8 KiB.
    #[must_use]
    pub fn max_header_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_header_bytes = bytes.max(8 * 1024);
        self
    }

    /// Bytes in a request's target; more get a 414. Default: 8 KiB.
    #[must_use]
    pub fn max_uri_bytes(mut self, bytes: usize) -> Self {
        self.settings.limits.uri = bytes;
        self
    }

    /// Bytes in a request's body; more get a 413. An app's `MAX_CONTENT_LENGTH` may be lower. Default: 1 GiB.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: u64) -> Self {
        self.settings.limits.body = bytes;
        self
    }

    /// From the first byte of a request's head to its last; then a 408. Default: 15 seconds.
    #[must_use]
    pub fn header_timeout(mut self, timeout: Duration) -> Self {
        self.settings.header_timeout = timeout;
        self
    }

    /// Between two pieces of a request's body; then a 408. Default: 30 seconds.
    #[must_use]
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.settings.limits.body_timeout = timeout;
        self
    }

    /// Between two requests of a connection; then it is closed. Default: 75 seconds.
    #[must_use]
    pub fn keep_alive(mut self, timeout: Duration) -> Self {
        self.settings.keep_alive = timeout;
        self
    }

    /// Without the client taking a byte of a response; then the connection is cut. Default: 30 seconds.
    #[must_use]
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.settings.write_timeout = timeout;
        self
    }

    /// From the order to stop until requests that still run are left alone. Default: 30 seconds.
    #[must_use]
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.settings.shutdown_timeout = timeout;
        self
    }

    /// Serves until SIGTERM or Ctrl-C, then finishes what is running. Prints `listening on http://...` for each
    /// address on standard output, once a client can connect.
    ///
    /// # Errors
    /// Where there is nothing to listen on, or the system denies a thread or a signal handler.
    pub fn serve(self) -> Result<(), ServerError> {
        let urls: Vec<String> = self.listeners.iter().map(Listener::url).collect();
        let running = self.start()?;
        running.stop_on_signal()?;
        for url in urls {
            // Where nobody can read it, it is served all the same.
            let _ = writeln!(stdout(), "listening on {url}");
        }
        running.join()
    }

    /// Starts to serve on threads of its own, and returns.
    ///
    /// # Errors
    /// Where there is nothing to listen on, or the system denies a thread.
    pub fn start(self) -> Result<Running, ServerError> {
        if self.listeners.is_empty() {
            return Err(ServerError::nothing_to_listen_on());
        }
        Running::start(self.app, self.settings, self.listeners)
    }
}

impl App {
    // ANCHOR: run
    /// `app.run(address)`: serves the app until SIGTERM or Ctrl-C. [`Server`] has the settings.
    ///
    /// With DEBUG an unhandled error is answered with a page that shows how the request went
    /// ([`DebuggedApplication`]), and standard error says that this is not for production.
    ///
    /// # Errors
    /// Where the address is none, or is in use.
    pub fn run(&self, address: &str) -> Result<(), ServerError> {
        if !self.config().settings().debug {
            return Server::new(self.clone()).bind(address)?.serve();
        }
        let app = DebuggedApplication::new(self.clone());
        let server = Server::new(app).bind(address)?;
        eprintln!(
            "DEBUG is on: whoever makes {:?} fail sees its code, its requests and its sessions.\n\
             That is for your own machine, and not for production.",
            self.name()
        );
        server.serve()
    }
    // ANCHOR_END: run
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("settings", &self.settings)
            .field("listeners", &self.listeners)
            .finish_non_exhaustive()
    }
}
