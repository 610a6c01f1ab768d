//! What the payloads of a type must be. One endpoint, one file.

pub(crate) mod list;
pub(crate) mod one;
pub(crate) mod put;
pub(crate) mod remove;
mod trial;

pub(crate) use put::MAX_BODY;

use axum::http::StatusCode;
use event::EventType;
use serde::Serialize;
use service::Problem;
use store::EventTypeRecord;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, SchemaType, Type};

use crate::events::timestamp;
use crate::refusal::of_parameter;

/// A type and what holds for it now. Its schema may be large, so lists do without.
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

/// What becomes of a payload that is not as the schema says: nothing, a line in the log, or a refusal.
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
