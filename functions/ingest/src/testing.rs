//! All parsers of untrusted input, as functions of the bytes alone, for a fuzzer.

use std::time::Duration;

use axum::http::HeaderMap;
use door::ApiKey;
use event::NewEvent;
use service::Problem;
use store::IdempotencyKey;

use crate::accept::Item;
use crate::batch::{self, array, lines};
use crate::{cloudevents, idempotency, keys, plain};

/// An event, and the idempotency key for sending it again.
pub type Read = Result<(NewEvent, Option<IdempotencyKey>), Problem>;

pub const MAX_EVENTS: usize = batch::MAX_EVENTS;

const KEYS_LAST: Duration = Duration::from_hours(24);

/// The body of `POST /events`.
pub fn event(body: &[u8]) -> Read {
    alone(plain::read(body, 0, None, KEYS_LAST))
}

/// Reads a batch that is one JSON document, with at most `limit` bytes for each event.
pub fn array(body: &[u8], limit: usize) -> Result<Vec<Read>, Problem> {
    array::read(body, limit, |bytes, offset| plain::read(bytes, offset, None, KEYS_LAST)).map(all)
}

/// Reads a batch with one event on each line, from the chunks of a body.
pub fn lines<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, limit: usize) -> Result<Vec<Read>, Problem> {
    let mut lines =
        lines::Lines::new(limit, |bytes: &[u8], offset| plain::read(bytes, offset, None, KEYS_LAST));
    chunks.into_iter().try_for_each(|chunk| lines.push(chunk))?;
    lines.end().map(all)
}

/// A CloudEvent in the JSON format.
pub fn structured(body: &[u8]) -> Read {
    alone(cloudevents::structured(body, 0, KEYS_LAST))
}

/// Reads a batch of CloudEvents in the JSON format.
pub fn cloudevents(body: &[u8], limit: usize) -> Result<Vec<Read>, Problem> {
    let read = |bytes: &[u8], offset| cloudevents::structured(bytes, offset, KEYS_LAST);
    array::read_bare(body, limit, read).map(all)
}

/// A CloudEvent whose attributes are headers.
pub fn binary(headers: &HeaderMap, body: &[u8]) -> Read {
    alone(cloudevents::binary(headers, body, KEYS_LAST))
}

/// The one API key of a request.
pub fn api_key(headers: &HeaderMap) -> Result<ApiKey, Problem> {
    keys::presented::key(headers)
}

pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    idempotency::of_header(headers)
}

fn all(items: Vec<Item>) -> Vec<Read> {
    items.into_iter().map(alone).collect()
}

fn alone(item: Item) -> Read {
    item.map(|incoming| (incoming.event, incoming.key))
}
