//! The body of a wrapped push, as Cloud Pub/Sub sends it.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::{backlog::Delivery, proto::PubsubMessage};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelope<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_attempt: Option<u32>,
    message: Message<'a>,
    subscription: &'a str,
}

/// IDs and times have both spellings. Empty fields are left out, as in any protobuf JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    attributes: &'a HashMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    data: String,
    #[serde(rename = "messageId")]
    id: &'a str,
    #[serde(rename = "message_id")]
    id_snake: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    ordering_key: &'a str,
    publish_time: &'a str,
    #[serde(rename = "publish_time")]
    publish_time_snake: &'a str,
}

/// Pub/Sub sends the attempt only if a dead-letter policy makes it count attempts.
pub(super) fn to_json(subscription: &str, delivery: &Delivery, counted: bool) -> serde_json::Result<Vec<u8>> {
    let message = &*delivery.message;
    let published = published_at(message).to_rfc3339_opts(SecondsFormat::Millis, true);
    serde_json::to_vec(&Envelope {
        delivery_attempt: counted.then_some(delivery.attempt),
        message: Message {
            attributes: &message.attributes,
            data: BASE64_STANDARD.encode(&message.data),
            id: &message.message_id,
            id_snake: &message.message_id,
            ordering_key: &message.ordering_key,
            publish_time: &published,
            publish_time_snake: &published,
        },
        subscription,
    })
}

pub(super) fn published_at(message: &PubsubMessage) -> DateTime<Utc> {
    message
        .publish_time
        .and_then(|time| DateTime::from_timestamp(time.seconds, time.nanos.try_into().ok()?))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;

    fn body(message: PubsubMessage, counted: bool) -> Value {
        let delivery = Delivery { message: Arc::new(message), attempt: 3 };
        serde_json::from_slice(&to_json("projects/p/subscriptions/s", &delivery, counted).unwrap()).unwrap()
    }

    fn message() -> PubsubMessage {
        PubsubMessage {
            data: b"hello".to_vec(),
            attributes: HashMap::from([("key".to_owned(), "value".to_owned())]),
            message_id: "17".to_owned(),
            publish_time: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 5_000_000 }),
            ordering_key: String::new(),
        }
    }

    #[test]
    fn has_both_spellings_and_the_attempt() {
        let expected = json!({
            "deliveryAttempt": 3,
            "message": {
                "attributes": {"key": "value"},
                "data": "aGVsbG8=",
                "messageId": "17",
                "message_id": "17",
                "publishTime": "2023-11-14T22:13:20.005Z",
                "publish_time": "2023-11-14T22:13:20.005Z",
            },
            "subscription": "projects/p/subscriptions/s",
        });
        assert_eq!(body(message(), true), expected);
    }

    #[test]
    fn leaves_out_what_is_empty() {
        let bare = PubsubMessage { data: Vec::new(), attributes: HashMap::new(), ..message() };
        let body = body(bare, false);
        assert_eq!(body.get("deliveryAttempt"), None);
        assert_eq!(body["message"].get("attributes"), None);
        assert_eq!(body["message"].get("data"), None);
        assert_eq!(body["message"].get("orderingKey"), None);
    }
}
