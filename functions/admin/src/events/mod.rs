//! One endpoint, one file.

pub(crate) mod failed;
pub(crate) mod list;
pub(crate) mod one;
pub(crate) mod replay;

use chrono::{DateTime, SecondsFormat, Utc};
use event::{EventId, Json, Status};
use serde::Serialize;
use service::Problem;
use store::Record;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, Type};

use crate::refusal;

/// An event as every endpoint here shows it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
    #[schema(value_type = String, format = "uuid")]
    id: EventId,
    event_type: String,
    #[schema(value_type = HashMap<String, Value>)]
    payload: Json,
    #[schema(value_type = Option<HashMap<String, Value>>, required = true)]
    metadata: Option<Json>,
    #[schema(schema_with = status_schema)]
    status: Status,
    #[schema(format = DateTime, required = true)]
    processed_at: Option<String>,
    #[schema(format = DateTime, required = true)]
    failed_at: Option<String>,
    #[schema(required = true)]
    failure_reason: Option<String>,
    retry_count: i32,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<Record> for Event {
    fn from(record: Record) -> Self {
        Self {
            id: record.id,
            event_type: record.event_type,
            payload: record.payload,
            metadata: record.metadata,
            status: record.status,
            processed_at: record.processed_at.map(timestamp),
            failed_at: record.failed_at.map(timestamp),
            failure_reason: record.failure_reason,
            retry_count: record.retry_count,
            created_at: timestamp(record.created_at),
            updated_at: timestamp(record.updated_at),
        }
    }
}

pub(crate) fn status_schema() -> Object {
    let names = Status::ALL.map(Status::as_str);
    Object::builder().schema_type(Type::String).enum_values(Some(names)).build()
}

pub(crate) fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Years of four digits, which every index here can hold.
pub(crate) fn time(name: &'static str, text: &str) -> Result<DateTime<Utc>, Problem> {
    let at = DateTime::parse_from_rfc3339(text);
    at.map(|at| at.to_utc())
        .map_err(|_| refusal::of_parameter(name, "must be a time such as 2026-01-31T12:00:00Z (RFC 3339)"))
}
