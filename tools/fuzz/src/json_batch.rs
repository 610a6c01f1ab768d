use axum::http::StatusCode;
use ingest::testing::{MAX_EVENTS, Read, array, cloudevents, event, structured};
use serde_json::Value;
use serde_json::value::RawValue;
use service::Problem;

use crate::answer::{blames_sender, moved, told};
use crate::ndjson::too_large;

const WRAP: &str = r#"{"events":"#;

/// A batch in one document: each event reads the same as it would alone, at any position. The first byte is the limit
/// on the length of an event.
pub fn json_batch(bytes: &[u8]) {
    let Some((limit, body)) = bytes.split_first() else { return };
    let limit = usize::from(*limit) + 1;
    is_each_alone(body, limit, array(body, limit), event);
    is_each_alone(body, limit, cloudevents(body, limit), structured);

    let is_array = body.trim_ascii_start().starts_with(b"[");
    if let (true, Ok(bare)) = (is_array, array(body, limit)) {
        let wrapped = [WRAP.as_bytes(), body, b"}"].concat();
        let bare = bare.iter().map(|item| moved(told(item), WRAP.len()));
        let wrapped = array(&wrapped, limit).unwrap();
        assert_eq!(wrapped.iter().map(told).collect::<Vec<_>>(), bare.collect::<Vec<_>>());
    }
}

fn is_each_alone(body: &[u8], limit: usize, read: Result<Vec<Read>, Problem>, alone: impl Fn(&[u8]) -> Read) {
    let elements = serde_json::from_slice::<Vec<&RawValue>>(body);
    match (read, elements) {
        (Ok(items), Ok(elements)) => {
            let expected = elements.iter().map(|element| {
                let offset = element.get().as_ptr().addr() - body.as_ptr().addr();
                let text = element.get().as_bytes();
                if text.len() > limit { too_large(limit) } else { moved(told(&alone(text)), offset) }
            });
            assert_eq!(items.iter().map(told).collect::<Vec<Value>>(), expected.collect::<Vec<_>>());
        }
        (Ok(_), Err(_)) => assert!(body.trim_ascii_start().starts_with(b"{")),
        (Err(problem), Ok(elements)) => {
            blames_sender(&problem, StatusCode::PAYLOAD_TOO_LARGE, 0);
            assert!(elements.len() > MAX_EVENTS);
        }
        (Err(problem), Err(_)) if problem.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            blames_sender(&problem, StatusCode::PAYLOAD_TOO_LARGE, 0);
        }
        (Err(problem), Err(_)) => blames_sender(&problem, StatusCode::BAD_REQUEST, body.len()),
    }
}
