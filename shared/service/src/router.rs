use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::FutureExt;
use http::{Method, StatusCode};
use tracing::Instrument;

use crate::context::{CONTEXT, RequestContext};
use crate::health::{self, Readiness};
use crate::plain_error::to_problem;
use crate::problem::Problem;
use crate::request_log::RequestLog;

/// A service's routes and what every service answers, ready to be called by a test.
pub fn router(app: Router, readiness: &Readiness) -> Router {
    app.route("/health", get(health::health))
        .route("/ready", get(health::ready).with_state(readiness.clone()))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn(in_context))
}

async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path")
}

async fn method_not_allowed(method: Method) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not allowed here; the header Allow names what is"),
    )
}

async fn in_context(mut request: Request, next: Next) -> Response {
    let context = RequestContext::of(request.headers());
    let log = RequestLog::start(&request);
    let span = context.span().clone();
    request.extensions_mut().insert(context.clone());
    let answer = async {
        let mut response = to_problem(caught(request, next).await).await;
        context.write(response.headers_mut());
        log.finish(response.status());
        response
    };
    CONTEXT.scope(context.clone(), answer).instrument(span).await
}

/// A panic ends its own request and nothing else. The panic hook has logged it.
async fn caught(request: Request, next: Next) -> Response {
    AssertUnwindSafe(next.run(request))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Problem::bare(StatusCode::INTERNAL_SERVER_ERROR).into_response())
}
