use axum::http::StatusCode;
use ingest::testing::{MAX_EVENTS, event, lines};
use serde_json::{Value, json};

use crate::answer::{blames_sender, moved, told, told_whole};

type Told = Result<Vec<(Value, String)>, Value>;

/// A batch with one event in each line: the chunks in which the bytes arrive do not change the events, and each event
/// reads the same as it would alone. The first byte is the limit on the length of an event, and the second is the
/// length of a chunk.
pub fn ndjson(bytes: &[u8]) {
    let Some((&[limit, step], body)) = bytes.split_first_chunk() else { return };
    let limit = usize::from(limit) + 1;
    let whole = read([body], limit);
    assert_eq!(read(body.chunks(1), limit), whole);
    assert_eq!(read(body.chunks(usize::from(step).max(1)), limit), whole);

    let Ok(whole) = whole else {
        assert!(alone(body, limit).len() > MAX_EVENTS);
        return;
    };
    let whole: Vec<_> = whole.into_iter().map(|(told, _)| told).collect();
    assert_eq!(whole, alone(body, limit));
}

fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, limit: usize) -> Told {
    match lines(chunks, limit) {
        Ok(items) => Ok(items.iter().map(told_whole).collect()),
        Err(problem) => {
            blames_sender(&problem, StatusCode::PAYLOAD_TOO_LARGE, 0);
            Err(json!(problem))
        }
    }
}

/// The expected result of each line.
fn alone(body: &[u8], limit: usize) -> Vec<Value> {
    let mut offset = 0;
    let mut all = Vec::new();
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii();
        let begin = offset + (line.len() - line.trim_ascii_start().len());
        offset += line.len();
        if text.len() > limit || line.len() > limit + 2 {
            all.push(too_large(limit));
        } else if !text.is_empty() {
            all.push(moved(told(&event(text)), begin));
        }
    }
    all
}

pub(crate) fn too_large(limit: usize) -> Value {
    json!({
        "type": "about:blank",
        "title": "Payload Too Large",
        "status": 413,
        "detail": format!("the event is larger than the limit of {limit} bytes"),
        "limit": limit,
    })
}
