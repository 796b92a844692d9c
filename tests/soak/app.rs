//! The app of the soak, and what it has seen.
//!
//! Next: `client.rs`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

use carafe::{App, Error, Response, Route, Scaffold, request, session, stream_with_context};

#[derive(Default)]
pub(crate) struct Seen {
    /// Requests that got as far as their before functions.
    begun: AtomicUsize,
    torn_down: AtomicUsize,
    app_contexts: AtomicUsize,
    /// Streams that were asked for a first piece: these have contexts of their own.
    streams: AtomicUsize,
    streams_made: AtomicUsize,
    streams_dropped: AtomicUsize,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests, {} of {} streams",
            self.begun.load(Relaxed),
            self.streams.load(Relaxed),
            self.streams_made.load(Relaxed),
        )
    }
}

impl Seen {
    fn counters(&self) -> [&AtomicUsize; 6] {
        [
            &self.begun,
            &self.torn_down,
            &self.app_contexts,
            &self.streams,
            &self.streams_made,
            &self.streams_dropped,
        ]
    }

    /// For another process to read.
    pub(crate) fn report(&self) -> String {
        let counts = self.counters().map(|count| count.load(Relaxed).to_string());
        counts.join(" ")
    }

    pub(crate) fn parse(report: &str) -> Self {
        let seen = Seen::default();
        for (counter, count) in seen.counters().into_iter().zip(report.split(' ')) {
            counter.store(count.parse().unwrap(), Relaxed);
        }
        seen
    }

    /// All that was begun has ended, once.
    #[track_caller]
    pub(crate) fn add_up(&self) {
        let [begun, torn_down, app_contexts, streams, made, dropped] =
            self.counters().map(|count| count.load(Relaxed));
        assert!(begun > 0);
        assert_eq!(dropped, made, "streams dropped");
        assert_eq!(torn_down, begun + streams, "teardown_request");
        assert_eq!(app_contexts, begun + streams, "teardown_appcontext");
    }
}

/// Pieces of a stream: so many, with its number in the first.
struct Pieces {
    seen: Arc<Seen>,
    number: usize,
    next: usize,
    end: usize,
}

impl Iterator for Pieces {
    type Item = Result<String, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let piece = self.next;
        self.next += 1;
        match piece {
            0 => {
                self.seen.streams.fetch_add(1, Relaxed);
                Some(Ok(format!("{} {}", self.number, request().path())))
            }
            piece if piece < self.end => Some(Ok("x".repeat(1000))),
            _ => None,
        }
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.seen.streams_dropped.fetch_add(1, Relaxed);
    }
}

pub(crate) fn app(seen: &Arc<Seen>) -> App {
    let mut app = App::new("soak");
    app.config().set_secret_key("adavafa");
    let count = Arc::clone(seen);
    app.before_request(move || {
        count.begun.fetch_add(1, Relaxed);
    });
    let count = Arc::clone(seen);
    app.teardown_request(move |_error: Option<&Error>| {
        count.torn_down.fetch_add(1, Relaxed);
    });
    let count = Arc::clone(seen);
    app.teardown_appcontext(move |_error: Option<&Error>| {
        count.app_contexts.fetch_add(1, Relaxed);
    });
    app.get("/hello/<int:n>", |n: usize| n.to_string());
    let quick = Route::new("/session/<int:n>").blocking(false);
    app.get(quick, |n: usize| -> Result<_, Error> {
        session().insert("n", n as i64)?;
        Ok(n.to_string())
    });
    app.get("/panic/<int:n>", |n: usize| -> String {
        panic!("request {n} panics")
    });
    app.get("/wait/<int:n>", |n: usize| {
        sleep(Duration::from_millis(5));
        n.to_string()
    });
    app.post("/echo/<int:n>", |_n: usize| -> Result<_, Error> {
        Ok(request().get_data()?.to_vec())
    });
    let seen = Arc::clone(seen);
    app.get("/stream/<int:n>/<int:end>", move |n: usize, end: usize| {
        seen.streams_made.fetch_add(1, Relaxed);
        let seen = Arc::clone(&seen);
        Response::stream(stream_with_context(Pieces {
            seen,
            number: n,
            next: 0,
            end,
        }))
    });
    app
}
