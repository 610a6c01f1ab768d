//! The schemas that payloads are held against. The store knows them as text: what they mean is another crate's.

mod change;
mod current;
mod read;

use chrono::{DateTime, Utc};
use event::Json;

pub use current::{CurrentSchema, CurrentSchemas};

/// What is done about a payload that is not as its type's schema says.
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

/// A type of event and what holds for it now.
#[derive(Debug)]
pub struct EventTypeRecord {
    pub event_type: String,
    pub version: i32,
    pub mode: String,
    pub schema: Json,
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

/// What became of a schema that was sent.
#[derive(Debug)]
pub struct PutSchema {
    pub version: i32,
    /// False where the same held already.
    pub is_new: bool,
    /// The version before, or the one that holds already.
    pub former: Option<Json>,
}
