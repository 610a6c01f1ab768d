use axum::http::StatusCode;
use ingest::testing::Read;
use serde_json::{Value, json};
use service::Problem;

/// The result of reading an event, in a form that can be compared.
pub(crate) fn told(read: &Read) -> Value {
    match read {
        Ok((event, _)) => json!({
            "eventType": event.event_type,
            "payload": event.payload.get(),
            "metadata": event.metadata.as_ref().map(|metadata| metadata.get()),
            "idempotencyKey": event.idempotency_key,
        }),
        Err(problem) => json!(problem),
    }
}

/// The same result, with the key that keeps the event from being stored twice.
pub(crate) fn told_whole(read: &Read) -> (Value, String) {
    let key = read.as_ref().map(|(_, key)| key);
    (told(read), format!("{:?}", key.ok()))
}

/// The same result for an input that begins `offset` bytes later.
pub(crate) fn moved(mut told: Value, offset: usize) -> Value {
    let Some(byte) = told.get("byte").and_then(Value::as_u64) else { return told };
    let moved = byte + u64::try_from(offset).unwrap();
    let detail = told["detail"].as_str().and_then(|detail| detail.strip_suffix(&format!(" (byte {byte})")));
    told["detail"] = json!(format!("{} (byte {moved})", detail.unwrap()));
    told["byte"] = json!(moved);
    told
}

/// A refusal is the sender's fault, and names no position outside of the input.
pub(crate) fn blames_sender(problem: &Problem, status: StatusCode, length: usize) {
    let told = json!(problem);
    assert_eq!(problem.status(), status, "{told}");
    assert!(told["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{told}");
    let byte = told.get("byte").map_or(0, |byte| byte.as_u64().unwrap());
    assert!(usize::try_from(byte).unwrap() <= length, "{told}");
}
