//! All that reads what a stranger sent, as functions of the bytes alone: for a fuzzer.

use std::time::Duration;

use axum::http::HeaderMap;
use event::NewEvent;
use service::Problem;

use crate::accept::Item;
use crate::batch::{array, lines};
use crate::{cloudevents, plain};

pub type Read = Result<NewEvent, Problem>;

const KEYS_LAST: Duration = Duration::from_hours(24);
const MAX_BYTES: usize = 1024 * 1024;

/// The body of `POST /events`.
pub fn event(body: &[u8]) -> Read {
    alone(plain::read(body, 0, None, KEYS_LAST))
}

/// A batch that is one JSON document.
pub fn array(body: &[u8]) -> Result<Vec<Read>, Problem> {
    array::read(body, MAX_BYTES, |bytes, offset| plain::read(bytes, offset, None, KEYS_LAST)).map(all)
}

/// A batch that is a line for each event, as it is cut on its way.
pub fn lines<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Read>, Problem> {
    let mut lines =
        lines::Lines::new(MAX_BYTES, |bytes: &[u8], offset| plain::read(bytes, offset, None, KEYS_LAST));
    chunks.into_iter().try_for_each(|chunk| lines.push(chunk))?;
    lines.end().map(all)
}

/// A CloudEvent in the JSON format.
pub fn structured(body: &[u8]) -> Read {
    alone(cloudevents::structured(body, 0, KEYS_LAST))
}

/// A CloudEvent whose attributes are headers.
pub fn binary(headers: &HeaderMap, body: &[u8]) -> Read {
    alone(cloudevents::binary(headers, body, KEYS_LAST))
}

fn all(items: Vec<Item>) -> Vec<Read> {
    items.into_iter().map(alone).collect()
}

fn alone(item: Item) -> Read {
    item.map(|incoming| incoming.event)
}
