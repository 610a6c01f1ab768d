//! Events in the form that lists have. Of a large value only the beginning is included, so that a page has a bound in
//! bytes.

use event::Json;
use serde::Serialize;
use serde_json::value::RawValue;
use service::Problem;
use store::Excerpt;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};

/// A payload or metadata: JSON as it came or, if it is large, the beginning of its text.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Shown {
    Whole(Json),
    Beginning(String),
}

impl Shown {
    /// Also returns the length, if the value was cut.
    fn of(excerpt: Excerpt) -> Result<(Self, Option<usize>), Problem> {
        if excerpt.is_whole() {
            let json = RawValue::from_string(excerpt.into_text()).map_err(Problem::internal)?;
            return Ok((Self::Whole(json), None));
        }
        let bytes = excerpt.bytes();
        Ok((Self::Beginning(excerpt.into_text()), Some(bytes)))
    }
}

/// Tells that a large value was cut, and its length. For a whole value all members are absent.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cut {
    /// `payload` is the beginning of its text, as a string; the GET of the single event returns all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = bool, required = false)]
    payload_truncated: Option<bool>,
    /// The length of the payload, if it is truncated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    payload_bytes: Option<usize>,
    /// The same for `metadata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = bool, required = false)]
    metadata_truncated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u64, required = false)]
    metadata_bytes: Option<usize>,
}

/// Returns the payload, the metadata, and how they were cut.
pub(crate) fn shown(
    payload: Excerpt,
    metadata: Option<Excerpt>,
) -> Result<(Shown, Option<Shown>, Cut), Problem> {
    let (payload, payload_bytes) = Shown::of(payload)?;
    let (metadata, metadata_bytes) = metadata.map(Shown::of).transpose()?.unzip();
    let metadata_bytes = metadata_bytes.flatten();
    let cut = Cut {
        payload_truncated: payload_bytes.map(|_| true),
        payload_bytes,
        metadata_truncated: metadata_bytes.map(|_| true),
        metadata_bytes,
    };
    Ok((payload, metadata, cut))
}

pub(crate) fn payload_schema() -> Schema {
    either("Whole, or the beginning of its text if `payloadTruncated` is true", &[Type::Object, Type::String])
}

pub(crate) fn metadata_schema() -> Schema {
    either(
        "Whole, or the beginning of its text if `metadataTruncated` is true",
        &[Type::Object, Type::String, Type::Null],
    )
}

fn either(description: &str, kinds: &[Type]) -> Schema {
    let one = |kind: &Type| ObjectBuilder::new().schema_type(kind.clone());
    let builder = OneOfBuilder::new().description(Some(description));
    kinds.iter().fold(builder, |builder, kind| builder.item(one(kind))).into()
}
