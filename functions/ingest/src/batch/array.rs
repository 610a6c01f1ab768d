//! A batch as one JSON document.

use std::fmt;

use event::Invalid;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use service::Problem;

use super::{MAX_EVENTS, too_large, too_many};
use crate::accept::Item;
use crate::problems;

/// Keeps no more elements than a batch may have, because ten megabytes can contain five million.
struct Elements<'a> {
    first: Vec<&'a RawValue>,
    more: bool,
}

struct Wrapped<'a> {
    events: Elements<'a>,
}

/// Reads `[…]` or `{"events":[…]}`. Each element is read separately, so that an invalid one does not affect the others.
pub(crate) fn read(
    body: &[u8],
    limit: usize,
    read: impl Fn(&[u8], usize) -> Item,
) -> Result<Vec<Item>, Problem> {
    let text = text(body)?;
    let elements = match text.trim_ascii_start().as_bytes().first() {
        Some(b'[') => parsed(text)?,
        Some(b'{') => parsed::<Wrapped>(text)?.events,
        _ => return Err(none(text, r#"the body must be a JSON array of events, or {"events":[…]}"#)),
    };
    each(text, &elements, limit, read)
}

/// Reads only `[…]`.
pub(crate) fn read_bare(
    body: &[u8],
    limit: usize,
    read: impl Fn(&[u8], usize) -> Item,
) -> Result<Vec<Item>, Problem> {
    let text = text(body)?;
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'[') => each(text, &parsed(text)?, limit, read),
        _ => Err(none(text, "the body must be a JSON array of events")),
    }
}

fn text(body: &[u8]) -> Result<&str, Problem> {
    str::from_utf8(body)
        .map_err(|error| problems::invalid(Invalid::at(error.valid_up_to(), "the body is not UTF-8".into())))
}

fn parsed<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|error| {
        let invalid = Invalid::json(text, &error);
        // Nothing else here has a type that `serde_json` could find to be wrong.
        let is_no_array = invalid.detail.starts_with("invalid type");
        let why = if is_no_array { "events must be an array" } else { &invalid.detail };
        let detail = format!("the body is not a batch: {why}");
        problems::invalid(Invalid { detail, ..invalid })
    })
}

fn none(text: &str, detail: &str) -> Problem {
    let start = text.len() - text.trim_ascii_start().len();
    problems::invalid(Invalid::at(start, detail.into()))
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

impl<'de: 'a, 'a> Deserialize<'de> for Wrapped<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Alone)
    }
}

struct Alone;

impl<'de> Visitor<'de> for Alone {
    type Value = Wrapped<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut events = None;
        while let Some(name) = members.next_key::<String>()? {
            if name != "events" {
                return Err(A::Error::custom(format!("{name} is not known here; there is events")));
            }
            if events.replace(members.next_value()?).is_some() {
                return Err(A::Error::custom("events is given more than once"));
            }
        }
        events.map(|events| Wrapped { events }).ok_or_else(|| A::Error::custom("events is required"))
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
