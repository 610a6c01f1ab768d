use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use http::StatusCode;
use http::request::Parts;

use crate::Problem;

/// The variable part of a route's path, as text.
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Self(text)),
            Err(rejection) => Err(refused(rejection)),
        }
    }
}

fn refused(rejection: PathRejection) -> Problem {
    if let PathRejection::FailedToDeserializePathParams(failed) = &rejection
        && let ErrorKind::InvalidUtf8InPathParam { key } = failed.kind()
    {
        let detail = format!("{key} must be UTF-8, in percent-encoding");
        return Problem::new(StatusCode::BAD_REQUEST, detail).with("field", key);
    }
    Problem::internal(rejection)
}
