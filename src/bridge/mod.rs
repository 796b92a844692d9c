//! The bridge: from an HTTP request that arrives asynchronously to a WSGI app, which is synchronous, and back.
//!
//! Mirrors what a WSGI server does around `application(environ, start_response)`, such as
//! `run_wsgi` in `werkzeug/serving.py`. Both `server` (hyper) and `tower` (axum) stand on it. [`Bridge::answer`] holds
//! the one decision: a request that does not wait runs right here, on the I/O thread, and any other
//! goes to a thread of the [`Pool`].
//!
//! Read next: `answer.rs`, what is made of an answer; `input.rs` and `output.rs`, the two bodies; `pool.rs`; `pace.rs`, where the decision comes from.

mod answer;
mod awake;
mod environ;
mod input;
mod output;
mod pool;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body as HttpBody;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

pub(crate) use answer::{last, plain};
pub(crate) use environ::Origin;
pub(crate) use output::{BoxError, Output};

use crate::error::catch;
#[cfg(feature = "tower")]
use crate::logging;
use crate::wsgi::{Pace, WsgiApp};
use answer::{busy, last_if, run};
use input::{Unread, Upload};
use pool::{Job, Pool};
use watch::Watch;

/// The limits of a bridge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Threads that may wait.
    pub(crate) pool: usize,
    /// Requests that may wait for one of them.
    pub(crate) queue: usize,
    /// Requests that nobody declared and that may run on I/O threads at once.
    pub(crate) inline: usize,
    /// Bytes in a target.
    pub(crate) uri: usize,
    /// Bytes in a body.
    pub(crate) body: u64,
    /// The time between two pieces of a body.
    pub(crate) body_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            pool: 32,
            queue: 1024,
            inline: 1,
            uri: 8 * 1024,
            body: 1 << 30,
            body_timeout: Duration::from_secs(30),
        }
    }
}

/// The threads that apps may wait on.
pub(crate) struct Bridge {
    /// Of apps that say nothing themselves.
    pace: Arc<Pace>,
    pool: Pool,
    /// Threads for what is not known to wait, while those of the pool are taken by what is.
    spare: Pool,
    limits: Limits,
    running_inline: AtomicUsize,
    /// Bodies that are still arriving while a thread of the pool reads them: a part of the pool, so that slow
    /// clients cannot take all of it.
    uploads: Arc<Semaphore>,
    /// Those that have no thread yet.
    waiting_uploads: AtomicUsize,
}

impl Bridge {
    /// For requests on the I/O threads of `runtime`.
    #[cfg(feature = "server")]
    pub(crate) fn start(limits: Limits, runtime: &Handle) -> std::io::Result<Arc<Self>> {
        let bridge = Arc::new(Self::new(limits));
        awake::keep_awake(runtime.clone(), &bridge)?;
        Ok(bridge)
    }

    /// The same for the runtime that this is called in. Half of its threads may run what was only learned not to wait, so that the
    /// other half is left.
    #[cfg(feature = "tower")]
    pub(crate) fn here(limits: Limits) -> Arc<Self> {
        let runtime = Handle::try_current().ok();
        let threads = runtime
            .as_ref()
            .map_or(1, |runtime| runtime.metrics().num_workers());
        let inline = threads / 2;
        let bridge = Arc::new(Self::new(Limits { inline, ..limits }));
        let awake = runtime.map_or(Ok(()), |runtime| awake::keep_awake(runtime, &bridge));
        if let Err(error) = awake {
            logging::error("no thread to keep the router awake", &error.into());
        }
        bridge
    }

    fn new(limits: Limits) -> Self {
        Bridge {
            pace: Arc::new(Pace::learned()),
            pool: Pool::new(limits.pool, limits.queue),
            spare: Pool::new(limits.inline, limits.queue),
            limits,
            running_inline: AtomicUsize::new(0),
            uploads: Arc::new(Semaphore::new(places_for_uploads(limits.pool))),
            waiting_uploads: AtomicUsize::new(0),
        }
    }

    // ANCHOR: answer
    /// Answers one request.
    pub(crate) async fn answer<B>(
        &self,
        app: &Arc<dyn WsgiApp>,
        request: Request<B>,
        origin: &Origin,
    ) -> Response<Output>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        if let Err(status) = self.check(&parts) {
            return match body.is_end_stream() {
                true => plain(status),
                false => last(plain(status)),
            };
        }
        let mut upload = Upload::new(body, &parts.headers, &self.limits);
        upload.take_what_is_there().await;
        if !upload.is_complete() {
            // In a box, as all that is rarely waited for: hyper moves this future for each request.
            Box::pin(upload.take_what_is_small()).await;
        }
        let arriving = !upload.is_complete();
        let unread = match parts.version <= Version::HTTP_11 {
            true => upload.unread(),
            // There a connection goes on, whatever is left unread.
            false => Unread::default(),
        };

        // ANCHOR: decide
        let environ = environ::environ(parts, origin, upload);
        // To tell it the app may match the URL, with converters of its own. Should one panic, it does so again in the
        // request, which answers for it.
        let pace = catch(|| Ok(app.pace(&environ))).ok().flatten();
        let pace = pace.unwrap_or(&self.pace);
        if !arriving
            && !pace.may_block()
            && let Some(_place) = self.place_inline(pace)
        {
            let watch = pace.is_learned().then(Watch::start);
            let answer = run(&**app, environ);
            if let Some(watch) = watch {
                pace.record(watch.waited());
            }
            let response = match answer.is_whole() {
                true => answer.into_whole(),
                // Its next piece may take any time.
                false => self.in_pool(false, |reply| answer.send(reply)).await,
            };
            return last_if(&unread, response);
        }
        // ANCHOR_END: decide

        let pace = Arc::clone(pace);
        let permit = match arriving {
            true => match Box::pin(self.place_for_upload()).await {
                Some(permit) => Some(permit),
                None => return last_if(&unread, busy()),
            },
            false => None,
        };
        let may_be_quick = !arriving && !pace.is_known_to_block();
        let app = Arc::clone(app);
        let job = move |reply| {
            let watch = Watch::start();
            let answer = run(&*app, environ);
            if !arriving {
                pace.record(watch.waited());
            }
            drop(permit);
            answer.send(reply);
        };
        last_if(&unread, self.in_pool(may_be_quick, job).await)
    }
    // ANCHOR_END: answer

    /// What no app is asked about.
    fn check(&self, parts: &http::request::Parts) -> Result<(), StatusCode> {
        let target = parts.uri.path_and_query();
        if target.is_some_and(|target| target.as_str().len() > self.limits.uri) {
            return Err(StatusCode::URI_TOO_LONG);
        }
        let claimed = parts.headers.get(CONTENT_LENGTH);
        let claimed = claimed.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if claimed.is_some_and(|length| length > self.limits.body) {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        // A tunnel is no resource of an app's.
        if parts.method == Method::CONNECT {
            return Err(StatusCode::NOT_IMPLEMENTED);
        }
        Ok(())
    }

    /// Whether a request runs on an I/O thread now.
    fn runs_inline(&self) -> bool {
        self.running_inline.load(Ordering::Relaxed) > 0
    }

    /// A place on an I/O thread. What is declared quick always has one; of what was only learned so few run at once
    /// that, should all of them wait this time, other I/O threads are left.
    fn place_inline(&self, pace: &Pace) -> Option<Counted<'_>> {
        let (place, running) = Counted::one_more(&self.running_inline);
        (!pace.is_learned() || running < self.limits.inline).then_some(place)
    }

    /// A place for a body that is still arriving. There is a line for these too, as long as the pool's.
    async fn place_for_upload(&self) -> Option<OwnedSemaphorePermit> {
        let (_place, waiting) = Counted::one_more(&self.waiting_uploads);
        if waiting >= self.limits.queue && self.uploads.available_permits() == 0 {
            return None;
        }
        Arc::clone(&self.uploads).acquire_owned().await.ok()
    }

    // ANCHOR: in_pool
    /// Has a thread do it, which may take its time.
    async fn in_pool(
        &self,
        may_be_quick: bool,
        job: impl FnOnce(oneshot::Sender<Response<Output>>) + Send + 'static,
    ) -> Response<Output> {
        let (reply, response) = oneshot::channel();
        let mut job: Job = Box::new(move || {
            // The client may have left while this waited in line.
            if !reply.is_closed() {
                job(reply);
            }
        });
        if may_be_quick {
            match self.spare.submit_if_free(job) {
                Ok(()) => return answered(response).await,
                Err(refused) => job = refused,
            }
        }
        match self.pool.submit(job) {
            Ok(()) => answered(response).await,
            Err(_full) => busy(),
        }
    }
    // ANCHOR_END: in_pool

    /// Waits for the threads to end, but no longer than `timeout`. Whether they all have.
    #[cfg(feature = "server")]
    pub(crate) fn close(&self, timeout: Duration) -> bool {
        let began = std::time::Instant::now();
        let spare = self.spare.close(timeout);
        let pool = self.pool.close(timeout.saturating_sub(began.elapsed()));
        spare && pool
    }

    /// Has [`close`](Bridge::close) wait no longer.
    #[cfg(feature = "server")]
    pub(crate) fn give_up(&self) {
        self.spare.give_up();
        self.pool.give_up();
    }
}

/// Three quarters of the pool, of however many threads that is.
fn places_for_uploads(pool: usize) -> usize {
    (pool - pool.div_ceil(4)).clamp(1, Semaphore::MAX_PERMITS)
}

async fn answered(response: oneshot::Receiver<Response<Output>>) -> Response<Output> {
    // `run` catches panics, so a job that did not answer has lost its thread.
    response
        .await
        .unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR))
}

/// One of those that are counted, until it is dropped.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    /// One more, and how many there were.
    fn one_more(counter: &'a AtomicUsize) -> (Self, usize) {
        (Counted(counter), counter.fetch_add(1, Ordering::Relaxed))
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
