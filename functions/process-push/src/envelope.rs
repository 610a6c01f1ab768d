#![cfg_attr(
    not(feature = "testing"),
    allow(unreachable_pub, reason = "a fuzz target alone uses it from outside")
)]

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use event::EventId;
use serde::Deserialize;
use service::read_json;

/// The attribute of a message that continues its trace.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// A push of Pub/Sub, unwrapped.
#[derive(Debug)]
pub struct Envelope {
    pub event_id: EventId,
    pub message_id: String,
    pub subscription: String,
    pub attributes: BTreeMap<String, String>,
}

/// A body that is not a push of this service. It is stored with this reason, because a nack would bring it back
/// forever.
#[derive(Debug)]
pub struct Unreadable {
    pub reason: String,
    pub message_id: Option<String>,
}

// Unknown members are ignored, because Google may add some. Pub/Sub sends both spellings at once, and its emulator
// sends either, so they are separate fields: an alias would clash.
#[derive(Deserialize)]
struct Wire {
    message: Message,
    #[serde(default)]
    subscription: String,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    data: String,
    #[serde(default)]
    attributes: Option<BTreeMap<String, String>>,
    #[serde(rename = "messageId")]
    camel_id: Option<String>,
    #[serde(rename = "message_id")]
    snake_id: Option<String>,
}

impl Envelope {
    pub fn parse(body: &[u8]) -> Result<Self, Unreadable> {
        let wire: Wire = read_json(body).map_err(|invalid| Unreadable {
            reason: format!("not a Pub/Sub push: {invalid}"),
            message_id: None,
        })?;
        let message_id = wire.message.camel_id.or(wire.message.snake_id);
        match event_id(&wire.message.data) {
            Ok(event_id) => Ok(Self {
                event_id,
                message_id: message_id.unwrap_or_default(),
                subscription: wire.subscription,
                attributes: wire.message.attributes.unwrap_or_default(),
            }),
            Err(why) => {
                let reason = format!("message/data must be an event id in Base64: {why}");
                Err(Unreadable { reason, message_id })
            }
        }
    }
}

fn event_id(data: &str) -> Result<EventId, String> {
    let bytes = BASE64_STANDARD.decode(data).map_err(|error| error.to_string())?;
    let text = str::from_utf8(&bytes).map_err(|_| "it is not UTF-8")?;
    text.parse().map_err(|error| format!("{error}"))
}
