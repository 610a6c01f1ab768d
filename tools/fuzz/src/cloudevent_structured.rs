use axum::http::StatusCode;
use event::NewEvent;
use ingest::testing::structured;
use serde_json::{Map, Value, json};

use crate::answer::{blames_sender, told_whole};
use crate::stored::is_storable;

/// A CloudEvent in the JSON format: every part of it is stored.
pub fn cloudevent_structured(body: &[u8]) {
    let read = structured(body);
    match &read {
        Ok((event, key)) => {
            is_storable(event);
            assert!(key.is_some());
            let again = rewritten(event);
            if let (Ok(sent), Ok(kept)) = (serde_json::from_slice(body), serde_json::from_str(&again)) {
                is_all(&sent, &kept);
            }
            assert_eq!(told_whole(&structured(again.as_bytes())), told_whole(&read), "{again}");
        }
        Err(problem) => blames_sender(problem, StatusCode::BAD_REQUEST, body.len()),
    }
}

/// A null counts as left out, except for the data.
fn is_all(sent: &Map<String, Value>, kept: &Map<String, Value>) {
    let lost = sent.iter().find(|(name, value)| !value.is_null() && kept.get(*name) != Some(value));
    let made_up = kept
        .iter()
        .find(|(name, value)| sent.get(*name).is_none_or(|sent| sent != *value && !sent.is_null()));
    assert_eq!((lost, made_up), (None, None));
}

/// Writes the CloudEvent from which the event was read.
pub(crate) fn rewritten(event: &NewEvent) -> String {
    let metadata = event.metadata.as_ref().unwrap();
    let mut metadata: Map<String, Value> = serde_json::from_str(metadata.get()).unwrap();
    let Some(Value::Object(mut members)) = metadata.remove("cloudevents") else { panic!("{event:?}") };
    let place = members.remove("data").unwrap();
    if let Some(Value::Object(extensions)) = members.remove("extensions") {
        members.extend(extensions);
    }
    members.insert("type".into(), json!(event.event_type));
    let attributes = Value::Object(members).to_string();
    let attributes = attributes.strip_suffix('}').unwrap();
    match data(event, place.as_str().unwrap()) {
        Some((name, data)) => format!(r#"{attributes},"{name}":{data}}}"#),
        None => format!("{attributes}}}"),
    }
}

/// Returns the member that held the data, with its text.
pub(crate) fn data<'a>(event: &'a NewEvent, place: &str) -> Option<(&'static str, &'a str)> {
    let payload = event.payload.get();
    let inner = |name| payload.strip_prefix(name).unwrap().strip_suffix('}').unwrap();
    match place {
        "payload" => Some(("data", payload)),
        "payload.data" => Some(("data", inner(r#"{"data":"#))),
        "payload.data_base64" => Some(("data_base64", inner(r#"{"data_base64":"#))),
        _ => {
            assert_eq!((place, payload), ("none", "{}"));
            None
        }
    }
}
