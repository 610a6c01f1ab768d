use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::scan::{Flaw, first_flaw};
use crate::{EventType, Json};

/// The deepest nesting of a payload, counting the payload itself. Common readers stop at 128 levels, BigQuery at 500.
pub const MAX_DEPTH: usize = 100;

/// The most characters of an error text.
const MAX_DETAIL: usize = 400;

/// An event from a client, after all checks.
#[derive(Debug)]
pub struct NewEvent {
    pub event_type: EventType,
    pub payload: Json,
    pub metadata: Option<Json>,
    /// The client's own key for the event, so that the client can send it again.
    pub idempotency_key: Option<String>,
}

/// The reason why a body is not an event, and the place of the mistake.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}{}", .byte.map(|byte| format!(" (byte {byte})")).unwrap_or_default())]
pub struct Invalid {
    pub detail: String,
    pub field: Option<Cow<'static, str>>,
    /// The offset in the body, from 0.
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
    #[serde(borrow, default, deserialize_with = "given")]
    idempotency_key: Option<&'a RawValue>,
}

/// Distinguishes a `null` from a missing field.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl NewEvent {
    pub fn parse(body: &[u8]) -> Result<Self, Invalid> {
        let text = str::from_utf8(body)
            .map_err(|error| Invalid::at(error.valid_up_to(), "an event must be UTF-8".into()))?;
        let fields = Self::fields(text)?;
        let event_type = string(text, "eventType", fields.event_type)?
            .ok_or_else(|| Invalid::field("eventType", "is required"))?;
        Ok(Self {
            event_type: EventType::new(event_type).map_err(|why| Invalid::field("eventType", &why))?,
            payload: object(text, "payload", fields.payload)?
                .ok_or_else(|| Invalid::field("payload", "is required"))?,
            metadata: object(text, "metadata", fields.metadata)?,
            idempotency_key: string(text, "idempotencyKey", fields.idempotency_key)?,
        })
    }

    fn fields(text: &str) -> Result<Body<'_>, Invalid> {
        let start = text.trim_ascii_start();
        if start.is_empty() {
            return Err(Invalid::at(0, "the body is empty; it must be a JSON object".into()));
        }
        // serde would accept an array for a struct.
        if !start.starts_with('{') && serde_json::from_str::<&RawValue>(text).is_ok() {
            return Err(Invalid::at(text.len() - start.len(), "an event must be a JSON object".into()));
        }
        serde_json::from_str(text).map_err(|error| {
            let invalid = Invalid::json(text, &error);
            let field = ["eventType", "payload", "metadata", "idempotencyKey"]
                .into_iter()
                .find(|name| invalid.detail.contains(&format!("duplicate field `{name}`")));
            Invalid {
                detail: format!("not an event: {}", invalid.detail),
                field: field.map(Into::into),
                ..invalid
            }
        })
    }
}

fn string(text: &str, name: &'static str, value: Option<&RawValue>) -> Result<Option<String>, Invalid> {
    let Some(raw) = value else { return Ok(None) };
    if !raw.get().starts_with('"') {
        return Err(Invalid::field(name, &format!("must be a string, is {}", kind(raw))));
    }
    sound(text, name, raw)?;
    serde_json::from_str(raw.get())
        .map(Some)
        .map_err(|error| Invalid::field(name, &format!("is not a string: {error}")))
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
    match unstorable(raw.get(), MAX_DEPTH) {
        Some((at, why)) => {
            let byte = raw.get().as_ptr().addr() - text.as_ptr().addr() + at;
            Err(Invalid { byte: Some(byte), ..Invalid::field(name, &why) })
        }
        None => Ok(()),
    }
}

/// Finds the first part of this JSON that cannot be stored. Returns its byte and the reason.
pub fn unstorable(json: &str, max_depth: usize) -> Option<(usize, String)> {
    let (at, flaw) = first_flaw(json, max_depth)?;
    let why = match flaw {
        Flaw::TooDeep => format!("must be nested at most {max_depth} levels deep"),
        Flaw::Nul => "must not contain a NUL character (\\u0000)".into(),
        Flaw::LoneSurrogate => "must not contain half of a surrogate pair".into(),
    };
    Some((at, why))
}

/// The JSON name of this kind of value, for use in a sentence.
pub fn kind(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

impl Invalid {
    pub fn field(name: impl Into<Cow<'static, str>>, why: &str) -> Self {
        let name = name.into();
        Self { detail: format!("{name} {why}"), field: Some(name), byte: None }
    }

    pub fn at(byte: usize, detail: String) -> Self {
        Self { detail, field: None, byte: Some(byte) }
    }

    /// Converts an error of `serde_json` about this text. `serde_json` counts lines and columns, in bytes and from 1.
    pub fn json(text: &str, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let lines_before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let detail = error.to_string();
        let place = format!(" at line {line} column {column}");
        let detail = short(detail.strip_suffix(&place).unwrap_or(&detail));
        Self::at(lines_before + column.saturating_sub(1), detail)
    }

    /// The same error for an event that begins at `byte` of the request body.
    #[must_use]
    pub fn behind(mut self, byte: usize) -> Self {
        self.byte = self.byte.map(|at| at + byte);
        self
    }
}

/// Shortens an error text, since it may quote a name or a string of a megabyte, and a batch has hundreds of errors.
fn short(detail: &str) -> String {
    match detail.char_indices().nth(MAX_DETAIL) {
        Some((end, _)) => format!("{}…", &detail[..end]),
        None => detail.to_owned(),
    }
}

#[cfg(test)]
#[path = "new_tests.rs"]
mod tests;
