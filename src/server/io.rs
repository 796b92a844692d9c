//! `Io`: a connection's socket, which takes down what the client does on its way to hyper.
//!
//! It sees when a head begins, how much of it there is and no end in sight, and when the client stops to take what
//! is sent. hyper parses; this only counts.
//!
//! Read next: `registry.rs`, which draws the conclusions.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::StatusCode;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::registry::{Phase, State};

/// A socket of either kind.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Ends it such that the client does not take what it got for all.
    pub(super) fn reset(self) {
        if let Stream::Tcp(stream) = &self {
            // Without it the connection ends all the same, in order.
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
    }
}

/// As much of a head is accepted.
#[derive(Clone, Copy)]
pub(super) struct HeadLimits {
    pub(super) head: usize,
    pub(super) uri: usize,
}

pub(super) struct Io {
    // `None` only while it is dropped.
    stream: Option<Stream>,
    state: Arc<State>,
    limits: HeadLimits,
    head: Head,
}

/// What has come of a head that is not complete.
#[derive(Default)]
struct Head {
    bytes: usize,
    has_first_line: bool,
}

impl Head {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len();
        self.has_first_line = self.has_first_line || bytes.contains(&b'\n');
    }

    fn refusal(&self, limits: HeadLimits) -> Option<StatusCode> {
        // The method and the version stand in the first line, too.
        if !self.has_first_line && self.bytes > limits.uri.saturating_add(32) {
            return Some(StatusCode::URI_TOO_LONG);
        }
        (self.bytes > limits.head).then_some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
    }
}

impl Io {
    pub(super) fn new(stream: Stream, state: Arc<State>, limits: HeadLimits) -> Self {
        Io {
            stream: Some(stream),
            state,
            limits,
            head: Head::default(),
        }
    }
}

impl Drop for Io {
    /// hyper keeps a socket to itself, and drops it where a request fails. This gets it back, for a last word.
    fn drop(&mut self) {
        self.state.give_back(self.stream.take());
    }
}

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let phase = this.state.phase();
        // hyper asks for more, so what came before was no whole head.
        if phase == Phase::Head
            && let Some(status) = this.head.refusal(this.limits)
        {
            this.state.refuse(status);
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let before = buffer.filled().len();
        let Some(stream) = &mut this.stream else {
            return Poll::Ready(Ok(()));
        };
        ready!(Pin::new(stream).poll_read(cx, buffer))?;
        let bytes = &buffer.filled()[before..];
        if bytes.is_empty() {
            return Poll::Ready(Ok(()));
        }
        match phase {
            Phase::Idle => {
                this.state.set_phase(Phase::Head);
                this.head = Head::default();
                this.head.add(bytes);
            }
            Phase::Head => this.head.add(bytes),
            Phase::Busy => {}
        }
        Poll::Ready(Ok(()))
    }
}

impl Io {
    fn poll_write_with(
        &mut self,
        write: impl FnOnce(Pin<&mut Stream>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let written = write(Pin::new(stream));
        self.state.set_write_stuck(written.is_pending());
        written
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(|stream| stream.poll_write_vectored(cx, bytes))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket keeps nothing back.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Some(stream) => Pin::new(stream).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bytes),
            Stream::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
