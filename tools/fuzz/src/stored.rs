use event::{EventType, MAX_DEPTH, NewEvent};
use serde_json::Value;

/// Checks that PostgreSQL can store the event, and that any reader of JSON can read it.
pub(crate) fn is_storable(event: &NewEvent) {
    let event_type = event.event_type.as_str();
    assert!((1..=EventType::MAX_CHARS).contains(&event_type.chars().count()) && !event_type.contains('\0'));
    is_object(event.payload.get());
    if let Some(metadata) = &event.metadata {
        is_object(metadata.get());
    }
}

fn is_object(text: &str) {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => {
            assert!(value.is_object(), "{text}");
            assert!(depth(&value) <= MAX_DEPTH, "{text}");
            assert!(!has_nul(&value), "{text}");
        }
        // The text is stored as it was written, so it may hold a number that `serde_json::Value` cannot hold.
        Err(error) => assert!(error.to_string().starts_with("number out of range"), "{error}: {text}"),
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(elements) => elements.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}
