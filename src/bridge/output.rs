//! `Output`: the body of a response, as the asynchronous one that hyper and axum send.
//!
//! A body that is there is handed over whole. One that is made while it is sent is fed, a piece at a time, by
//! the thread that makes it: it runs at most two pieces ahead of the client, and learns that the client has left
//! when it tries to send the next.
//!
//! Read next: `pool.rs`, whose threads feed it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::error::Error;
use crate::logging;
use crate::wsgi::Body;

/// What `http_body` and `tower` call an error of any type.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Pieces that were made and not yet sent.
const PIECES_AHEAD: usize = 2;

/// The body of a response.
#[derive(Debug)]
pub(crate) struct Output(Kind);

#[derive(Debug)]
enum Kind {
    Whole(Bytes),
    Stream(mpsc::Receiver<Result<Bytes, Broken>>),
    /// A stream that failed.
    Broken,
}

/// A stream failed: the connection is cut, so that the client does not take what it got for all.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the app's stream failed")
    }
}

impl std::error::Error for Broken {}

impl Output {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Output(Kind::Whole(bytes))
    }

    pub(super) fn stream() -> (Feed, Self) {
        let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
        (Feed(sender), Output(Kind::Stream(receiver)))
    }

    /// Whether it is made while it is sent.
    #[cfg(feature = "server")]
    pub(crate) fn is_stream(&self) -> bool {
        !matches!(self.0, Kind::Whole(_))
    }
}

impl HttpBody for Output {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Kind::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Kind::Stream(pieces) => match ready!(pieces.poll_recv(cx)) {
                Some(Ok(piece)) => Poll::Ready(Some(Ok(Frame::data(piece)))),
                Some(Err(Broken)) => {
                    // hyper drops what it has not written yet when it hears of an error. It writes when it has to
                    // wait, so it waits once.
                    self.0 = Kind::Broken;
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                None => Poll::Ready(None),
            },
            Kind::Broken => Poll::Ready(Some(Err(Broken.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_empty(),
            Kind::Stream(_) | Kind::Broken => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(_) | Kind::Broken => SizeHint::default(),
        }
    }
}

/// The end of an [`Output`] that the app's thread holds.
pub(super) struct Feed(mpsc::Sender<Result<Bytes, Broken>>);

impl Feed {
    // ANCHOR: send_all
    /// Sends the body piece by piece, as fast as the client takes it, until it ends or the client leaves. Where the app
    /// said how long it is, and it ends before that, it has failed.
    pub(super) fn send_all(&mut self, body: &mut Body, mut missing: Option<u64>) {
        while !self.0.is_closed() {
            let piece = match body.next() {
                None if missing.is_none_or(|bytes| bytes == 0) => return,
                None => Err(Error::runtime("it is shorter than its Content-Length")),
                Some(Ok(piece)) if piece.is_empty() => continue,
                Some(piece) => piece,
            };
            match piece {
                Ok(piece) => {
                    missing = missing.map(|bytes| bytes.saturating_sub(piece.len() as u64));
                    if self.0.blocking_send(Ok(piece)).is_err() {
                        return;
                    }
                }
                Err(error) => {
                    logging::error("a response failed while it was sent", &error);
                    // A client that has left need not hear of it.
                    let _ = self.0.blocking_send(Err(Broken));
                    return;
                }
            }
        }
    }
    // ANCHOR_END: send_all
}
