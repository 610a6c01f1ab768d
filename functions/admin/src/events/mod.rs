//! The endpoints for events. Each endpoint has its own file.

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

use crate::excerpt::{Cut, Shown, metadata_schema, payload_schema, shown};

/// A whole event.
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
    #[serde(flatten)]
    state: State,
}

/// An event in the form that lists have.
#[derive(Serialize, ToSchema)]
#[schema(as = ListedEvent)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed {
    #[schema(value_type = String, format = "uuid")]
    id: EventId,
    event_type: String,
    #[schema(schema_with = payload_schema)]
    payload: Shown,
    #[schema(schema_with = metadata_schema, required = true)]
    metadata: Option<Shown>,
    #[serde(flatten)]
    cut: Cut,
    #[serde(flatten)]
    state: State,
}

/// The state of an event.
#[derive(Serialize, ToSchema)]
#[schema(as = EventState)]
#[serde(rename_all = "camelCase")]
struct State {
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
        let (record, payload, metadata) = parted(record);
        Self { id: record.id, event_type: record.event_type, payload, metadata, state: record.state }
    }
}

impl TryFrom<store::Listed> for Listed {
    type Error = Problem;

    fn try_from(record: store::Listed) -> Result<Self, Problem> {
        let (record, payload, metadata) = parted(record);
        let (payload, metadata, cut) = shown(payload, metadata)?;
        Ok(Self { id: record.id, event_type: record.event_type, payload, metadata, cut, state: record.state })
    }
}

/// The members that a list and a single event have in common.
struct Common {
    id: EventId,
    event_type: String,
    state: State,
}

fn parted<T>(record: Record<T>) -> (Common, T, Option<T>) {
    let state = State {
        status: record.status,
        processed_at: record.processed_at.map(timestamp),
        failed_at: record.failed_at.map(timestamp),
        failure_reason: record.failure_reason,
        retry_count: record.retry_count,
        created_at: timestamp(record.created_at),
        updated_at: timestamp(record.updated_at),
    };
    (Common { id: record.id, event_type: record.event_type, state }, record.payload, record.metadata)
}

pub(crate) fn status_schema() -> Object {
    let names = Status::ALL.map(Status::as_str);
    Object::builder().schema_type(Type::String).enum_values(Some(names)).build()
}

pub(crate) fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The year has four digits, so that every index here can hold the time.
pub(crate) fn time(text: &str) -> Result<DateTime<Utc>, &'static str> {
    let at = DateTime::parse_from_rfc3339(text);
    at.map(|at| at.to_utc()).map_err(|_| "must be a time such as 2026-01-31T12:00:00Z (RFC 3339)")
}
