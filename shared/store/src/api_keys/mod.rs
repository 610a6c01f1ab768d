//! The keys that clients send events with. This module stores what a key may do. The crate `door` checks whether a text
//! is that key.

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

/// A key as it is stored.
#[derive(Debug)]
pub struct KeyRecord {
    pub id: String,
    pub name: String,
    /// The prefixes of the event types that the key may send. None means every type.
    pub event_types: Option<Vec<String>>,
    /// The number of events per second.
    pub rate_limit: Option<i32>,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// The key that replaces this one.
    pub rotated_to: Option<String>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// The settings that are chosen when a key is made.
#[derive(Clone, Debug)]
pub struct KeySettings {
    pub name: String,
    pub event_types: Option<Vec<String>>,
    pub rate_limit: Option<i32>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// The id of a key and the hash of its secret.
#[derive(Clone, Debug)]
pub struct KeySecret {
    pub id: String,
    pub hash: [u8; 32],
}

/// The data that ingest needs of a key that is neither revoked nor expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveKey {
    pub id: String,
    /// The first key of the line of rotations that this key belongs to, or the key itself.
    pub lineage: String,
    pub hash: [u8; 32],
    pub event_types: Option<Vec<String>>,
    pub rate_limit: Option<u32>,
    /// The time until the expiry, by the database's clock.
    pub expires_in: Option<Duration>,
}

/// The reason why a key was not made or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    Unknown,
    /// The key is revoked or expired, and stays so.
    Ended,
    /// The new expiry is in the past, by the database's clock.
    PastExpiry,
    /// The key with this id has already replaced it.
    Rotated(String),
}
