use axum::http::StatusCode;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use event::NewEvent;
use http::HeaderMap;
use ingest::testing::{binary, structured};
use serde_json::Value;

use crate::answer::{blames_sender, told_whole};
use crate::cloudevent_structured::{data, rewritten};
use crate::request;
use crate::stored::is_storable;

/// A CloudEvent with its attributes in headers: its data are stored byte for byte, and in the structured mode it is
/// the same event.
pub fn cloudevent_binary(bytes: &[u8]) {
    let (headers, body) = request::parts(bytes);
    let read = binary(&headers, body);
    match &read {
        Ok((event, key)) => {
            is_storable(event);
            assert!(key.is_some());
            has_data(event, body);
            let again = rewritten(event);
            has_attributes(&again, &headers);
            assert_eq!(told_whole(&structured(again.as_bytes())), told_whole(&read), "{again}");
        }
        Err(problem) => blames_sender(problem, StatusCode::BAD_REQUEST, body.len()),
    }
}

/// Checks the values that need no decoding.
fn has_attributes(kept: &str, headers: &HeaderMap) {
    let Ok(kept) = serde_json::from_str::<Value>(kept) else { return };
    for (name, value) in headers {
        let name = name.as_str().strip_prefix("ce-");
        let value =
            value.to_str().ok().filter(|value| value.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        if let (Some(name), Some(value)) = (name, value) {
            assert_eq!(kept[name], value, "{name}");
        }
    }
}

fn has_data(event: &NewEvent, body: &[u8]) {
    let metadata: Value = serde_json::from_str(event.metadata.as_ref().unwrap().get()).unwrap();
    let kept = &metadata["cloudevents"];
    match data(event, kept["data"].as_str().unwrap()) {
        None => assert!(body.is_empty()),
        Some(("data_base64", text)) => {
            let text: String = serde_json::from_str(text).unwrap();
            assert_eq!(BASE64_STANDARD.decode(text).unwrap(), body);
        }
        Some((_, text)) => {
            let string = serde_json::from_str::<String>(text).ok();
            assert!(
                text.as_bytes() == body.trim_ascii() || string.is_some_and(|text| text.as_bytes() == body)
            );
        }
    }
}
