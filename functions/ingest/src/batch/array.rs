//! A batch that is one JSON document.

use std::fmt;

use axum::http::StatusCode;
use event::Invalid;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use service::Problem;

use super::{MAX_EVENTS, too_large, too_many};
use crate::accept::Item;
use crate::problems;

/// No more of them than a batch may have are kept: in ten megabytes there are five million.
struct Elements<'a> {
    first: Vec<&'a RawValue>,
    more: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped<'a> {
    #[serde(borrow)]
    events: Elements<'a>,
}

/// `[…]` or `{"events":[…]}`. Each element is read by itself, so that one at fault hurts no other.
pub(crate) fn read(
    body: &[u8],
    limit: usize,
    read: impl Fn(&[u8], usize) -> Item,
) -> Result<Vec<Item>, Problem> {
    let text = text(body)?;
    let elements = match text.trim_ascii_start().as_bytes().first() {
        Some(b'[') => parsed(text)?,
        Some(b'{') => parsed::<Wrapped>(text)?.events,
        _ => return Err(none(r#"the body must be a JSON array of events, or {"events":[…]}"#)),
    };
    each(text, &elements, limit, read)
}

/// `[…]` alone.
pub(crate) fn read_bare(
    body: &[u8],
    limit: usize,
    read: impl Fn(&[u8], usize) -> Item,
) -> Result<Vec<Item>, Problem> {
    let text = text(body)?;
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'[') => each(text, &parsed(text)?, limit, read),
        _ => Err(none("the body must be a JSON array of events")),
    }
}

fn text(body: &[u8]) -> Result<&str, Problem> {
    str::from_utf8(body)
        .map_err(|error| problems::invalid(Invalid::at(error.valid_up_to(), "the body is not UTF-8".into())))
}

fn parsed<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|error| {
        let invalid = Invalid::json(text, &error);
        let detail = format!("the body is not a batch: {}", invalid.detail);
        problems::invalid(Invalid { detail, ..invalid })
    })
}

fn none(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

fn each(
    text: &str,
    elements: &Elements,
    limit: usize,
    read: impl Fn(&[u8], usize) -> Item,
) -> Result<Vec<Item>, Problem> {
    if elements.more {
        return Err(too_many());
    }
    let element = |raw: &&RawValue| {
        let offset = raw.get().as_ptr().addr() - text.as_ptr().addr();
        if raw.get().len() > limit { Err(too_large(limit)) } else { read(raw.get().as_bytes(), offset) }
    };
    Ok(elements.first.iter().map(element).collect())
}

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Count)
    }
}

struct Count;

impl<'de> Visitor<'de> for Count {
    type Value = Elements<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut first = Vec::new();
        while first.len() < MAX_EVENTS {
            match elements.next_element()? {
                Some(element) => first.push(element),
                None => return Ok(Elements { first, more: false }),
            }
        }
        let mut more = false;
        while elements.next_element::<IgnoredAny>()?.is_some() {
            more = true;
        }
        Ok(Elements { first, more })
    }
}
