//! What the operations here share, in the document that `/openapi.json` gives.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use service::Shared;
use utoipa::IntoResponses;
use utoipa::openapi::schema::Array;
use utoipa::openapi::{Info, OpenApi, Paths, Ref, RefOr, Response};

use crate::rejects::retry::MOST;

const DESCRIPTION: &str = "What operators use: look, search, replay, count, and the API keys of ingest.\n\nEach operation takes \
    a role: viewers look, operators look at keys and replay too, owners do everything. A change that a page of another origin \
    asks a browser for is a 403.";

pub(crate) fn document() -> OpenApi {
    let mut info = Info::new("EventFlow admin", env!("CARGO_PKG_VERSION"));
    info.description = Some(DESCRIPTION.into());
    OpenApi::new(info, Paths::new())
}

/// What a request with parameters may be answered.
pub(crate) struct Invalid;
/// And one with a body.
pub(crate) struct InvalidBody;

impl IntoResponses for Invalid {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        named(&[("400", "Invalid")])
    }
}

impl IntoResponses for InvalidBody {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        named(&[("400", "Invalid"), ("408", "TooSlow"), ("413", "TooLarge"), ("415", "UnsupportedMediaType")])
    }
}

fn named(responses: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    responses
        .iter()
        .map(|(status, name)| ((*status).to_owned(), Ref::from_response_name(*name).into()))
        .collect()
}

pub(crate) fn shared() -> Shared<'static> {
    Shared { documents: vec![components(), door::openapi::components()], headers: &[] }
}

fn components() -> Value {
    json!({
        "security": [{ "google": [] }, { "iap": [] }],
        "paths": { "/admin/rejects/retry": { "post": { "requestBody": { "required": true } } } },
        "components": {
            "schemas": {
                "RetryRejects": retry_rejects(),
                "SchemaChange": told(&json!({
                    "pointer": { "type": "string", "description": "A JSON Pointer into the schema" },
                    "what": { "type": "string" },
                    "effect": { "enum": ["stricter", "looser", "changed", "none"] }
                })),
                "Violation": told(&json!({
                    "pointer": { "type": "string", "description": "A JSON Pointer into the payload" },
                    "rule": { "type": "string", "description": "The keyword of the schema" },
                    "message": { "type": "string" }
                }))
            },
            "responses": {
                "Invalid": { "description": "A mistake in the body, the path or the query, with its `field`" },
                "Forbidden": { "description": "An identity without the role, or a page of another origin" },
                "TooSlow": { "description": "The body did not arrive in time, or arrived too slowly" },
                "TooLarge": { "description": "The body is larger than 257 KiB" },
                "UnsupportedMediaType": { "description": "The `Content-Type` must be `application/json`" }
            },
            "securitySchemes": {
                "google": { "description": "A Google identity token for this service, where `ADMIN_AUTH` is `google`" },
                "iap": {
                    "type": "apiKey", "in": "header", "name": "X-Goog-IAP-JWT-Assertion",
                    "description": "What Identity-Aware Proxy adds, where `ADMIN_AUTH` is `iap`"
                }
            }
        }
    })
}

/// An object that has all of these.
fn told(properties: &Value) -> Value {
    let names: Vec<_> = properties.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    json!({ "type": "object", "required": names, "properties": properties })
}

pub(crate) fn list_of(schema: &str) -> Array {
    Array::builder().items(Ref::from_schema_name(schema)).build()
}

fn retry_rejects() -> Value {
    let ids = json!({ "type": "array", "maxItems": MOST, "items": { "type": "string", "format": "uuid" } });
    let one = |name: &str, schema: Value| json!({ "type": "object", "required": [name], "properties": { name: schema }, "additionalProperties": false });
    json!({ "oneOf": [one("ids", ids), one("all", json!({ "const": true }))] })
}
