use axum::Json;
use axum::extract::State;
use door::openapi::Refusals;
use serde::Serialize;
use service::Problem;
use utoipa::ToSchema;

use crate::{Admin, refusal};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metrics {
    summary: Summary,
    /// The hundred most frequent types; `otherEventTypes` is the number of further types.
    events_by_type: Vec<TypeCount>,
    other_event_types: i64,
    processing_stats: ProcessingStats,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Summary {
    total: i64,
    pending: i64,
    processing: i64,
    processed: i64,
    failed: i64,
    dead_letter: i64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TypeCount {
    event_type: String,
    count: i64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProcessingStats {
    /// The time from ingest, or from the latest replay, to PROCESSED.
    average_processing_time_seconds: f64,
    total_processed: i64,
}

/// Count events
#[utoipa::path(
    get,
    path = "/admin/metrics",
    operation_id = "getMetrics",
    tag = "metrics",
    responses(
        Refusals,
        (status = 200, body = Metrics, description = "The counts, exact as of now"),
    ),
)]
pub(crate) async fn get(State(admin): State<Admin>) -> Result<Json<Metrics>, Problem> {
    let seen = admin.store.metrics().await.map_err(refusal::of_store)?;
    Ok(Json(Metrics {
        summary: Summary {
            total: seen.total,
            pending: seen.pending,
            processing: seen.processing,
            processed: seen.processed,
            failed: seen.failed,
            dead_letter: seen.dead_letter,
        },
        events_by_type: seen
            .by_type
            .into_iter()
            .map(|seen| TypeCount { event_type: seen.event_type, count: seen.count })
            .collect(),
        other_event_types: seen.other_types,
        processing_stats: ProcessingStats {
            average_processing_time_seconds: seen.average_processing_seconds,
            total_processed: seen.processed,
        },
    }))
}
