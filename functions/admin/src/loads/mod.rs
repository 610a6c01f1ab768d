//! The ledger of the rows that were loaded into BigQuery, and of those that were not.

pub(crate) mod list;
pub(crate) mod one;

use serde::Serialize;
use store::{LoadRecord, LoadStatus};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, Type};
use uuid::Uuid;

use crate::events::timestamp;

/// A range of the log, and the job that loads it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Load {
    id: i64,
    #[schema(schema_with = status_schema)]
    status: &'static str,
    /// The beginning of the range.
    from: Place,
    /// The end of the range, which is not part of it.
    to: Place,
    /// The rows are rejects that are loaded again, and not events. Then `from` and `to` differ only in their ids.
    of_rejects: bool,
    rows: i64,
    /// The size of the loaded rows, as they were sent.
    #[schema(required = true)]
    bytes: Option<i64>,
    /// How often a range was cut to find a row that does not fit, until it was this one.
    depth: i32,
    /// The form of the numbers: `exact`, `rounded` or `text`.
    numbers: &'static str,
    /// The number of rows in which a number is not written as it came.
    changed: i64,
    /// The ID of the latest job in BigQuery.
    job_id: String,
    /// How often an upload into the latest job was begun.
    uploads: i32,
    /// How often the load was put off.
    failures: i32,
    /// The kind of the latest failure. Null once the range is loaded.
    #[schema(required = true)]
    reason: Option<String>,
    /// BigQuery's message about that failure.
    #[schema(required = true)]
    failure: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    /// The time before which nothing is tried.
    #[schema(format = DateTime, required = true)]
    retry_at: Option<String>,
    /// The time when the range was known to be loaded or rejected.
    #[schema(format = DateTime, required = true)]
    loaded_at: Option<String>,
}

/// A place in the log. The rows of one transaction are ordered by their ids.
#[derive(Serialize, ToSchema)]
#[schema(as = LogPlace)]
#[serde(rename_all = "camelCase")]
struct Place {
    /// A number of 64 bits.
    transaction_id: String,
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
}

impl From<store::Place> for Place {
    fn from(place: store::Place) -> Self {
        Self { transaction_id: place.xid.0.to_string(), id: place.id }
    }
}

impl From<LoadRecord> for Load {
    fn from(load: LoadRecord) -> Self {
        Self {
            id: load.id,
            status: load.status.as_str(),
            from: load.from.into(),
            to: load.to.into(),
            of_rejects: load.is_of_rejects,
            rows: load.rows,
            bytes: load.bytes,
            depth: load.depth,
            numbers: load.numbers.name(),
            changed: load.changed,
            job_id: load.job_id,
            uploads: load.uploads,
            failures: load.failures,
            reason: load.reason,
            failure: load.failure,
            created_at: timestamp(load.created_at),
            retry_at: load.retry_at.map(timestamp),
            loaded_at: load.loaded_at.map(timestamp),
        }
    }
}

fn status_schema() -> Object {
    let names = LoadStatus::ALL.map(LoadStatus::as_str);
    Object::builder().schema_type(Type::String).enum_values(Some(names)).build()
}

/// The example in the OpenAPI document.
fn example() -> serde_json::Value {
    serde_json::json!({
        "id": 12,
        "status": "OPEN",
        "from": { "transactionId": "1042", "id": "00000000-0000-0000-0000-000000000000" },
        "to": { "transactionId": "1187", "id": "00000000-0000-0000-0000-000000000000" },
        "ofRejects": false,
        "rows": 4711,
        "bytes": null,
        "depth": 0,
        "numbers": "exact",
        "changed": 0,
        "jobId": "eventflow_67e5504410b1426f9247bb680e5fe0c8",
        "uploads": 1,
        "failures": 1,
        "reason": "Backend",
        "failure": "backendError: try again",
        "createdAt": "2026-01-31T12:00:00.000Z",
        "retryAt": "2026-01-31T12:00:05.000Z",
        "loadedAt": null
    })
}
