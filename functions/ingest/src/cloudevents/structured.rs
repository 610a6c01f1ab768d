//! The JSON format: attributes and data are members of one object.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use event::{Invalid, kind};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::attributes::{Attributes, fault};
use super::data::Data;
use super::incoming;
use crate::accept::Item;
use crate::problems;

struct Members<'a>(Vec<(String, &'a RawValue)>);

/// `offset` is the position of these bytes in the whole body.
pub(crate) fn structured(bytes: &[u8], offset: usize, keys_last: Duration) -> Item {
    let (attributes, data) = read(bytes).map_err(|invalid| problems::invalid(invalid.behind(offset)))?;
    incoming(attributes, &data, keys_last)
}

fn read(bytes: &[u8]) -> Result<(Attributes, Data<'_>), Invalid> {
    let text = str::from_utf8(bytes)
        .map_err(|error| Invalid::at(error.valid_up_to(), "a CloudEvent must be UTF-8".into()))?;
    let start = text.trim_ascii_start();
    if !start.starts_with('{') {
        return Err(Invalid::at(text.len() - start.len(), "a CloudEvent must be a JSON object".into()));
    }
    let Members(members) = serde_json::from_str(text).map_err(|error| {
        let invalid = Invalid::json(text, &error);
        Invalid { detail: format!("not a CloudEvent: {}", invalid.detail), ..invalid }
    })?;
    let mut attributes = Attributes::default();
    let (mut json, mut base64) = (None, None);
    let mut names = HashSet::new();
    for (name, raw) in &members {
        // This also finds a second member with the value null, which the attributes never see.
        if !names.insert(name) {
            return Err(fault(name, "is given twice"));
        }
        match name.as_str() {
            "data" => json = Some(*raw),
            // Null means the same as a missing member.
            _ if raw.get() == "null" => {}
            "data_base64" => base64 = Some(*raw),
            name => attributes.set(name, attribute(name, raw)?)?,
        }
    }
    let data = match (json, base64) {
        (None, None) => Data::None,
        (Some(json), None) => Data::json(text, json)?,
        (None, Some(raw)) => Data::Base64(base64_text(raw)?),
        (Some(_), Some(_)) => return Err(fault("data_base64", "must not stand beside data")),
    };
    Ok((attributes, data))
}

fn attribute(name: &str, raw: &RawValue) -> Result<Value, Invalid> {
    let other = |wanted| Err(fault(name, &format!("must be {wanted}, is {}", kind(raw))));
    match raw.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw.get())
            .map_err(|_| fault(name, "must not contain half of a surrogate pair")),
        _ if Attributes::must_be_string(name) => other("a string"),
        Some(b't') => Ok(Value::Bool(true)),
        Some(b'f') => Ok(Value::Bool(false)),
        Some(b'{' | b'[') => other("a string, a boolean or an integer"),
        _ => {
            let integer = raw.get().parse::<i32>().map(Value::from);
            integer.map_err(|_| fault(name, "must be an integer of 32 bits where it is a number"))
        }
    }
}

fn base64_text(raw: &RawValue) -> Result<String, Invalid> {
    let text = serde_json::from_str::<String>(raw.get()).ok();
    text.filter(|text| BASE64_STANDARD.decode(text).is_ok())
        .ok_or_else(|| fault("data_base64", "must be a string in Base64"))
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Each)
    }
}

struct Each;

impl<'de> Visitor<'de> for Each {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
