use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::FutureExt;
use http::{Method, StatusCode};
use tracing::Instrument;

use crate::accept::{Accept, not_acceptable};
use crate::answer_headers;
use crate::context::{CONTEXT, RequestContext};
use crate::health::{self, Readiness};
use crate::host;
use crate::plain_error::to_problem;
use crate::problem::Problem;
use crate::request_log::RequestLog;

/// Adds the routes of every service to the routes of this one. A test can call the result.
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

/// Answers a method that a route does not have. axum adds the header Allow, which is all that OPTIONS asks for.
pub async fn method_not_allowed(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let detail = format!("{method} is not allowed here; the header Allow names what is");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).into_response()
}

async fn in_context(mut request: Request, next: Next) -> Response {
    let context = RequestContext::of(request.headers());
    let log = RequestLog::start(&request);
    let span = context.span().clone();
    request.extensions_mut().insert(context.clone());
    let answer = async {
        let response = match host::check(&request) {
            Ok(()) => negotiated(request, next).await,
            Err(problem) => problem.into_response(),
        };
        let mut response = to_problem(response).await;
        context.write(response.headers_mut());
        answer_headers::add(response.headers_mut());
        log.finish(response.status());
        response
    };
    CONTEXT.scope(context.clone(), answer).instrument(span).await
}

/// Compares an answer with the media types that its caller accepts. A request that only reads is checked when the
/// answer exists. The answer to a request that changes something is always JSON, so it is checked before anything is
/// done. Problems are for all callers.
async fn negotiated(request: Request, next: Next) -> Response {
    let accept = Accept::of(request.headers());
    let is_safe = request.method().is_safe();
    let has_route = request.extensions().get::<MatchedPath>().is_some();
    if has_route && !is_safe && !accept.takes_json() {
        return not_acceptable().into_response();
    }
    let response = caught(request, next).await;
    if is_safe && response.status().is_success() && !accept.takes_answer(response.headers()) {
        return not_acceptable().into_response();
    }
    response
}

/// A panic ends its own request and nothing else. The panic hook has logged it.
async fn caught(request: Request, next: Next) -> Response {
    AssertUnwindSafe(next.run(request))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Problem::bare(StatusCode::INTERNAL_SERVER_ERROR).into_response())
}
