//! One line of a load, checked against the schema.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::timestamp;
use crate::bigquery::schema::{Field, FieldType, Mode, Schema};

/// The deepest nesting that `BigQuery`'s JSON type can hold.
const JSON_DEPTH: usize = 500;

/// What `tabledata.list` shows of a row: text or NULL, a column each.
pub(crate) type Cells = Vec<Option<String>>;

/// The message of an `Err` is what the job shows for this row.
///
/// Values stay the text that came, so that a number keeps all its digits; and `RawValue` skips
/// nesting without recursion, so that none is too deep to be measured.
pub(crate) fn parse(line: &[u8], schema: &Schema, ignore_unknown: bool) -> Result<Cells, String> {
    let mut members: HashMap<String, &RawValue> =
        serde_json::from_slice(line).map_err(|error| format!("Failed to parse JSON: {error}"))?;
    let cells = schema
        .fields
        .iter()
        .map(|field| cell(field, members.remove(&field.name)))
        .collect::<Result<Cells, String>>()?;
    match members.keys().min() {
        Some(name) if !ignore_unknown => Err(format!("No such field: {name}.")),
        _ => Ok(cells),
    }
}

fn cell(field: &Field, value: Option<&RawValue>) -> Result<Option<String>, String> {
    let name = &field.name;
    match (value.map(RawValue::get), field.mode) {
        (Some("null"), Mode::Required) => {
            Err(format!("Only optional fields can be set to NULL. Field: {name}; Value: NULL"))
        }
        (None, Mode::Required) => Err(format!("Missing required field: {name}.")),
        (Some("null") | None, Mode::Nullable) => Ok(None),
        (Some(json), _) => convert(field, json).map(Some),
    }
}

fn convert(field: &Field, json: &str) -> Result<String, String> {
    let name = &field.name;
    if field.kind == FieldType::Json {
        return match depth(json) {
            0..=JSON_DEPTH => Ok(json.to_owned()),
            deep => Err(format!("Invalid JSON: nesting depth {deep} exceeds {JSON_DEPTH}. Field: {name}")),
        };
    }
    if json.starts_with('{') {
        return Err(format!("JSON object specified for non-record field: {name}"));
    }
    if json.starts_with('[') {
        return Err(format!("Array specified for non-repeated field: {name}."));
    }
    let text = scalar_text(json).map_err(|error| format!("{error}. Field: {name}"))?;
    let converted = match field.kind {
        FieldType::String | FieldType::Json => Some(text.clone()),
        FieldType::Integer => text.parse::<i64>().ok().map(|n| n.to_string()),
        FieldType::Float => text.parse::<f64>().ok().map(|_| text.clone()),
        FieldType::Boolean => boolean(&text),
        FieldType::Timestamp => timestamp::parse(&text)
            .or_else(|| timestamp::parse_seconds(&text))
            .map(|micros| micros.to_string()),
    };
    converted.ok_or_else(|| {
        let kind = format!("{:?}", field.kind).to_lowercase();
        format!("Could not convert value to {kind}. Field: {name}; Value: {text}")
    })
}

/// The text of a JSON string; of a number or a boolean, as it was written.
fn scalar_text(json: &str) -> Result<String, String> {
    if json.starts_with('"') {
        return serde_json::from_str(json).map_err(|error| format!("Failed to parse JSON: {error}"));
    }
    Ok(json.to_owned())
}

fn boolean(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    matches!(text.as_str(), "true" | "false").then_some(text)
}

fn depth(json: &str) -> usize {
    let (mut now, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                now += 1;
                deepest = deepest.max(now);
            }
            b'}' | b']' if !in_string => now -= 1,
            _ => {}
        }
    }
    deepest
}

/// Logical bytes, as `BigQuery` bills them.
pub(crate) fn logical_bytes(cells: &Cells, schema: &Schema) -> u64 {
    let sizes = cells.iter().zip(&schema.fields).map(|(cell, field)| {
        let text = cell.as_ref()?;
        Some(match field.kind {
            FieldType::String | FieldType::Json => 2 + text.len() as u64,
            FieldType::Integer | FieldType::Float | FieldType::Timestamp => 8,
            FieldType::Boolean => 1,
        })
    });
    sizes.flatten().sum()
}
