//! The schemas that payloads are checked against. The store treats them as text, and another crate interprets them.

mod change;
mod current;
mod read;

use chrono::{DateTime, Utc};
use event::Json;

pub use current::{CurrentSchema, CurrentSchemas};

/// The reaction to a payload that does not match the schema of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Off,
    Warn,
    Enforce,
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }
}

impl std::str::FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Off, Self::Warn, Self::Enforce];
        let found = all.into_iter().find(|mode| mode.as_str() == text);
        found.ok_or_else(|| "must be off, warn or enforce".into())
    }
}

/// An event type with its current settings, but without the schema, which may be large.
#[derive(Debug)]
pub struct EventTypeRecord {
    pub event_type: String,
    pub version: i32,
    pub mode: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Debug)]
pub struct EventTypeVersion {
    pub version: i32,
    pub mode: String,
    pub schema: Json,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
}

/// The result of sending a schema.
#[derive(Debug)]
pub struct PutSchema {
    pub version: i32,
    /// False if the same version was already current.
    pub is_new: bool,
    /// The schema of the previous version, or the current one if it was the same.
    pub former: Option<Json>,
}
