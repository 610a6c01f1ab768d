use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use door::openapi::Refusals;
use serde::Serialize;
use service::Problem;
use store::{Error, UnreadableMessages};
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::Processor;
use crate::push::unavailable;

/// The counts are compared about once a day, for at most `AUDIT_LIMIT` in each call.
const AUDIT_EVERY: Duration = Duration::from_hours(24);
const AUDIT_LIMIT: Duration = Duration::from_secs(10);
const AUDIT_CHUNK: u32 = 100_000;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Maintained {
    partitions_made: Vec<String>,
    partitions_dropped: Vec<String>,
    /// Events that were unfinished when the rest of their week was cleared.
    stragglers_moved: i64,
    keys_cleared: u64,
    counts_repaired: usize,
    unreadable: Unreadable,
}

#[derive(Serialize, ToSchema)]
struct Unreadable {
    count: i64,
    newest: Vec<Message>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = UnreadableMessage)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[schema(value_type = String, format = DateTime)]
    received_at: DateTime<Utc>,
    #[schema(required = true)]
    subscription: Option<String>,
    #[schema(required = true)]
    message_id: Option<String>,
    reason: String,
}

/// Maintain the database
///
/// Creates partitions before they are needed, removes old data, and checks the counts. The most important work comes
/// first, and the next call continues with work that this one has no time for.
#[utoipa::path(
    post,
    path = "/maintain",
    operation_id = "maintain",
    tag = "scheduler",
    responses(
        Refusals,
        (status = 200, body = Maintained, description = "The work that was done"),
    ),
)]
pub(crate) async fn post(State(processor): State<Arc<Processor>>) -> Result<Json<Maintained>, Problem> {
    maintain(&processor).await.map(Json).map_err(|error| unavailable(&error))
}

async fn maintain(processor: &Processor) -> Result<Maintained, Error> {
    let (store, settings) = (&processor.store, &processor.settings);
    let deadline = Instant::now() + settings.maintain_limit;
    let partitions_made = store.make_partitions().await?;
    let keys_cleared = store.clear_keys(deadline).await?;
    store.clear_records(settings.retention, deadline).await?;
    let counts_repaired = check_counts(processor, deadline).await?;
    let expired = store.expire(settings.retention, deadline).await?;
    let unreadable = store.unreadable().await?.into();
    Ok(Maintained {
        partitions_made,
        partitions_dropped: expired.partitions_dropped,
        stragglers_moved: expired.stragglers,
        keys_cleared,
        counts_repaired,
        unreadable,
    })
}

async fn check_counts(processor: &Processor, deadline: Instant) -> Result<usize, Error> {
    let deadline = deadline.min(Instant::now() + AUDIT_LIMIT);
    let corrections = processor.store.audit_counts(AUDIT_EVERY, AUDIT_CHUNK, deadline).await?;
    for correction in &corrections {
        let store::Correction { name, folded, counted } = correction;
        tracing::error!(name, folded, counted, "a total differed from the log and was corrected");
    }
    Ok(corrections.len())
}

impl From<UnreadableMessages> for Unreadable {
    fn from(messages: UnreadableMessages) -> Self {
        let newest = messages.newest.into_iter().map(|message| Message {
            received_at: message.received_at,
            subscription: message.subscription,
            message_id: message.message_id,
            reason: message.reason,
        });
        Self { count: messages.count, newest: newest.collect() }
    }
}
