//! The visits: requests that are sent to the app, and recorded.

use std::sync::Arc;

use carafe::App;
use carafe::clock::FixedClock;
use carafe::testing::{TestClient, TestResponse};
use carafe::trace::{Recorder, Trace};
use tracing_subscriber::layer::SubscriberExt;

use super::options::{Options, Request};
use super::tutorial::create_app;

/// The three that are made unless others are asked for.
const THREE: [&str; 3] = ["POST /login username=jack", "GET /", "GET /fail"];

/// The time of the first visit, in Unix seconds: 2023-11-14 22:13:20 UTC.
const NOW: u64 = 1_700_000_000;

/// One visit and what was recorded of it.
pub(crate) struct Visit {
    pub(crate) request: Request,
    /// The answer, or the error that left the app.
    pub(crate) response: Result<TestResponse, carafe::Error>,
    pub(crate) trace: Trace,
}

/// A browser, the app it visits and the visits it is going to make.
pub(crate) struct Visits {
    client: TestClient,
    clock: Option<Arc<FixedClock>>,
    left: std::vec::IntoIter<Request>,
}

/// All visits, each made when it is asked for.
pub(crate) fn all(options: &Options) -> Visits {
    let app: App = create_app();
    let clock = (!options.real_time).then(|| Arc::new(FixedClock::new(NOW)));
    if let Some(clock) = &clock {
        app.config().set_clock(Arc::clone(clock) as _);
    }
    let requests = match options.requests.as_slice() {
        [] => THREE
            .iter()
            .filter_map(|text| Request::parse(text).ok())
            .collect(),
        own => own.to_vec(),
    };
    Visits {
        client: app.test_client(),
        clock,
        left: requests.into_iter(),
    }
}

impl Visits {
    /// Makes the next visit, recorded by `recorder`.
    pub(crate) fn visit(&mut self, recorder: &Recorder) -> Option<Visit> {
        let request = self.left.next()?;
        let subscriber = tracing_subscriber::registry().with(recorder.layer());
        let response = tracing::subscriber::with_default(subscriber, || {
            let mut sent = self.client.open(&request.method, &request.path);
            if !request.form.is_empty() {
                let form = request.form.iter();
                sent = sent.form(form.map(|(key, value)| (key.as_str(), value.as_str())));
            }
            sent.send()
        });
        if let Some(clock) = &self.clock {
            clock.advance(60);
        }
        Some(Visit {
            request,
            response,
            trace: recorder.take(),
        })
    }
}

impl Iterator for Visits {
    type Item = Visit;

    fn next(&mut self) -> Option<Visit> {
        self.visit(&Recorder::new())
    }
}
