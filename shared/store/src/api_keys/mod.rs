//! The keys that clients send events with. What a key may do is here; whether a text is that key, `door` says.

mod change;
mod create;
mod end;
mod read;
mod rotate;
mod setting;
mod used;

use std::time::Duration;

use chrono::{DateTime, Utc};

pub use change::KeyChanges;
pub use rotate::Rotated;
pub use setting::Change;

/// A key as it is kept.
#[derive(Debug)]
pub struct KeyRecord {
    pub id: String,
    pub name: String,
    /// What a type that it may send begins with; none is every type.
    pub event_types: Option<Vec<String>>,
    /// Events a second.
    pub rate_limit: Option<i32>,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// The key that takes its place.
    pub rotated_to: Option<String>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What whoever makes a key decides.
#[derive(Clone, Debug)]
pub struct KeySettings {
    pub name: String,
    pub event_types: Option<Vec<String>>,
    pub rate_limit: Option<i32>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Which key it is, and what its secret is known by.
#[derive(Clone, Debug)]
pub struct KeySecret {
    pub id: String,
    pub hash: [u8; 32],
}

/// What ingest needs to know of a key that is neither revoked nor expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveKey {
    pub id: String,
    /// The first key of the line of rotations that this one is the latest of, or else itself.
    pub lineage: String,
    pub hash: [u8; 32],
    pub event_types: Option<Vec<String>>,
    pub rate_limit: Option<u32>,
    /// By the database's clock.
    pub expires_in: Option<Duration>,
}

/// Why a key was not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    Unknown,
    /// Revoked or expired, and it stays so.
    Ended,
    /// By the database's clock, the expiry that it was to have is past.
    PastExpiry,
    /// This key has taken its place already.
    Rotated(String),
}
