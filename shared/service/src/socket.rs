use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::patience::Patience;
use crate::refusal;
use crate::wire::Wire;

/// A client's socket that tells [`Patience`] when something comes in, and makes a problem of hyper's own refusals.
pub(crate) struct Socket {
    stream: TcpStream,
    wire: Wire,
    patience: Arc<Patience>,
    /// The unwritten rest of an answer that replaces hyper's.
    refusal: Option<Vec<u8>>,
}

impl Socket {
    pub(crate) fn of(stream: TcpStream, patience: Arc<Patience>) -> Self {
        Self { stream, wire: Wire::Preface(0), patience, refusal: None }
    }

    /// Writes the whole refusal in the place of `answer`.
    fn poll_refuse(&mut self, task: &mut Context<'_>, answer: &[u8]) -> Poll<io::Result<usize>> {
        while let Some(rest) = self.refusal.as_mut().filter(|rest| !rest.is_empty()) {
            let written = ready!(Pin::new(&mut self.stream).poll_write(task, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            rest.drain(..written);
        }
        self.refusal = None;
        Poll::Ready(Ok(answer.len()))
    }

    /// Reads and drops unwanted bytes, up to the client's end of the connection.
    fn poll_discard(&mut self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0; 4096];
        loop {
            let mut unwanted = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut self.stream).poll_read(task, &mut unwanted))?;
            if unwanted.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let Self { stream, wire, patience, .. } = &mut *self;
        let polled = Pin::new(stream).poll_read(task, buffer);
        if buffer.filled().len() > before {
            wire.take(&buffer.filled()[before..], patience);
        }
        polled
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.refusal.is_none() {
            self.refusal = refusal::with_problem(bytes);
        }
        if self.refusal.is_some() {
            return self.poll_refuse(task, bytes);
        }
        Pin::new(&mut self.stream).poll_write(task, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [alone] = slices {
            return self.poll_write(task, alone);
        }
        Pin::new(&mut self.stream).poll_write_vectored(task, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(task)
    }

    /// Ends our side, then waits a moment for the client's. An immediate close with unread bytes would send a reset,
    /// and a client that is still sending would lose the answer (for example a 413).
    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(task))?;
        self.patience.closing();
        self.poll_discard(task)
    }
}
