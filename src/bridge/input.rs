//! `Upload`: the body of a request, as the blocking reader that `wsgi.input` is.
//!
//! What has arrived with the head is taken at once, and what is small is waited for: most bodies are complete with that
//! before the view runs, and no thread waits for a client that is slow to send a form. The rest is read by the thread that
//! runs the view, piece by piece as it asks: nothing is buffered ahead, and `Expect: 100-continue` is answered when the
//! first byte is asked for. While it waits the thread is parked; the connection that feeds it is driven by the I/O threads.
//!
//! Read next: `output.rs`, the way back.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http::header::EXPECT;
use http_body::Body as HttpBody;
use tokio::time::timeout;

use super::Limits;
use super::output::BoxError;

/// As much is taken before a view asks for it, and a body that is no larger is waited for.
const READ_AHEAD: usize = 64 * 1024;

pub(super) struct Upload<B> {
    /// `None` once it has ended.
    body: Option<Pin<Box<B>>>,
    pieces: VecDeque<Bytes>,
    /// What it failed with while nobody was reading.
    failed: Option<io::Error>,
    waits_for_continue: bool,
    left: u64,
    timeout: Duration,
    unread: Unread,
}

/// Whether some of a body was left unread: nothing more can be read from its connection then.
#[derive(Clone, Default)]
pub(super) struct Unread(Option<Arc<AtomicBool>>);

impl Unread {
    fn set(&self) {
        if let Some(flag) = &self.0 {
            flag.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn is_set(&self) -> bool {
        let flag = self.0.as_ref();
        flag.is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}

impl<B> Upload<B>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    pub(super) fn new(body: B, headers: &HeaderMap, limits: &Limits) -> Self {
        Upload {
            body: (!body.is_end_stream()).then(|| Box::pin(body)),
            pieces: VecDeque::new(),
            failed: None,
            waits_for_continue: headers.contains_key(EXPECT),
            left: limits.body,
            timeout: limits.body_timeout,
            unread: Unread::default(),
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.body.is_none()
    }

    // ANCHOR: take_what_is_there
    /// Takes what the client has sent already, and waits for nothing.
    pub(super) async fn take_what_is_there(&mut self) {
        // Asking for the first byte is what invites a client that waits to send a body, wanted or not.
        if self.is_complete() || self.waits_for_continue {
            return;
        }
        let mut asked = false;
        let mut taken = 0;
        poll_fn(|cx| {
            while taken < READ_AHEAD {
                match self.poll_piece(cx) {
                    Poll::Ready(Some(Ok(piece))) => {
                        taken += piece.len();
                        self.pieces.push_back(piece);
                    }
                    Poll::Ready(Some(Err(error))) => {
                        self.failed = Some(error);
                        break;
                    }
                    Poll::Ready(None) => break,
                    // hyper hands over the body that it has read only after it was asked once.
                    Poll::Pending if !asked => {
                        asked = true;
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    Poll::Pending => break,
                }
            }
            Poll::Ready(())
        })
        .await;
    }
    // ANCHOR_END: take_what_is_there

    // ANCHOR: take_what_is_small
    /// Waits for the rest of a body that says that it is small. Only a task waits, and no thread: clients that take their
    /// time cannot take all threads.
    pub(super) async fn take_what_is_small(&mut self) {
        let left = self.body.as_ref().and_then(|body| body.size_hint().exact());
        let small = left.is_some_and(|left| left <= READ_AHEAD as u64);
        if !small || self.waits_for_continue {
            return;
        }
        // Copied: a piece of one byte would keep all of the buffer that it was read into.
        let mut rest = BytesMut::new();
        loop {
            let piece = timeout(self.timeout, poll_fn(|cx| self.poll_piece(cx))).await;
            match piece.unwrap_or_else(|_| Some(Err(self.timed_out()))) {
                Some(Ok(piece)) => rest.extend_from_slice(&piece),
                Some(Err(error)) => {
                    self.failed = Some(error);
                    break;
                }
                None => break,
            }
        }
        if !rest.is_empty() {
            self.pieces.push_back(rest.freeze());
        }
    }
    // ANCHOR_END: take_what_is_small

    /// Tells, once this is dropped, whether it was read to its end. For a body that came whole nothing is noted.
    pub(super) fn unread(&mut self) -> Unread {
        if !self.is_complete() || self.failed.is_some() {
            self.unread = Unread(Some(Arc::new(AtomicBool::new(self.failed.is_some()))));
        }
        self.unread.clone()
    }

    /// Reads no more of it.
    fn give_up(&mut self) {
        self.body = None;
        self.unread.set();
    }

    fn timed_out(&mut self) -> io::Error {
        self.give_up();
        io::ErrorKind::TimedOut.into()
    }

    /// The next piece of the body; `None` at its end. Trailers are passed over.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            let Some(body) = &mut self.body else {
                return Poll::Ready(None);
            };
            let frame = match body.as_mut().poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(frame) => frame,
            };
            let ended = body.is_end_stream();
            let piece = match frame {
                None => {
                    self.body = None;
                    return Poll::Ready(None);
                }
                Some(Err(error)) => {
                    self.give_up();
                    return Poll::Ready(Some(Err(io::Error::other(error.into()))));
                }
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            };
            if ended {
                self.body = None;
            }
            match self.left.checked_sub(piece.len() as u64) {
                Some(left) => self.left = left,
                None => {
                    self.give_up();
                    return Poll::Ready(Some(Err(io::ErrorKind::FileTooLarge.into())));
                }
            }
            if !piece.is_empty() {
                return Poll::Ready(Some(Ok(piece)));
            }
        }
    }

    pub(super) fn into_reader(self) -> Box<dyn Read + Send> {
        if self.is_complete() && self.pieces.is_empty() && self.failed.is_none() {
            return Box::new(io::empty());
        }
        Box::new(self)
    }

    /// The next piece, waited for on this thread.
    fn wait_for_piece(&mut self) -> io::Result<Option<Bytes>> {
        if let Some(piece) = self.pieces.pop_front() {
            return Ok(Some(piece));
        }
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        match park_until_ready(self.timeout, |cx| self.poll_piece(cx)) {
            Some(piece) => piece.transpose(),
            None => Err(self.timed_out()),
        }
    }
}

impl<B> Drop for Upload<B> {
    fn drop(&mut self) {
        if self.body.is_some() {
            self.unread.set();
        }
    }
}

impl<B> Read for Upload<B>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(mut piece) = self.wait_for_piece()? else {
            return Ok(0);
        };
        let length = piece.len().min(buffer.len());
        piece.copy_to_slice(&mut buffer[..length]);
        if !piece.is_empty() {
            self.pieces.push_front(piece);
        }
        Ok(length)
    }
}

/// Wakes a thread that has parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Parks this thread until `poll` is ready; `None` where that took too long.
fn park_until_ready<T>(
    timeout: Duration,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Option<T> {
    let began = Instant::now();
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = poll(&mut cx) {
            return Some(value);
        }
        let left = timeout.checked_sub(began.elapsed())?;
        thread::park_timeout(left);
    }
}
