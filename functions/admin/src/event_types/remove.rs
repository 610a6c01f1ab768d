use axum::extract::State;
use axum::http::StatusCode;
use door::openapi::Refusals;
use service::{Problem, Segment};

use crate::act::Acting;
use crate::openapi::Invalid;
use crate::{Admin, refusal};

/// Remove the schema of an event type
///
/// The payloads of its events are no longer checked. The versions of the schema stay on record.
#[utoipa::path(
    delete,
    path = "/admin/event-types/{type}",
    operation_id = "removeEventType",
    tag = "event types",
    params(("type" = String, Path, min_length = 1, max_length = 100)),
    responses(
        Invalid,
        Refusals,
        (status = 204, description = "The type has no schema now"),
        (status = 404, description = "The type had no schema"),
    ),
)]
pub(crate) async fn delete(
    State(admin): State<Admin>,
    Acting(act): Acting,
    Segment(event_type): Segment,
) -> Result<StatusCode, Problem> {
    let event_type = super::event_type(event_type)?;
    let removed = admin.store.remove_event_type(event_type.clone(), act).await;
    let removed = removed.map_err(refusal::of_store)?;
    removed.then_some(StatusCode::NO_CONTENT).ok_or_else(|| super::unknown(&event_type))
}
