use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use event::{EventId, NewEvent};
use serde::Serialize;
use service::{Problem, RequestContext, read_body};
use store::IdempotencyKey;

use crate::accept::Incoming;
use crate::{Ingest, idempotency, problems};

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
    let event = NewEvent::parse(&body).map_err(problems::invalid)?;
    let key = key.map(|key| IdempotencyKey::new(key, &body, ingest.keys_last));
    let event_id = ingest.accept(Incoming { event, key }, &context).await?;
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
