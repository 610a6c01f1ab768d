//! The parts of `/openapi.json` that the operations of this service share.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use service::Shared;
use utoipa::IntoResponses;
use utoipa::openapi::schema::Array;
use utoipa::openapi::{Info, OpenApi, Paths, Ref, RefOr, Response};

use crate::rejects::retry::MOST;

const DESCRIPTION: &str = "The service for operators: look, search, replay, count, and manage the API keys of ingest.\n\nEach operation requires \
    a role: viewers look, operators look at keys and replay too, owners do everything. A change that a page of another origin \
    asks a browser for is refused with 403.";

pub(crate) fn document() -> OpenApi {
    let mut info = Info::new("EventFlow admin", env!("CARGO_PKG_VERSION"));
    info.description = Some(DESCRIPTION.into());
    OpenApi::new(info, Paths::new())
}

/// The refusals of a request with parameters.
pub(crate) struct Invalid;
/// The refusals of a request with a body.
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
                "Invalid": {
                    "description": "A mistake in the body, the path or the query. `field` is the JSON Pointer of the body's member, or \
                        the name of the parameter; if the body is not JSON, `byte` is the position of the mistake"
                },
                "TooSlow": { "description": "The body did not arrive in time" },
                "Forbidden": { "description": "The identity does not have the role, or the request came from a page of another origin" },
                "TooLarge": { "description": "The body is larger than its `limit`" },
                "UnsupportedMediaType": { "description": "The `Content-Type` must be `application/json`" }
            },
            "securitySchemes": {
                "google": { "description": "A Google identity token for this service, if `ADMIN_AUTH` is `google`" },
                "iap": {
                    "type": "apiKey", "in": "header", "name": "X-Goog-IAP-JWT-Assertion",
                    "description": "The assertion that Identity-Aware Proxy adds, if `ADMIN_AUTH` is `iap`"
                }
            }
        }
    })
}

/// An object in which all of these properties are required.
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
