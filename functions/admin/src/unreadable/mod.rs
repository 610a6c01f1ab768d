//! Pushes of Pub/Sub that were not events of this service.

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
    /// The subscription, if the push named it.
    #[schema(required = true)]
    subscription: Option<String>,
    #[schema(required = true)]
    message_id: Option<String>,
    /// The reason why the push is not an event of this service.
    reason: String,
    /// The length of the body of the push.
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
