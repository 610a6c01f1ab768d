use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use event::EventId;
use serde::Serialize;
use service::{Problem, RequestContext};

use crate::body::Reader;
use crate::keys::Sender;
use crate::media::Media;
use crate::{Ingest, idempotency, plain};

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
    sender: Sender,
    context: RequestContext,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    require_json(&headers)?;
    let key = idempotency::of_header(&headers)?;
    let body = Reader::of(&headers, body, ingest.limits.body_bytes, ingest.limits.body_deadline)?;
    let body = body.whole().await?;
    let incoming = plain::read(&body, 0, key, ingest.keys_last)?;
    let event_id = ingest.accept(incoming, &sender, &context).await?;
    tracing::Span::current().record("event_id", tracing::field::display(event_id));
    let accepted = Accepted { success: true, event_id, message: "Event received and queued for processing" };
    Ok((StatusCode::CREATED, Json(accepted)))
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let media = Media::of(headers);
    if media.essence == "application/json" {
        media.require_utf_8()
    } else {
        Err(media.refused("application/json"))
    }
}
