//! One `PUT` of a resumable upload. It is checked first, and then written as it arrives.

use std::fs::File;
use std::io::Write;
use std::ops::ControlFlow;

use axum::body::BodyDataStream;
use axum::http::StatusCode;
use futures::StreamExt;

use super::content_range::Chunk;
use crate::bigquery::error::ApiError;

/// The length of every chunk but the last is a multiple of this.
pub(crate) const GRANULARITY: u64 = 256 << 10;

pub(crate) fn check(chunk: Chunk, received: u64, expected: Option<u64>) -> Result<(), ApiError> {
    if chunk.first > received {
        return Err(ApiError::invalid(format!(
            "Invalid request.  According to the Content-Range header, the upload offset is {} \
             byte(s), which exceeds already uploaded size of {received} byte(s).",
            chunk.first
        )));
    }
    if !chunk.is_last() && !chunk.length.is_multiple_of(GRANULARITY) {
        return Err(ApiError::invalid(format!(
            "Invalid request.  The number of bytes uploaded is required to be a multiple of \
             {GRANULARITY}, except for the final request.  The received bytes: {}.",
            chunk.length
        )));
    }
    match (expected, chunk.total) {
        (Some(expected), Some(total)) if total != expected => Err(ApiError::invalid(format!(
            "Content-Range has a total of {total}, X-Upload-Content-Length had {expected}"
        ))),
        _ => Ok(()),
    }
}

/// Skips the bytes that have arrived already, if a chunk is sent twice. If a test sets `cut_after`, the write ends
/// after that many bytes of the chunk.
///
/// The writes are plain blocking ones into the page cache. A write that tokio had handed to another thread would go
/// on after this future, and with it the turn at the file, was dropped.
pub(crate) async fn append(
    chunk: Chunk,
    received: u64,
    mut file: File,
    body: &mut BodyDataStream,
    cut_after: Option<u64>,
) -> Result<ControlFlow<()>, ApiError> {
    let mut position = chunk.first;
    while let Some(bytes) = body.next().await {
        let bytes = bytes.map_err(|error| broken_off(&error))?;
        let known = usize::try_from(received.saturating_sub(position)).unwrap_or(usize::MAX);
        position += bytes.len() as u64;
        if position > chunk.end() {
            return Err(length_differs());
        }
        file.write_all(bytes.get(known..).unwrap_or_default())?;
        if cut_after.is_some_and(|cut| position - chunk.first >= cut) {
            return Ok(ControlFlow::Break(()));
        }
    }
    if position < chunk.end() {
        return Err(length_differs());
    }
    Ok(ControlFlow::Continue(()))
}

fn broken_off(error: &axum::Error) -> ApiError {
    let message = format!("The request broke off: {error}");
    ApiError::new(StatusCode::BAD_REQUEST, "badRequest", message)
}

fn length_differs() -> ApiError {
    ApiError::invalid("The body is not as long as Content-Range says")
}
