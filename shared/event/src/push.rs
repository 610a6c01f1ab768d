use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use crate::EventId;

/// Names of the attributes beside the event id in a message.
pub mod attribute {
    pub const EVENT_TYPE: &str = "eventType";
    pub const TRACEPARENT: &str = "traceparent";
}

/// A push of Pub/Sub, unwrapped.
#[derive(Debug)]
pub struct Envelope {
    pub event_id: EventId,
    pub message_id: String,
    pub subscription: String,
    pub attributes: BTreeMap<String, String>,
}

/// A body that is no push of ours. It is kept with this reason, since a nack would bring it back for ever.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unreadable {
    pub reason: String,
    pub message_id: Option<String>,
}

// Pub/Sub sends both spellings at once, its emulator either, so they are fields of their own: an alias would clash.
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
        let wire: Wire = serde_json::from_slice(body).map_err(|error| Unreadable {
            reason: format!("not a Pub/Sub push: {error}"),
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
            Err(reason) => Err(Unreadable { reason, message_id }),
        }
    }
}

fn event_id(data: &str) -> Result<EventId, String> {
    let bytes = BASE64_STANDARD.decode(data).map_err(|error| format!("the data is not base64: {error}"))?;
    let text = str::from_utf8(&bytes).map_err(|_| "the data is not an event id: not UTF-8")?;
    text.parse().map_err(|error| format!("the data is not an event id: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0199c0de-0000-7000-8000-000000000001";

    fn push(message: &str) -> Result<Envelope, Unreadable> {
        Envelope::parse(format!(r#"{{"message":{message},"subscription":"s"}}"#).as_bytes())
    }

    #[test]
    fn reads_both_spellings_alone_and_together() {
        let data = BASE64_STANDARD.encode(ID);
        for ids in [
            r#""messageId":"7""#,
            r#""message_id":"7""#,
            r#""messageId":"7","message_id":"7","publishTime":"x","publish_time":"x""#,
        ] {
            let envelope =
                push(&format!(r#"{{"data":"{data}",{ids},"attributes":{{"eventType":"a"}}}}"#)).unwrap();
            assert_eq!(envelope.event_id.to_string(), ID);
            assert_eq!(envelope.message_id, "7");
            assert_eq!(envelope.attributes[attribute::EVENT_TYPE], "a");
        }
    }

    #[test]
    fn says_why_it_cannot_read() {
        for (message, reason) in [
            (r#"{"data":"%","messageId":"7"}"#, "the data is not base64"),
            (r#"{"data":"","messageId":"7"}"#, "the data is not an event id"),
            (r#"{"data":"/w==","messageId":"7"}"#, "the data is not an event id: not UTF-8"),
            ("7", "not a Pub/Sub push"),
        ] {
            let unreadable = push(message).unwrap_err();
            assert!(unreadable.reason.starts_with(reason), "{unreadable}");
            assert_eq!(unreadable.message_id.is_some(), message != "7");
        }
    }
}
