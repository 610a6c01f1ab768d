//! Checks one line of a load against the schema.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::numbers::{NumberRule, refusal};
use super::surrogates::replaced;
use super::timestamp;
use crate::bigquery::schema::{Field, FieldType, Mode, Schema};

/// The deepest nesting that `BigQuery`'s JSON type can hold.
const JSON_DEPTH: usize = 500;

/// A row as `tabledata.list` shows it: text or NULL for each column.
pub(crate) type Cells<'a> = Vec<Option<Cow<'a, str>>>;

/// Parses a row. The message of an `Err` is the error that the job shows for this row.
///
/// Values keep their original text, so that a number keeps all its digits. `RawValue` skips nesting without
/// recursion, so the depth of any value can be measured.
pub(crate) fn parse<'a>(
    line: &'a [u8],
    schema: &Schema,
    ignore_unknown: bool,
    numbers: Option<NumberRule>,
) -> Result<Cells<'a>, String> {
    let mut json = serde_json::Deserializer::from_slice(line);
    let members = Columns(&schema.fields).deserialize(&mut json);
    let members = members.and_then(|members| json.end().map(|()| members));
    let Members { values, unknown } = members.map_err(|error| format!("Failed to parse JSON: {error}"))?;
    let cells = schema.fields.iter().zip(values).map(|(field, value)| cell(field, value, numbers));
    let cells = cells.collect::<Result<Cells<'_>, String>>()?;
    match unknown {
        Some(name) if !ignore_unknown => Err(format!("No such field: {name}.")),
        _ => Ok(cells),
    }
}

/// The members of a row in the order of the columns, and the unknown member whose name sorts first.
struct Members<'a> {
    values: Vec<Option<&'a RawValue>>,
    unknown: Option<String>,
}

struct Columns<'s>(&'s [Field]);

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> DeserializeSeed<'de> for Columns<'_> {
    type Value = Members<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Columns<'_> {
    type Value = Members<'de>;

    fn expecting(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("a map")
    }

    /// Most rows name their members in the order of the columns. If a name is repeated, the last value counts.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let fields = self.0;
        let mut members = Members { values: vec![None; fields.len()], unknown: None };
        let mut expected = 0;
        while let Some(Name(name)) = map.next_key()? {
            let is_expected = fields.get(expected).is_some_and(|field| field.name == name);
            let column =
                if is_expected { Some(expected) } else { fields.iter().position(|field| field.name == name) };
            if let Some(column) = column {
                members.values[column] = Some(map.next_value()?);
                expected = column + 1;
            } else {
                let _: IgnoredAny = map.next_value()?;
                if members.unknown.as_deref().is_none_or(|known| *name < *known) {
                    members.unknown = Some(name.into_owned());
                }
            }
        }
        Ok(members)
    }
}

fn cell<'a>(
    field: &Field,
    value: Option<&'a RawValue>,
    numbers: Option<NumberRule>,
) -> Result<Option<Cow<'a, str>>, String> {
    let name = &field.name;
    match (value.map(RawValue::get), field.mode) {
        (Some("null"), Mode::Required) => {
            Err(format!("Only optional fields can be set to NULL. Field: {name}; Value: NULL"))
        }
        (None, Mode::Required) => Err(format!("Missing required field: {name}.")),
        (Some("null") | None, Mode::Nullable) => Ok(None),
        (Some(json), _) => convert(field, json, numbers).map(Some),
    }
}

fn convert<'a>(field: &Field, json: &'a str, numbers: Option<NumberRule>) -> Result<Cow<'a, str>, String> {
    let name = &field.name;
    if let Some(why) = numbers.filter(|_| field.kind == FieldType::Json).and_then(|rule| refusal(json, rule))
    {
        return Err(why);
    }
    if field.kind == FieldType::Json {
        return match depth(json) {
            0..=JSON_DEPTH => Ok(replaced(json)),
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
        FieldType::Integer => text.parse::<i64>().ok().map(|n| n.to_string().into()),
        FieldType::Float => text.parse::<f64>().ok().map(|_| text.clone()),
        FieldType::Boolean => boolean(&text).map(Cow::Owned),
        FieldType::Timestamp => timestamp::parse(&text)
            .or_else(|| timestamp::parse_seconds(&text))
            .map(|micros| micros.to_string().into()),
    };
    converted.ok_or_else(|| {
        let kind = format!("{:?}", field.kind).to_lowercase();
        format!("Could not convert value to {kind}. Field: {name}; Value: {text}")
    })
}

/// Returns the text of a JSON string. A number or a boolean keeps its original text.
fn scalar_text(json: &str) -> Result<Cow<'_, str>, String> {
    if !json.starts_with('"') {
        return Ok(Cow::Borrowed(json));
    }
    let Name(text) = serde_json::from_str(json).map_err(|error| format!("Failed to parse JSON: {error}"))?;
    Ok(text)
}

fn boolean(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    matches!(text.as_str(), "true" | "false").then_some(text)
}

/// The depth is at most the number of brackets, which is quickly counted and rarely large.
fn depth(json: &str) -> usize {
    let brackets = json.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
    if brackets <= JSON_DEPTH {
        return brackets;
    }
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

/// The logical bytes, as `BigQuery` bills them.
pub(crate) fn logical_bytes(cells: &Cells<'_>, schema: &Schema) -> u64 {
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
