//! The binary mode of HTTP: attributes are headers, and the body is the data.

use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use event::Invalid;
use serde_json::Value;

use super::attributes::{Attributes, fault};
use super::data::Data;
use super::{header, incoming};
use crate::accept::Item;
use crate::media::Media;
use crate::problems;

const PREFIX: &str = "ce-";

/// Finds a header that makes a request a CloudEvent. One is enough, so that an error can name those that are missing.
pub(crate) fn header_of_one(headers: &HeaderMap) -> Option<&str> {
    headers.keys().map(HeaderName::as_str).find(|name| name.starts_with(PREFIX))
}

pub(crate) fn binary(headers: &HeaderMap, body: &[u8], keys_last: Duration) -> Item {
    let attributes = attributes(headers).map_err(problems::invalid)?;
    let data = data(attributes.get("datacontenttype"), body).map_err(problems::invalid)?;
    incoming(attributes, &data, keys_last)
}

fn attributes(headers: &HeaderMap) -> Result<Attributes, Invalid> {
    let mut attributes = Attributes::default();
    for (name, value) in headers {
        let name = match name.as_str().strip_prefix(PREFIX) {
            Some("datacontenttype") => {
                return Err(fault("datacontenttype", "must be the header Content-Type"));
            }
            Some("data") => return Err(fault("data", "must be the body")),
            Some(name) => name,
            None if name == CONTENT_TYPE => "datacontenttype",
            None => continue,
        };
        let value = if name == "datacontenttype" {
            value.to_str().map(str::to_owned).map_err(|_| "must be ASCII")
        } else {
            header::decoded(value.as_bytes())
        };
        attributes.set(name, Value::String(value.map_err(|why| fault(name, why))?))?;
    }
    Ok(attributes)
}

/// Data that are neither JSON nor text, or cannot be stored as such, are stored as Base64, byte for byte.
fn data<'a>(content_type: Option<&str>, body: &'a [u8]) -> Result<Data<'a>, Invalid> {
    let media = Media::read(content_type.unwrap_or(""));
    let text = str::from_utf8(body).ok().filter(|_| media.is_utf_8());
    match text {
        _ if body.is_empty() => Ok(Data::None),
        Some(text) if media.is_json() => json(text),
        None if media.is_json() && media.is_utf_8() => Err(fault("data", "must be UTF-8 where it is JSON")),
        Some(text) if media.is_text() && !text.contains('\0') => Ok(Data::Text(text)),
        _ => Ok(Data::Base64(BASE64_STANDARD.encode(body))),
    }
}

fn json(text: &str) -> Result<Data<'_>, Invalid> {
    let raw = serde_json::from_str(text).map_err(|error| {
        let invalid = Invalid::json(text, &error);
        Invalid { byte: invalid.byte, ..fault("data", &format!("is not JSON: {}", invalid.detail)) }
    })?;
    Data::json(text, raw)
}
