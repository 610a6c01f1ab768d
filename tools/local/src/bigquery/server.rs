//! Serves the router over connections that a fault can cut.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

/// If no file descriptor is left, an immediate retry would fail too.
const AFTER_A_FAILED_ACCEPT: Duration = Duration::from_millis(100);

/// A response with this extension is not sent. The connection ends instead.
#[derive(Clone)]
pub(crate) struct CutConnection;

pub(crate) async fn serve(listener: TcpListener, router: Router) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve_connection(stream, router.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection");
                tokio::time::sleep(AFTER_A_FAILED_ACCEPT).await;
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, router: Router) {
    let service = service_fn(move |request| answer(router.clone(), request));
    let connection = hyper::server::conn::http1::Builder::new();
    if let Err(error) = connection.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "connection ended");
    }
}

#[derive(Debug, thiserror::Error)]
#[error("this connection was told to break")]
struct Cut;

async fn answer(router: Router, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let Ok(response) = router.oneshot(request.map(Body::new)).await;
    match response.extensions().get::<CutConnection>() {
        Some(CutConnection) => Err(Cut),
        None => Ok(response),
    }
}
