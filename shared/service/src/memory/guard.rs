use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::HeaderMap;
use hyper::body::{Frame, SizeHint};

use super::{Held, Holder, Memory};
use crate::Problem;
use crate::peer::client_network;

/// Memory for the tasks, the buffers and the answer of a request.
const REQUEST: usize = 8 * 1024;
/// Memory for an entry of a header map, beside its text.
const HEADER: usize = 128;
/// A connection reads this much of a body before a handler asks for it.
const UNREAD: u64 = 64 * 1024;
/// A shorter body is counted whole until the answer, which saves a wrapper around it.
const SHORT: usize = 8 * 1024;

impl Memory {
    /// Puts the budget before the existing routes: every request is counted until its answer is sent. A handler finds
    /// the [`Account`](super::Account) in the request.
    pub fn guard<S: Clone + Send + Sync + 'static>(&self, router: Router<S>) -> Router<S> {
        router.route_layer(from_fn_with_state(self.clone(), pass))
    }
}

async fn pass(State(memory): State<Memory>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let account = memory.account();
    if memory.0.by_address
        && let Some(network) = client_network(request.extensions(), request.headers())
    {
        account.charge(Holder::Address(network))?;
    }
    let hint = request.body().size_hint();
    let unread = hint.upper().map_or(UNREAD, |length| length.min(UNREAD));
    let unread = usize::try_from(unread).unwrap_or(usize::MAX);
    let mut base = account.hold(REQUEST + headers(request.headers()))?;
    if unread <= SHORT {
        base.grow(unread)?;
    } else {
        let held = account.hold(unread)?;
        request = request.map(|body| Body::new(Unread { body, held: Some(held) }));
    }
    request.extensions_mut().insert(account);
    let response = next.run(request).await;
    let answer = response.body().size_hint().exact().and_then(|length| usize::try_from(length).ok());
    base.add(answer.unwrap_or_default().saturating_sub(REQUEST / 2));
    let held = Arc::new(base);
    Ok(response.map(|body| Body::new(Unsent { body, held })))
}

fn headers(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + HEADER).sum()
}

/// A request's body, with the memory for the part that the connection has read.
struct Unread {
    body: Body,
    held: Option<Held>,
}

impl HttpBody for Unread {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(task));
        if !matches!(frame, Some(Ok(_))) || self.body.is_end_stream() {
            self.held = None;
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

/// An answer whose bytes are counted until the connection has released them, because HTTP/2 takes an answer at once and
/// keeps it until its client wants it.
struct Unsent {
    body: Body,
    held: Arc<Held>,
}

struct Kept {
    data: Bytes,
    _held: Arc<Held>,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl HttpBody for Unsent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(task));
        let keep = |data| Bytes::from_owner(Kept { data, _held: Arc::clone(&self.held) });
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(keep))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
