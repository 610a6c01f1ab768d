use axum::Json;
use axum::extract::State;
use door::openapi::Refusals;
use serde::Serialize;
use service::{Problem, Segment};
use store::History;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Event, timestamp};
use crate::openapi::Invalid;
use crate::{Admin, refusal};

#[derive(Serialize, ToSchema)]
#[schema(as = EventWithHistory)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Whole {
    #[serde(flatten)]
    event: Event,
    /// The trace of the request that sent the event, and of all log lines about it since. Null if an older release
    /// accepted it.
    #[schema(required = true, pattern = "^[0-9a-f]{32}$")]
    trace_id: Option<String>,
    /// Attempts that failed or were lost; the attempt that succeeded is among the outcomes.
    attempts: Vec<Attempt>,
    outcomes: Vec<Outcome>,
    replays: Vec<Replay>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Attempt {
    attempt: i32,
    ended: String,
    reason: String,
    #[schema(format = DateTime, required = true)]
    started_at: Option<String>,
    #[schema(format = DateTime)]
    ended_at: String,
    #[schema(required = true)]
    instance: Option<String>,
    #[schema(required = true)]
    message_id: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    attempt: i32,
    status: String,
    retry_count: i32,
    #[schema(format = DateTime, required = true)]
    started_at: Option<String>,
    #[schema(format = DateTime)]
    finished_at: String,
    #[schema(required = true)]
    failure_reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Replay {
    attempt: i32,
    from_status: String,
    requested_by: String,
    #[schema(format = DateTime)]
    created_at: String,
}

/// Get an event, with its attempts, outcomes and replays
#[utoipa::path(
    get,
    path = "/admin/events/{id}",
    operation_id = "getEvent",
    tag = "events",
    params(("id" = String, Path, format = "uuid")),
    responses(
        Invalid,
        Refusals,
        (status = 200, body = Whole, description = "The event"),
        (status = 404, description = "There is no such event"),
    ),
)]
pub(crate) async fn get(State(admin): State<Admin>, Segment(id): Segment) -> Result<Json<Whole>, Problem> {
    let id = refusal::event_id(&id)?;
    let record =
        admin.store.record(id).await.map_err(refusal::of_store)?.ok_or_else(|| refusal::no_event(id))?;
    let history = admin.store.history(id).await.map_err(refusal::of_store)?;
    let trace_id = admin.store.trace_id(id).await.map_err(refusal::of_store)?;
    Ok(Json(whole(record.into(), trace_id, history)))
}

fn whole(event: Event, trace_id: Option<Uuid>, history: History) -> Whole {
    Whole {
        event,
        trace_id: trace_id.map(|trace_id| trace_id.simple().to_string()),
        attempts: history.attempts.into_iter().map(Attempt::from).collect(),
        outcomes: history.outcomes.into_iter().map(Outcome::from).collect(),
        replays: history.replays.into_iter().map(Replay::from).collect(),
    }
}

impl From<store::Attempt> for Attempt {
    fn from(attempt: store::Attempt) -> Self {
        Self {
            attempt: attempt.attempt,
            ended: attempt.ended,
            reason: attempt.reason,
            started_at: attempt.started_at.map(timestamp),
            ended_at: timestamp(attempt.ended_at),
            instance: attempt.instance,
            message_id: attempt.message_id,
        }
    }
}

impl From<store::Outcome> for Outcome {
    fn from(outcome: store::Outcome) -> Self {
        Self {
            attempt: outcome.attempt,
            status: outcome.status,
            retry_count: outcome.retry_count,
            started_at: outcome.started_at.map(timestamp),
            finished_at: timestamp(outcome.finished_at),
            failure_reason: outcome.failure_reason,
        }
    }
}

impl From<store::Replay> for Replay {
    fn from(replay: store::Replay) -> Self {
        Self {
            attempt: replay.attempt,
            from_status: replay.from_status,
            requested_by: replay.requested_by,
            created_at: timestamp(replay.created_at),
        }
    }
}
