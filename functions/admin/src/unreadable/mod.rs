//! Pushes of Pub/Sub's that were no event of ours.

pub(crate) mod list;
pub(crate) mod one;

use serde::Serialize;
use store::UnreadableMessage;
use utoipa::ToSchema;

use crate::events::timestamp;

#[derive(Serialize, ToSchema)]
#[schema(as = UnreadableMessage)]
#[serde(rename_all = "camelCase")]
struct Message {
    id: i64,
    #[schema(format = DateTime)]
    received_at: String,
    /// Where the push said so.
    #[schema(required = true)]
    subscription: Option<String>,
    #[schema(required = true)]
    message_id: Option<String>,
    /// Why it is no event of ours.
    reason: String,
    /// How long the body of the push is.
    body_bytes: i32,
}

impl From<UnreadableMessage> for Message {
    fn from(message: UnreadableMessage) -> Self {
        Self {
            id: message.id,
            received_at: timestamp(message.received_at),
            subscription: message.subscription,
            message_id: message.message_id,
            reason: message.reason,
            body_bytes: message.bytes,
        }
    }
}
