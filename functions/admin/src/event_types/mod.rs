//! What the payloads of a type must be. One endpoint, one file.

pub(crate) mod list;
pub(crate) mod one;
pub(crate) mod put;
pub(crate) mod remove;
mod trial;

use axum::http::StatusCode;
use event::{EventType, Json};
use serde::Serialize;
use service::Problem;
use store::EventTypeRecord;

use crate::events::timestamp;
use crate::refusal::of_parameter;

/// A type and what holds for it now.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kind {
    event_type: String,
    version: i32,
    mode: String,
    schema: Json,
    created_at: String,
    updated_at: String,
}

impl From<EventTypeRecord> for Kind {
    fn from(record: EventTypeRecord) -> Self {
        Self {
            event_type: record.event_type,
            version: record.version,
            mode: record.mode,
            schema: record.schema,
            created_at: timestamp(record.created_at),
            updated_at: timestamp(record.updated_at),
        }
    }
}

fn event_type(text: String) -> Result<EventType, Problem> {
    EventType::new(text).map_err(|why| of_parameter("eventType", why))
}

fn unknown(event_type: &EventType) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("the event type {event_type} has no schema"))
}
