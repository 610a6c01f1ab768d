//! Events that BigQuery did not take.

pub(crate) mod list;
pub(crate) mod one;
pub(crate) mod retry;

use serde::Serialize;
use store::Reject;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::events::timestamp;

/// What became of an event's load.
#[derive(Serialize, ToSchema)]
#[schema(as = RejectedLoad)]
#[serde(rename_all = "camelCase")]
struct Load {
    #[schema(format = DateTime)]
    created_at: String,
    reason: String,
    job_id: String,
    #[schema(format = DateTime)]
    rejected_at: String,
    /// Another load was asked for.
    #[schema(format = DateTime, required = true)]
    requested_at: Option<String>,
    /// It is in BigQuery by now.
    #[schema(format = DateTime, required = true)]
    reloaded_at: Option<String>,
}

/// All that a list and a reject of its own say alike.
struct Common {
    id: Uuid,
    event_type: String,
    load: Load,
}

fn parted<T>(reject: Reject<T>) -> (Common, T, Option<T>) {
    let load = Load {
        created_at: timestamp(reject.created_at),
        reason: reject.reason,
        job_id: reject.job_id,
        rejected_at: timestamp(reject.rejected_at),
        requested_at: reject.requested_at.map(timestamp),
        reloaded_at: reject.reloaded_at.map(timestamp),
    };
    (Common { id: reject.id, event_type: reject.event_type, load }, reject.payload, reject.metadata)
}
