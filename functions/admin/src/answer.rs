//! Sends lists item by item. An item is written when the one before it is on its way, so that no answer is in memory
//! twice.

use std::iter;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::Serialize;
use service::Problem;

/// The size of one piece in bytes. A piece may be a little larger.
const PIECE: usize = 64 * 1024;

/// Writes a JSON object with `items` under their name, followed by the members of `rest`.
pub(crate) fn list<T: Serialize + Send + 'static>(
    name: &str,
    items: Vec<T>,
    rest: &impl Serialize,
) -> Result<Response, Problem> {
    let rest = serde_json::to_string(rest).map_err(Problem::internal)?;
    let mut end = Some(format!("],{}", rest.trim_start_matches('{')));
    let mut piece = format!("{{\"{name}\":[").into_bytes();
    let mut items = items.into_iter();
    let mut is_first = true;
    let mut pieces = iter::from_fn(move || {
        while piece.len() < PIECE {
            let Some(item) = items.next() else {
                piece.extend(end.take()?.into_bytes());
                break;
            };
            if !is_first {
                piece.push(b',');
            }
            is_first = false;
            if let Err(error) = serde_json::to_writer(&mut piece, &item) {
                return Some(Err(error));
            }
        }
        Some(Ok(std::mem::take(&mut piece)))
    });
    let first = pieces.next().transpose().map_err(Problem::internal)?.unwrap_or_default();
    let body = match pieces.next() {
        None => Body::from(first),
        Some(second) => {
            Body::from_stream(stream::iter(iter::once(Ok(first)).chain(iter::once(second)).chain(pieces)))
        }
    };
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::body::HttpBody;
    use axum::body::to_bytes;
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn a_list_is_one_object_however_many_pieces_it_takes() {
        for (count, length) in [(0, 0), (1, 10), (3, 100_000), (200, 1_000), (2, PIECE)] {
            let items: Vec<_> = (0..count).map(|n| json!({ "n": n, "text": "x".repeat(length) })).collect();
            let answer = list("items", items.clone(), &json!({ "next": null })).unwrap();
            let is_small = count * length < PIECE;
            assert_eq!(answer.body().size_hint().exact().is_some(), is_small, "{count} of {length}");
            let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            let read: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(read, json!({ "items": items, "next": null }));
        }
    }
}
