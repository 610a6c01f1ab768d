//! The problem responses for events that are not accepted.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use event::Invalid;
use service::Problem;
use store::Error;

use crate::coalescer::Rejected;
use crate::idempotency;

/// The shortest time that the header can express, because an outage is over as soon as the database answers.
pub(crate) const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

pub(crate) fn invalid(invalid: Invalid) -> Problem {
    let mut problem = Problem::new(StatusCode::BAD_REQUEST, invalid.to_string());
    if let Some(field) = invalid.field {
        problem = problem.with("field", field);
    }
    if let Some(byte) = invalid.byte {
        problem = problem.with("byte", byte);
    }
    problem
}

impl From<Rejected> for Problem {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::TooManyEvents { limit } => {
                try_again("too many events wait to be written").with("limit", limit)
            }
            Rejected::Gone => try_again("the service is stopping"),
            Rejected::KeyOfAnother => idempotency::of_another_body(),
            Rejected::ByCheck(problem) => *problem,
            Rejected::KeyGone => try_again("the Idempotency-Key expired a moment ago"),
            Rejected::Store(error) => stored_not(&error),
        }
    }
}

fn stored_not(error: &Arc<Error>) -> Problem {
    match **error {
        Error::Unavailable(_) => try_again("the database is not available"),
        Error::Refused(_) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "the database cannot keep this event")
        }
        _ => Problem::internal(error.to_string()),
    }
}

pub(crate) fn too_large(what: &str, limit: usize, unit: &str) -> Problem {
    let detail = format!("{what} is larger than the limit of {limit} {unit}");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail).with("limit", limit)
}

pub(crate) fn unsupported(field: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).with("field", field)
}

pub(crate) fn too_slow(deadline: Duration) -> Problem {
    try_again(&format!(
        "the event was not stored within {deadline:?} and may be yet: an Idempotency-Key makes it safe to send again"
    ))
}

pub(crate) fn try_again(detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).header(RETRY_AFTER, RETRY_AFTER_SECONDS)
}
