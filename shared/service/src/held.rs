use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::task::AbortHandle;
use tokio::time::sleep;

/// Keeps `what` until this body is sent. A client that has not taken the body within `limit` loses its connection. The
/// memory of the body and `what` are released then, even if the client does not react.
pub fn held<T: Send + 'static>(body: Body, what: T, limit: Duration) -> Body {
    let inner = Arc::new(Mutex::new(Some((body, what))));
    let late = Arc::clone(&inner);
    let timer = tokio::spawn(async move {
        sleep(limit).await;
        let overdue = lock(&late).take();
        drop(overdue);
    });
    Body::new(Held { inner, timer: timer.abort_handle() })
}

struct Held<T> {
    inner: Arc<Mutex<Option<(Body, T)>>>,
    timer: AbortHandle,
}

fn lock<T>(inner: &Mutex<T>) -> MutexGuard<'_, T> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Send + 'static> HttpBody for Held<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match lock(&self.inner).as_mut() {
            Some((body, _)) => Pin::new(body).poll_frame(task),
            None => Poll::Ready(Some(Err(axum::Error::new("the client took too long to take the answer")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.inner).as_ref().is_some_and(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.inner).as_ref().map(|(body, _)| body.size_hint()).unwrap_or_default()
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        self.timer.abort();
        // The timer ends later, and must not keep the memory until then.
        let sent = lock(&self.inner).take();
        drop(sent);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io;

    use futures::{StreamExt, stream};
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn what_is_held_goes_with_the_body() {
        let what = Arc::new(());
        let body = held(Body::from("1234"), Arc::clone(&what), Duration::from_mins(1));
        assert_eq!((body.size_hint().exact(), Arc::strong_count(&what)), (Some(4), 2));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "1234");
        assert_eq!(Arc::strong_count(&what), 1);
    }

    #[tokio::test]
    async fn a_client_that_stands_still_keeps_it_no_longer_than_the_limit() {
        let what = Arc::new(());
        let endless = stream::iter([Ok::<_, io::Error>("1")]).chain(stream::pending());
        let mut body = held(Body::from_stream(endless), Arc::clone(&what), Duration::from_millis(20));
        assert!(body.frame().await.unwrap().is_ok());
        while Arc::strong_count(&what) > 1 {
            sleep(Duration::from_millis(5)).await;
        }
        assert!(body.frame().await.unwrap().is_err());
    }
}
