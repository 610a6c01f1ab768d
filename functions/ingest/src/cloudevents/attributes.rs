use std::collections::BTreeMap;

use event::{EventType, Invalid};
use serde::Serialize;
use serde_json::Value;

use super::rules;

/// Names with a meaning in the specification. Their values are all strings.
const CORE: [&str; 8] =
    ["id", "source", "specversion", "type", "time", "subject", "datacontenttype", "dataschema"];
/// An error shows at most this many characters of an invalid name.
const MAX_TOLD: usize = 100;

/// The attributes as they were sent, in any order.
#[derive(Default)]
pub(super) struct Attributes(BTreeMap<String, Value>);

/// All attributes except the type.
#[derive(Serialize)]
pub(super) struct Context {
    pub(super) id: String,
    pub(super) source: String,
    specversion: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    datacontenttype: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataschema: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: BTreeMap<String, Value>,
}

impl Attributes {
    pub(super) fn set(&mut self, name: &str, value: Value) -> Result<(), Invalid> {
        // The specification only recommends at most 20 characters, so a longer name is accepted.
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
            let name = told(name);
            let detail = format!("an attribute's name must be letters from a to z and digits: {name:?}");
            return Err(Invalid { detail, field: Some(name.into()), byte: None });
        }
        if value.as_str().is_some_and(|text| !rules::is_string(text)) {
            return Err(fault(name, "must not contain control characters or noncharacters"));
        }
        match self.0.insert(name.to_owned(), value) {
            Some(_) => Err(fault(name, "is given twice")),
            None => Ok(()),
        }
    }

    pub(super) fn must_be_string(name: &str) -> bool {
        CORE.contains(&name)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    pub(super) fn read(mut self) -> Result<(EventType, Context), Invalid> {
        // The version is read first, because nothing is known about the attributes of another version.
        let specversion = self.required("specversion")?;
        if specversion != "1.0" {
            return Err(fault("specversion", "must be 1.0"));
        }
        let id = self.required("id")?;
        let source = self.required("source")?;
        check("source", &source, rules::is_uri_reference, "must be a URI reference")?;
        let event_type = EventType::new(self.required("type")?).map_err(|why| fault("type", &why))?;
        let context = Context {
            id,
            source,
            specversion,
            time: self.optional("time", rules::is_timestamp, "must be a timestamp of RFC 3339")?,
            subject: self.optional("subject", |_| true, "")?,
            datacontenttype: self.optional(
                "datacontenttype",
                rules::is_media_type,
                "must be a media type",
            )?,
            dataschema: self.optional("dataschema", rules::is_uri, "must be an absolute URI")?,
            extensions: self.0,
        };
        Ok((event_type, context))
    }

    fn required(&mut self, name: &'static str) -> Result<String, Invalid> {
        self.optional(name, |_| true, "")?.ok_or_else(|| fault(name, "is required"))
    }

    fn optional(
        &mut self,
        name: &'static str,
        rule: impl Fn(&str) -> bool,
        why: &str,
    ) -> Result<Option<String>, Invalid> {
        match self.0.remove(name) {
            Some(Value::String(text)) if text.is_empty() => Err(fault(name, "must not be empty")),
            Some(Value::String(text)) => check(name, &text, rule, why).map(|()| Some(text)),
            _ => Ok(None),
        }
    }
}

fn check(name: &str, text: &str, rule: impl Fn(&str) -> bool, why: &str) -> Result<(), Invalid> {
    if rule(text) { Ok(()) } else { Err(fault(name, why)) }
}

pub(super) fn fault(name: &str, why: &str) -> Invalid {
    Invalid::field(told(name), why)
}

fn told(name: &str) -> String {
    name.chars().take(MAX_TOLD).collect()
}
