//! A service that does nothing while somebody exchanges its database: it opens no connection, and refuses each request in a way that
//! has its sender try again.

use axum::Router;
use axum::routing::any;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use crate::app::App;
use crate::health::Readiness;
use crate::problem::Problem;

const AGAIN: HeaderValue = HeaderValue::from_static("30");

/// It is ready at once, since it waits for nothing.
pub(crate) fn app() -> App {
    let router = Router::new().route("/", any(refuse)).route("/{*path}", any(refuse));
    App::new(router, Readiness::waiting_for(&[]))
}

async fn refuse() -> Problem {
    let detail = "the service is paused, as PAUSED=true in its environment says; nothing was stored";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).header(RETRY_AFTER, AGAIN)
}
