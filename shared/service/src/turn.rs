use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::patience::Patience;

/// A request that has no answer yet. If it is dropped without an answer, its client has left.
pub(crate) struct Turn {
    patience: Arc<Patience>,
    answered: bool,
}

impl Turn {
    pub(crate) fn new(patience: Arc<Patience>) -> Self {
        Self { patience, answered: false }
    }

    pub(crate) fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.patience.turn_ended(self.answered);
    }
}

/// A body that is arriving. It is dropped when the body is complete or no longer wanted.
pub(crate) struct Receipt(pub(crate) Arc<Patience>);

impl Drop for Receipt {
    fn drop(&mut self) {
        self.0.body_came();
    }
}

/// A request's body, which tells [`Patience`] when its client has sent all of it.
pub(crate) struct Arriving {
    pub(crate) body: Incoming,
    pub(crate) receipt: Option<Receipt>,
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(task));
        if !matches!(frame, Some(Ok(_))) || self.body.is_end_stream() {
            self.receipt = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
