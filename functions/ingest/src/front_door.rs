use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE};
use axum::middleware::Next;
use axum::response::Response;
use service::Problem;

use crate::IngestAuth;

/// Before a byte of the body is read.
pub(crate) async fn check(State(auth): State<IngestAuth>, request: Request, next: Next) -> Result<Response, Problem> {
    let refusal = match auth {
        IngestAuth::Off => return Ok(next.run(request).await),
        IngestAuth::Keys => "an API key is required, and this version cannot make any yet",
        IngestAuth::Iam => "a Google identity is required, and this version cannot check any yet",
    };
    Err(Problem::new(StatusCode::UNAUTHORIZED, refusal).header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
}
