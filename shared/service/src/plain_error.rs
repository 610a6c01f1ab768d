use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, Limited};

use crate::problem::Problem;

/// More than the length of any refusal of axum.
const LONGEST: usize = 4096;

/// Converts an error in plain text into a problem. axum's extractors refuse in plain text, so a handler may use them
/// and its callers still get errors of one kind.
pub(crate) async fn to_problem(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || !is_plain(response.headers()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = text(body).await;
    let problem = if status.is_server_error() {
        tracing::error!(error = text, "the request failed");
        Problem::bare(status)
    } else if text.is_empty() {
        Problem::bare(status)
    } else {
        Problem::new(status, text)
    };
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    let mut response = problem.into_response();
    response.headers_mut().extend(parts.headers);
    response
}

fn is_plain(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

async fn text(body: Body) -> String {
    match Limited::new(body, LONGEST).collect().await {
        Ok(whole) => String::from_utf8_lossy(&whole.to_bytes()).into_owned(),
        Err(error) => error.to_string(),
    }
}
