use axum::http::StatusCode;
use event::NewEvent;
use ingest::testing::event;
use serde_json::{Value, json};

use crate::answer::{blames_sender, moved, told};
use crate::stored::is_storable;

/// The body of `POST /events`: an accepted event is stored as it came, and reads the same again.
pub fn event_body(body: &[u8]) {
    let read = event(body);
    match &read {
        Ok((event, _)) => {
            is_storable(event);
            is_what_was_sent(event, body);
        }
        Err(problem) => blames_sender(problem, StatusCode::BAD_REQUEST, body.len()),
    }
    if let Ok((kept, _)) = &read {
        assert_eq!(told(&event(rewritten(kept).as_bytes())), told(&read));
    }
    // An error in an empty body names its beginning, so it does not move.
    if !body.trim_ascii_start().is_empty() {
        let behind = [b"\n ", body].concat();
        assert_eq!(told(&event(&behind)), moved(told(&read), 2));
    }
}

fn is_what_was_sent(event: &NewEvent, body: &[u8]) {
    let text = str::from_utf8(body).unwrap();
    assert!(text.contains(event.payload.get()), "{event:?}");
    let Ok(sent) = serde_json::from_str::<Value>(text) else {
        // The body has a number that `serde_json::Value` cannot hold.
        return;
    };
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let metadata = event.metadata.as_ref().map(|metadata| value(metadata.get()));
    assert_eq!(sent["eventType"], event.event_type.as_str());
    assert_eq!(sent["payload"], value(event.payload.get()));
    assert_eq!(sent.get("metadata"), metadata.as_ref());
    assert_eq!(sent.get("idempotencyKey").and_then(Value::as_str), event.idempotency_key.as_deref());
}

fn rewritten(event: &NewEvent) -> String {
    let NewEvent { event_type, payload, metadata, idempotency_key } = event;
    let metadata =
        metadata.as_ref().map_or_else(String::new, |metadata| format!(r#","metadata":{metadata}"#));
    let key = idempotency_key.as_ref();
    let key = key.map_or_else(String::new, |key| format!(r#","idempotencyKey":{}"#, json!(key)));
    format!(r#"{{"payload":{payload},"eventType":{}{metadata}{key}}}"#, json!(event_type))
}
