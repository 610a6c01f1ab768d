use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use event::{EventId, Invalid, NewEvent};
use serde::Serialize;
use service::{Problem, RequestContext, read_body};
use store::{Error, IdempotencyKey};
use tokio::time::timeout;

use crate::coalescer::Rejected;
use crate::{Ingest, idempotency};

/// The shortest that the header can say: an outage is over as soon as the database answers.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Accepted {
    success: bool,
    event_id: EventId,
    message: &'static str,
}

/// `POST /events`
pub(crate) async fn post(
    State(ingest): State<Ingest>,
    context: RequestContext,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    require_json(&headers)?;
    let key = idempotency::key(&headers)?;
    let body = read_body(body, ingest.limits.body_bytes, ingest.limits.body_deadline).await?;
    let event = NewEvent::parse(&body).map_err(invalid)?;
    let key = key.map(|key| IdempotencyKey::new(key, &body, ingest.keys_last));
    let added = ingest.coalescer.add(event, key, context.traceparent());
    let event_id = match timeout(ingest.limits.answer_deadline, added).await {
        Ok(added) => added.map_err(rejected)?,
        Err(_) => return Err(too_slow(ingest.limits.answer_deadline)),
    };
    tracing::Span::current().record("event_id", tracing::field::display(event_id));
    let accepted = Accepted { success: true, event_id, message: "Event received and queued for processing" };
    Ok((StatusCode::CREATED, Json(accepted)))
}

/// `application/json`, in UTF-8 if it names a charset: JSON has no other.
fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut parts = given.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let charset = parts
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim_matches('"'));
    if !is_json {
        let told = if given.is_empty() { "it is missing" } else { given };
        return Err(unsupported(format!("Content-Type must be application/json: {told}")));
    }
    match charset {
        Some(charset) if !charset.eq_ignore_ascii_case("utf-8") => {
            Err(unsupported(format!("the charset must be utf-8, not {charset}")))
        }
        _ => Ok(()),
    }
}

fn unsupported(detail: String) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).with("field", "Content-Type")
}

fn invalid(invalid: Invalid) -> Problem {
    let mut problem = Problem::new(StatusCode::BAD_REQUEST, invalid.detail);
    if let Some(field) = invalid.field {
        problem = problem.with("field", field);
    }
    if let Some(byte) = invalid.byte {
        problem = problem.with("byte", byte);
    }
    problem
}

fn rejected(rejected: Rejected) -> Problem {
    match rejected {
        Rejected::TooManyEvents { limit } => {
            try_again("too many events wait to be written").with("limit", limit)
        }
        Rejected::TooManyBytes { limit } => {
            try_again("too many bytes wait to be written").with("limit", limit)
        }
        Rejected::Gone => try_again("the service is stopping"),
        Rejected::KeyOfAnother => idempotency::of_another_body(),
        Rejected::KeyGone => try_again("the Idempotency-Key expired a moment ago"),
        Rejected::Store(error) => stored_not(&error),
    }
}

fn stored_not(error: &Arc<Error>) -> Problem {
    match **error {
        Error::Unavailable(_) => {
            tracing::warn!(%error, "events cannot be stored");
            try_again("the database is not available")
        }
        Error::Refused(_) => {
            tracing::error!(%error, "an event that passed the checks was refused by the database");
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "the database cannot keep this event")
        }
        _ => Problem::internal(error.to_string()),
    }
}

fn too_slow(deadline: Duration) -> Problem {
    tracing::warn!(?deadline, "an event is not known to be stored");
    try_again(&format!(
        "the event was not stored within {deadline:?} and may be yet: an Idempotency-Key makes it safe to send again"
    ))
}

fn try_again(detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).header(RETRY_AFTER, RETRY_AFTER_SECONDS)
}
