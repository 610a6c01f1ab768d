use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::ServiceExt;

use crate::limits::Limits;
use crate::patience::Patience;
use crate::peer::Peer;
use crate::shutdown::Shutdown;
use crate::socket::Socket;

/// What one client can make us hold before its request is with a handler; longer headers are
/// answered with 431.
const BUFFER: usize = 64 * 1024;

/// Serves one client to the end of its connection, or of our patience.
pub(crate) async fn serve(
    (stream, address): (TcpStream, SocketAddr),
    router: Router,
    limits: &Limits,
    drain: Shutdown,
) {
    let peer = Peer { address, hops: limits.hops };
    let patience = Arc::new(Patience::new(limits));
    let socket = Socket { stream, patience: Arc::clone(&patience) };
    let service = service_fn(|mut request: Request<Incoming>| {
        patience.request_came();
        request.extensions_mut().insert(peer);
        let answer = router.clone().oneshot(request.map(Body::new));
        let patience = Arc::clone(&patience);
        async move {
            let response = answer.await;
            patience.answered();
            response
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .header_read_timeout(None)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(socket), service)
    );
    let mut patience_over = pin!(patience.over());
    let mut draining = false;
    loop {
        tokio::select! {
            biased;
            ended = &mut connection => return tell(ended),
            () = &mut patience_over => return tracing::debug!("a silent client's connection is cut"),
            () = drain.requested(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// How a connection ends is its client's doing, so nobody needs to know unless they ask.
fn tell(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(error = crate::problem::chain(&error), "a connection broke");
    }
}
