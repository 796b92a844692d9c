//! `Output`: the body of a response, as the asynchronous one that hyper and axum send.
//!
//! A body that is there is handed over whole. One that is made while it is sent is fed, a piece at a time, by
//! the thread that makes it: it runs at most two pieces ahead of the client, and learns that the client has left
//! when it tries to send the next.
//!
//! Read next: `pool.rs`, whose threads feed it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::mpsc;

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
            Kind::Stream(pieces) => pieces.poll_recv(cx).map(|piece| {
                let frame = piece?.map(Frame::data).map_err(BoxError::from);
                Some(frame)
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_empty(),
            Kind::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(_) => SizeHint::default(),
        }
    }
}

/// The end of an [`Output`] that the app's thread holds.
pub(super) struct Feed(mpsc::Sender<Result<Bytes, Broken>>);

impl Feed {
    // ANCHOR: send_all
    /// Sends the body piece by piece, as fast as the client takes it, until it ends or the client leaves.
    pub(super) fn send_all(&mut self, body: &mut Body) {
        while !self.0.is_closed() {
            let piece = match body.next() {
                None => return,
                Some(Ok(piece)) if piece.is_empty() => continue,
                Some(Ok(piece)) => Ok(piece),
                Some(Err(error)) => {
                    logging::error("a response failed while it was sent", &error);
                    Err(Broken)
                }
            };
            let failed = piece.is_err();
            if self.0.blocking_send(piece).is_err() || failed {
                return;
            }
        }
    }
    // ANCHOR_END: send_all
}
