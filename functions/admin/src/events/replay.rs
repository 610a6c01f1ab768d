use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use door::openapi::Refusals;
use gcp::Message;
use serde::Serialize;
use service::{Problem, RequestContext, Segment};
use store::Replayed;
use utoipa::ToSchema;

use super::Event;
use crate::act::Acting;
use crate::openapi::Invalid;
use crate::{Admin, refusal};

#[derive(Serialize, ToSchema)]
#[schema(as = ReplayQueued)]
pub(crate) struct Queued {
    success: bool,
    message: &'static str,
    event: Event,
}

/// Replay a FAILED or DEAD_LETTER event
#[utoipa::path(
    post,
    path = "/admin/events/{id}/replay",
    operation_id = "replayEvent",
    tag = "events",
    params(("id" = String, Path, format = "uuid")),
    responses(
        Invalid,
        Refusals,
        (status = 200, body = Queued, description = "The event is due"),
        (status = 404, description = "There is no such event"),
        (status = 409, description = "The event is in another `eventStatus`"),
    ),
)]
pub(crate) async fn post(
    State(admin): State<Admin>,
    context: RequestContext,
    Acting(act): Acting,
    Segment(id): Segment,
) -> Result<Json<Queued>, Problem> {
    let id = refusal::event_id(&id)?;
    tracing::Span::current().record("event_id", tracing::field::display(id));
    match admin.store.replay(id, act).await.map_err(refusal::of_store)? {
        Replayed::Queued => {}
        Replayed::Unknown => return Err(refusal::no_event(id)),
        Replayed::Not(status) => {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                format!("only FAILED and DEAD_LETTER events can be replayed: this one is {status}"),
            )
            .with("eventStatus", status));
        }
    }
    let record =
        admin.store.record(id).await.map_err(refusal::of_store)?.ok_or_else(|| refusal::no_event(id))?;
    // The event's own trace continues, as it does when the relay publishes the event.
    let trace_id = admin.store.trace_id(id).await.map_err(refusal::of_store)?;
    let traceparent = trace_id.map_or_else(|| context.traceparent(), service::traceparent_of);
    publish(&admin, traceparent, &record).await;
    Ok(Json(Queued { success: true, message: "Event queued for replay", event: record.into() }))
}

/// Publishes the event, so that nobody waits for the relay. If this fails, the relay publishes it.
async fn publish(admin: &Admin, traceparent: String, record: &store::Record) {
    let message = Message {
        event_id: record.id.to_string(),
        event_type: record.event_type.clone(),
        traceparent: Some(traceparent),
    };
    if let Some(Err(error)) = admin.publisher.publish(vec![message]).await.first() {
        tracing::warn!(%error, "the replayed event is not published; the relay will publish it");
    }
}
