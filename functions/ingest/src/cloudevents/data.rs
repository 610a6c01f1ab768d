use event::{Invalid, Json, MAX_DEPTH, unstorable};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Error, json};

/// The data of a CloudEvent. A payload must be an object, so every other value is wrapped in one.
pub(super) enum Data<'a> {
    None,
    Json(&'a RawValue),
    Text(&'a str),
    Base64(String),
}

impl<'a> Data<'a> {
    /// `raw` is part of `text`.
    pub(super) fn json(text: &str, raw: &'a RawValue) -> Result<Self, Invalid> {
        // A wrapped value is one level deeper.
        let max_depth = if is_object(raw) { MAX_DEPTH } else { MAX_DEPTH - 1 };
        match unstorable(raw.get(), max_depth) {
            Some((at, why)) => {
                let byte = raw.get().as_ptr().addr() - text.as_ptr().addr() + at;
                Err(Invalid { byte: Some(byte), ..Invalid::field("data", &why) })
            }
            None => Ok(Self::Json(raw)),
        }
    }

    /// Returns the payload, and the place of the data in it.
    pub(super) fn payload(&self) -> Result<(Json, &'static str), Error> {
        Ok(match self {
            Self::None => (to_raw_value(&json!({}))?, "none"),
            Self::Json(object) if is_object(object) => ((*object).to_owned(), "payload"),
            Self::Json(value) => (RawValue::from_string(format!(r#"{{"data":{value}}}"#))?, "payload.data"),
            Self::Text(text) => (to_raw_value(&json!({ "data": text }))?, "payload.data"),
            Self::Base64(text) => (to_raw_value(&json!({ "data_base64": text }))?, "payload.data_base64"),
        })
    }
}

fn is_object(raw: &RawValue) -> bool {
    raw.get().starts_with('{')
}
