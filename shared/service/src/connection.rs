use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tower::ServiceExt;

use crate::limits::Limits;
use crate::patience::Patience;
use crate::peer::Peer;
use crate::problem::BoxError;
use crate::shutdown::Shutdown;
use crate::socket::Socket;
use crate::turn::Arriving;

/// The most bytes that one client can make the service hold before its request reaches a handler. Longer headers are
/// answered with 431.
pub(crate) const BUFFER: u32 = 64 * 1024;

/// Serves one client to the end of its connection, or of the patience with it.
pub(crate) async fn serve(
    (stream, address): (TcpStream, SocketAddr),
    router: Router,
    limits: &Limits,
    patience: Arc<Patience>,
    drain: Shutdown,
) {
    let peer = Peer { address, hops: limits.hops };
    let socket = Socket::of(stream, Arc::clone(&patience));
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let (turn, receipt) = patience.request_came(!request.body().is_end_stream());
        let request = request.map(|body| Body::new(Arriving { body, receipt }));
        let answer = router.clone().oneshot(request);
        async move {
            let response = answer.await;
            turn.answered();
            response
        }
    });
    let builder = builder();
    let mut connection = pin!(builder.serve_connection(TokioIo::new(socket), service));
    let mut patience_over = pin!(patience.over());
    let mut draining = false;
    loop {
        tokio::select! {
            biased;
            ended = &mut connection => return tell(ended),
            why = &mut patience_over => return tracing::debug!(?why, "a connection is cut"),
            () = drain.requested(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
                patience.draining();
            }
        }
    }
}

/// Builds a server for HTTP/1.1, and for HTTP/2 without TLS if the client starts with it, as Cloud Run's front end does
/// if it is configured so.
fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().header_read_timeout(None).max_buf_size(BUFFER as usize);
    // The windows bound the bytes of bodies that no handler reads yet.
    builder
        .http2()
        .max_concurrent_streams(100)
        .max_header_list_size(BUFFER)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(256 * 1024)
        .max_send_buf_size(64 * 1024)
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(100);
    builder
}

/// The client causes the end of a connection, so it is logged only at the level debug.
fn tell(ended: Result<(), BoxError>) {
    if let Err(error) = ended {
        tracing::debug!(error = crate::problem::chain(error.as_ref()), "a connection broke");
    }
}
