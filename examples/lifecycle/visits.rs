//! The visits: requests that are sent to the app, and recorded.

use std::sync::Arc;

use carafe::clock::FixedClock;
use carafe::session::ServerSideSessionInterface;
use carafe::session::store::StoreError;
use carafe::testing::CookieJar;
use carafe::trace::{Recorder, Trace};
use carafe::wsgi::Environ;
use carafe::{App, Error};
use tracing_subscriber::layer::SubscriberExt;

use super::options::{Options, Request};
use super::server::{self, Answer};

/// The time of the first visit, in Unix seconds: 2023-11-14 22:13:20 UTC.
const NOW: u64 = 1_700_000_000;

const HOST: &str = "localhost";

/// One visit and what was recorded of it.
pub(crate) struct Visit {
    pub(crate) request: Request,
    /// The bytes of the request.
    pub(crate) sent: String,
    /// The answer, or the error that left the app.
    pub(crate) response: Result<Answer, Error>,
    pub(crate) trace: Trace,
    /// Whether the session is in a store, not in the cookie.
    pub(crate) in_store: bool,
}

/// A browser, the app it visits and the visits it is going to make.
pub(crate) struct Visits {
    app: App,
    cookies: CookieJar,
    in_store: bool,
    clock: Option<Arc<FixedClock>>,
    left: std::vec::IntoIter<Request>,
}

/// All visits, each made when it is asked for.
///
/// # Errors
/// Where the store can't be had.
pub(crate) fn all(options: &Options) -> Result<Visits, StoreError> {
    let mut app = (options.app.create)();
    if let Some(url) = &options.store {
        // One line swaps where sessions are kept.
        app.session_interface(ServerSideSessionInterface::from_url(url)?);
    }
    let clock = (!options.real_time).then(|| Arc::new(FixedClock::new(NOW)));
    if let Some(clock) = &clock {
        app.config().set_clock(Arc::clone(clock) as _);
    }
    Ok(Visits {
        app,
        cookies: CookieJar::default(),
        in_store: options.store.is_some(),
        clock,
        left: options.visits().into_iter(),
    })
}

impl Visits {
    /// Makes the next visit, recorded by `recorder`.
    pub(crate) fn visit(&mut self, recorder: &Recorder) -> Option<Visit> {
        let request = self.left.next()?;
        let (sent, response) = match self.environ(&request) {
            Ok((environ, sent)) => (sent, self.send(environ, recorder)),
            Err(error) => (String::new(), Err(error)),
        };
        if let Some(clock) = &self.clock {
            clock.advance(60);
        }
        Some(Visit {
            request,
            sent,
            response,
            trace: recorder.take(),
            in_store: self.in_store,
        })
    }

    /// What a server makes of the request, and the bytes it makes it of.
    fn environ(&self, request: &Request) -> Result<(Environ, String), Error> {
        let mut builder = Environ::builder(&request.path).method(&request.method);
        if !request.form.is_empty() {
            let form = request.form.iter();
            builder = builder.form(form.map(|(key, value)| (key.as_str(), value.as_str())));
        }
        if let Some(cookie) = self.cookies.header(HOST, &request.path) {
            builder = builder.header("Cookie", cookie);
        }
        let mut environ = builder.build()?;
        let sent = server::request_wire(&mut environ)?;
        Ok((environ, sent))
    }

    fn send(&mut self, environ: Environ, recorder: &Recorder) -> Result<Answer, Error> {
        let path = environ.path_info.clone();
        let subscriber = tracing_subscriber::registry().with(recorder.layer());
        let answer =
            tracing::subscriber::with_default(subscriber, || server::serve(&self.app, environ))?;
        for header in answer.headers.get_all(http::header::SET_COOKIE) {
            let header = String::from_utf8_lossy(header.as_bytes());
            self.cookies.update(&header, HOST, &path);
        }
        Ok(answer)
    }
}

impl Iterator for Visits {
    type Item = Visit;

    fn next(&mut self) -> Option<Visit> {
        self.visit(&Recorder::new())
    }
}
