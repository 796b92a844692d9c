//! The access log: a line for each request, in the common log format, through `tracing`.
//!
//! Mirrors `WSGIRequestHandler.log_request` in `werkzeug/serving.py`. The target is `carafe::access`; where nobody listens to that,
//! nothing is made. The thread that answers requests only notes facts; another one makes the line and
//! hands it to the subscriber, which may write to a disk.
//!
//! Read next: `connection.rs`, where the facts come from.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use http::{Method, Request, StatusCode, Uri, Version};
use jiff::Timestamp;
use jiff::fmt::strtime;

use crate::clock::{Clock, SystemClock};

/// Lines that wait to be written. When a log cannot keep up it loses lines, not requests.
const MOST_WAITING: usize = 8192;

/// What is known of one request.
pub(super) struct Entry {
    client: Option<SocketAddr>,
    time: u64,
    method: Method,
    target: Uri,
    version: Version,
    status: StatusCode,
    bytes: usize,
}

#[derive(Default)]
pub(super) struct AccessLog {
    /// `None` where no thread could be had.
    writer: OnceLock<Option<SyncSender<Entry>>>,
}

impl AccessLog {
    /// Notes a request, if anybody wants to know of it.
    pub(super) fn entry<B>(
        &self,
        request: &Request<B>,
        client: Option<SocketAddr>,
    ) -> Option<Entry> {
        if !tracing::enabled!(target: "carafe::access", tracing::Level::INFO) {
            return None;
        }
        Some(Entry {
            client,
            time: SystemClock.now(),
            method: request.method().clone(),
            target: request.uri().clone(),
            version: request.version(),
            status: StatusCode::OK,
            bytes: 0,
        })
    }

    /// Has the line written. It does not wait.
    pub(super) fn write(&self, entry: Entry) {
        let writer = self.writer.get_or_init(|| {
            let (writer, entries) = sync_channel::<Entry>(MOST_WAITING);
            let thread = thread::Builder::new().name("carafe-access".to_owned());
            let started = thread.spawn(move || {
                for entry in entries {
                    tracing::info!(target: "carafe::access", "{}", entry.line());
                }
            });
            started.is_ok().then_some(writer)
        });
        if let Some(writer) = writer {
            // Full: see MOST_WAITING.
            let _ = writer.try_send(entry);
        }
    }
}

impl Entry {
    pub(super) fn answered(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    // ANCHOR: line
    /// `127.0.0.1 - - [23/Nov/2026:03:46:17 +0000] "GET / HTTP/1.1" 200 13`
    fn line(&self) -> String {
        let mut line = match self.client {
            Some(client) => client.ip().to_string(),
            None => "-".to_owned(),
        };
        let seconds = i64::try_from(self.time).unwrap_or(0);
        let time = Timestamp::from_second(seconds).unwrap_or_default();
        let time = strtime::format("%d/%b/%Y:%H:%M:%S +0000", time).unwrap_or_default();
        let (method, target, version) = (&self.method, &self.target, self.version);
        let status = self.status.as_u16();
        // Writing to a string cannot fail.
        let _ = write!(
            line,
            " - - [{time}] \"{method} {} {version:?}\" {status} ",
            target.to_string().escape_debug()
        );
        match self.bytes {
            0 => line.push('-'),
            bytes => line.push_str(&bytes.to_string()),
        }
        line
    }
    // ANCHOR_END: line
}
