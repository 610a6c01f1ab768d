//! The ledger of what was loaded into BigQuery, and of what is not.

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
    /// Where the range begins.
    from: Place,
    /// Before this it ends.
    to: Place,
    /// Its rows are rejects that are loaded again, and not events: then `from` and `to` differ in their ids alone.
    of_rejects: bool,
    rows: i64,
    /// Of what was loaded, as it was sent.
    #[schema(required = true)]
    bytes: Option<i64>,
    /// How often a range was cut, to find a row that does not fit, until it was this one.
    depth: i32,
    /// How its numbers are written: `exact`, `rounded` or `text`.
    numbers: &'static str,
    /// So many of its rows have a number that is not written as it came.
    changed: i64,
    /// Of the latest job, by which BigQuery knows it.
    job_id: String,
    /// How often an upload into the latest job was begun.
    uploads: i32,
    /// How often it was put off.
    failures: i32,
    /// The kind of the latest failure. Null once it is loaded.
    #[schema(required = true)]
    reason: Option<String>,
    /// What BigQuery said then.
    #[schema(required = true)]
    failure: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    /// Nobody tries before.
    #[schema(format = DateTime, required = true)]
    retry_at: Option<String>,
    /// When it was known to be loaded, or rejected.
    #[schema(format = DateTime, required = true)]
    loaded_at: Option<String>,
}

/// A place in the log: rows of one transaction follow each other by their ids.
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

/// An example of the document.
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
