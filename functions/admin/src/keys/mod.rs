//! The API keys that clients send events with. Each endpoint has its own file.

pub(crate) mod change;
pub mod command;
pub(crate) mod create;
pub(crate) mod list;
mod mint;
pub(crate) mod one;
pub(crate) mod revoke;
pub(crate) mod rotate;
mod settings;

use serde::Serialize;
use store::KeyRecord;
use utoipa::ToSchema;

use crate::events::timestamp;

/// A key as every endpoint here shows it, without its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Key {
    id: String,
    name: String,
    #[schema(required = true)]
    event_types: Option<Vec<String>>,
    #[schema(required = true)]
    rate_limit: Option<i32>,
    #[schema(format = DateTime)]
    created_at: String,
    created_by: String,
    #[schema(format = DateTime, required = true)]
    expires_at: Option<String>,
    #[schema(format = DateTime, required = true)]
    revoked_at: Option<String>,
    /// The key that replaces it.
    #[schema(required = true)]
    rotated_to: Option<String>,
    #[schema(format = DateTime, required = true)]
    last_used_at: Option<String>,
}

impl From<KeyRecord> for Key {
    fn from(key: KeyRecord) -> Self {
        Self {
            id: key.id,
            name: key.name,
            event_types: key.event_types,
            rate_limit: key.rate_limit,
            created_at: timestamp(key.created_at),
            created_by: key.created_by,
            expires_at: key.expires_at.map(timestamp),
            revoked_at: key.revoked_at.map(timestamp),
            rotated_to: key.rotated_to,
            last_used_at: key.last_used_at.map(timestamp),
        }
    }
}
