use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use event::Envelope;
use serde_json::json;

/// A push of Pub/Sub: what is read of it is all that counts, and what cannot be read has its reason.
pub fn push_envelope(body: &[u8]) {
    let envelope = match Envelope::parse(body) {
        Ok(envelope) => envelope,
        Err(unreadable) => {
            assert!(!unreadable.reason.is_empty());
            return;
        }
    };
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
