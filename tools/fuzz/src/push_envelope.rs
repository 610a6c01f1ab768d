use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use process_push::Envelope;
use serde_json::{Value, json};

/// A push of Pub/Sub: every part that matters is read, and an unreadable push has a reason.
pub fn push_envelope(body: &[u8]) {
    let envelope = match Envelope::parse(body) {
        Ok(envelope) => envelope,
        Err(unreadable) => {
            assert!(!unreadable.reason.is_empty());
            return;
        }
    };
    is_what_was_sent(&envelope, body);
    let again = json!({
        "message": {
            "data": BASE64_STANDARD.encode(envelope.event_id.to_string()),
            "attributes": envelope.attributes,
            "messageId": envelope.message_id,
            "message_id": envelope.message_id,
        },
        "subscription": envelope.subscription,
    });
    let again = Envelope::parse(again.to_string().as_bytes()).unwrap();
    assert_eq!(format!("{again:?}"), format!("{envelope:?}"));
}

fn is_what_was_sent(envelope: &Envelope, body: &[u8]) {
    let Ok(sent) = serde_json::from_slice::<Value>(body) else { return };
    let message = &sent["message"];
    let data = BASE64_STANDARD.decode(message["data"].as_str().unwrap()).unwrap();
    assert_eq!(str::from_utf8(&data).unwrap().parse(), Ok(envelope.event_id));
    assert_eq!(sent["subscription"].as_str().unwrap_or_default(), envelope.subscription);
    let id = message["messageId"].as_str().or(message["message_id"].as_str());
    assert_eq!(id.unwrap_or_default(), envelope.message_id);
    let attributes = message.get("attributes").filter(|attributes| !attributes.is_null());
    assert_eq!(attributes.unwrap_or(&json!({})), &json!(envelope.attributes));
}
