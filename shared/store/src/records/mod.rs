//! Events with their state, as they are shown to people.

mod failed;
mod list;
mod one;
mod payloads;
mod row;

use chrono::{DateTime, Utc};
use event::{EventId, Json, Status};

use crate::Excerpt;

pub use payloads::Payload;

/// An event with its state. In a list, fields that may be large are excerpts.
#[derive(Debug)]
pub struct Record<T = Json> {
    pub id: EventId,
    pub event_type: String,
    pub payload: T,
    pub metadata: Option<T>,
    pub status: Status,
    pub retry_count: i32,
    pub processed_at: Option<DateTime<Utc>>,
    pub failed_at: Option<DateTime<Utc>>,
    pub failure_reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// An event in a list.
pub type Listed = Record<Excerpt>;

#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<Status>,
    pub event_type: Option<String>,
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    /// Only events older than this one, where the page before ended, are listed.
    pub before: Option<EventId>,
}

/// The history of an event.
#[derive(Debug)]
pub struct History {
    pub attempts: Vec<Attempt>,
    pub outcomes: Vec<Outcome>,
    pub replays: Vec<Replay>,
}

impl History {
    /// The most entries of each kind that are shown, since each replay makes more of them.
    pub const MOST: i64 = 100;
}

#[derive(Debug)]
pub struct Attempt {
    pub attempt: i32,
    pub ended: String,
    pub reason: String,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: DateTime<Utc>,
    pub instance: Option<String>,
    pub message_id: Option<String>,
}

#[derive(Debug)]
pub struct Outcome {
    pub attempt: i32,
    pub status: String,
    pub retry_count: i32,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: DateTime<Utc>,
    pub failure_reason: Option<String>,
}

#[derive(Debug)]
pub struct Replay {
    pub attempt: i32,
    pub from_status: String,
    pub requested_by: String,
    pub created_at: DateTime<Utc>,
}
