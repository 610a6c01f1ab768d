//! The schemas for the payloads of event types. Each endpoint has its own file.

pub(crate) mod list;
pub(crate) mod one;
pub(crate) mod put;
pub(crate) mod remove;
mod trial;

use axum::http::StatusCode;
use event::EventType;
use serde::Serialize;
use service::Problem;
use store::EventTypeRecord;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, SchemaType, Type};

use crate::events::timestamp;
use crate::refusal::of_parameter;

/// An event type and its current settings. Its schema may be large, so lists leave it out.
#[derive(Serialize, ToSchema)]
#[schema(as = EventType)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kind {
    event_type: String,
    version: i32,
    #[schema(schema_with = mode_schema)]
    mode: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<EventTypeRecord> for Kind {
    fn from(record: EventTypeRecord) -> Self {
        Self {
            event_type: record.event_type,
            version: record.version,
            mode: record.mode,
            created_at: timestamp(record.created_at),
            updated_at: timestamp(record.updated_at),
        }
    }
}

/// The effect of a payload that violates the schema: nothing, a line in the log, or a refusal.
fn mode_schema() -> Object {
    Object::builder().schema_type(Type::String).enum_values(Some(["off", "warn", "enforce"])).build()
}

fn json_schema() -> Object {
    Object::builder().schema_type(SchemaType::from_iter([Type::Object, Type::Boolean])).build()
}

fn event_type(text: String) -> Result<EventType, Problem> {
    EventType::new(text).map_err(|why| of_parameter("eventType", why))
}

fn unknown(event_type: &EventType) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("the event type {event_type} has no schema"))
}
