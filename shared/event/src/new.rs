use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::scan::{Flaw, first_flaw};
use crate::{EventType, Json};

/// How deep a payload may be nested, itself counted. Readers in common use stop at 128, BigQuery at 500.
pub const MAX_DEPTH: usize = 100;

/// An event as a client sends it, checked.
#[derive(Debug)]
pub struct NewEvent {
    pub event_type: EventType,
    pub payload: Json,
    pub metadata: Option<Json>,
}

/// Why a body is no event, and where.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Invalid {
    pub detail: String,
    pub field: Option<&'static str>,
    /// Offset in the body, from 0.
    pub byte: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", expecting = "an object")]
struct Body<'a> {
    #[serde(borrow, default, deserialize_with = "given")]
    event_type: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    payload: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    metadata: Option<&'a RawValue>,
}

/// Keeps a `null` apart from a field that is not there.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl NewEvent {
    pub fn parse(body: &[u8]) -> Result<Self, Invalid> {
        let text = str::from_utf8(body).map_err(|error| {
            let byte = error.valid_up_to();
            Invalid::at(byte, format!("the body is not UTF-8: byte {byte} is invalid"))
        })?;
        let fields = Self::fields(text)?;
        Ok(Self {
            event_type: event_type(text, fields.event_type)?,
            payload: object(text, "payload", fields.payload)?
                .ok_or_else(|| Invalid::field("payload", "is required"))?,
            metadata: object(text, "metadata", fields.metadata)?,
        })
    }

    fn fields(text: &str) -> Result<Body<'_>, Invalid> {
        let start = text.trim_ascii_start();
        if start.is_empty() {
            return Err(Invalid::at(0, "the body is empty; it must be a JSON object".into()));
        }
        // serde would take an array for a struct.
        if !start.starts_with('{') && serde_json::from_str::<&RawValue>(text).is_ok() {
            return Err(Invalid::at(text.len() - start.len(), "the body must be a JSON object".into()));
        }
        serde_json::from_str(text).map_err(|error| {
            let byte = offset(text, error.line(), error.column());
            let detail = error.to_string();
            let field = ["eventType", "payload", "metadata"]
                .into_iter()
                .find(|name| detail.contains(&format!("duplicate field `{name}`")));
            Invalid {
                detail: format!("the body is not an event: {detail} (byte {byte})"),
                field,
                byte: Some(byte),
            }
        })
    }
}

fn event_type(text: &str, value: Option<&RawValue>) -> Result<EventType, Invalid> {
    let name = "eventType";
    let raw = value.ok_or_else(|| Invalid::field(name, "is required"))?;
    if !raw.get().starts_with('"') {
        return Err(Invalid::field(name, &format!("must be a string, is {}", kind(raw))));
    }
    sound(text, name, raw)?;
    let value = serde_json::from_str(raw.get())
        .map_err(|error| Invalid::field(name, &format!("is not a string: {error}")))?;
    EventType::new(value).map_err(|why| Invalid::field(name, &why))
}

fn object(text: &str, name: &'static str, value: Option<&RawValue>) -> Result<Option<Json>, Invalid> {
    let Some(raw) = value else { return Ok(None) };
    if !raw.get().starts_with('{') {
        return Err(Invalid::field(name, &format!("must be an object, is {}", kind(raw))));
    }
    sound(text, name, raw)?;
    Ok(Some(raw.to_owned()))
}

fn sound(text: &str, name: &'static str, raw: &RawValue) -> Result<(), Invalid> {
    let Some((at, flaw)) = first_flaw(raw.get(), MAX_DEPTH) else {
        return Ok(());
    };
    let byte = raw.get().as_ptr().addr() - text.as_ptr().addr() + at;
    let why = match flaw {
        Flaw::TooDeep => format!("must be nested at most {MAX_DEPTH} levels deep"),
        Flaw::Nul => "must not contain a NUL character (\\u0000)".into(),
        Flaw::LoneSurrogate => "must not contain half of a surrogate pair".into(),
    };
    Err(Invalid { detail: format!("{name} {why} (byte {byte})"), field: Some(name), byte: Some(byte) })
}

fn kind(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// `serde_json` counts lines and columns, in bytes and from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let lines_before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    lines_before + column.saturating_sub(1)
}

impl Invalid {
    fn field(name: &'static str, why: &str) -> Self {
        Self { detail: format!("{name} {why}"), field: Some(name), byte: None }
    }

    fn at(byte: usize, detail: String) -> Self {
        Self { detail, field: None, byte: Some(byte) }
    }
}

#[cfg(test)]
#[path = "new_tests.rs"]
mod tests;
