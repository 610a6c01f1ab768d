//! Events that BigQuery refused.

pub(crate) mod list;
pub(crate) mod one;
pub(crate) mod retry;

use serde::Serialize;
use store::Reject;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::events::timestamp;

/// The load of an event that BigQuery refused.
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
    /// The time when another load was requested.
    #[schema(format = DateTime, required = true)]
    requested_at: Option<String>,
    /// The time when the event was loaded after all.
    #[schema(format = DateTime, required = true)]
    reloaded_at: Option<String>,
}

/// The members that a list and a single reject have in common.
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
