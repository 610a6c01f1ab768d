//! The parts of `/openapi.json` that the operations of this service share.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use service::Shared;
use utoipa::openapi::{Info, OpenApi, Paths, Ref, RefOr, Response};
use utoipa::{IntoResponses, ToSchema};

use crate::batch::MAX_EVENTS;

const DESCRIPTION: &str = "Receives events over HTTP. A 201 means that the event is committed; it is then processed, and \
    becomes one row in BigQuery.\n\nAfter a 503 the event may still have been stored: with an idempotency key it is safe to send it again.";

pub(crate) fn document() -> OpenApi {
    let mut info = Info::new("EventFlow ingest", env!("CARGO_PKG_VERSION"));
    info.description = Some(DESCRIPTION.into());
    OpenApi::new(info, Paths::new())
}

/// The refusals that any request with events may get.
pub(crate) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let named = [
            ("400", "Invalid"),
            ("401", "Unauthorized"),
            ("403", "Forbidden"),
            ("408", "TooSlow"),
            ("413", "TooLarge"),
            ("415", "UnsupportedMediaType"),
            ("422", "Unprocessable"),
            ("429", "TooManyRequests"),
            ("503", "TryAgain"),
        ];
        let response =
            |(status, name): (&str, &str)| (status.to_owned(), Ref::from_response_name(name).into());
        named.into_iter().map(response).collect()
    }
}

/// An event in the form of this API.
#[derive(ToSchema)]
#[schema(as = NewEvent)]
#[expect(dead_code, reason = "it is read by `event`, which knows nothing of documents")]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct NewEvent {
    /// The type of the event, such as `user.signup`
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\u0000]*$")]
    event_type: String,
    /// At most 100 levels deep, and without NUL characters
    #[schema(value_type = HashMap<String, Value>)]
    payload: (),
    #[schema(value_type = HashMap<String, Value>, required = false)]
    metadata: (),
    /// The same as the header `Idempotency-Key`
    #[schema(value_type = String, required = false, pattern = r#"^("[!#-\[\]-~]{1,255}"|[!#-~][!-~]{0,254})$"#)]
    idempotency_key: (),
}

pub(crate) fn shared() -> Shared<'static> {
    Shared {
        documents: vec![components()],
        headers: &[("RateLimit", "RateLimit"), ("RateLimit-Policy", "RateLimitPolicy")],
    }
}

fn components() -> Value {
    let body = json!({ "post": { "requestBody": { "required": true } } });
    json!({ "paths": { "/events": body, "/events/batch": body }, "components": {
        "schemas": {
            "CloudEvent": cloud_event(),
            "CloudEvents": { "type": "array", "maxItems": MAX_EVENTS, "items": { "$ref": "#/components/schemas/CloudEvent" } },
            "NewEvents": {
                "type": "array", "minItems": 1, "maxItems": MAX_EVENTS, "items": { "$ref": "#/components/schemas/NewEvent" }
            },
            "TextData": { "type": "string", "description": "The data of a CloudEvent in binary mode" },
            "BinaryData": { "type": "string", "format": "binary", "description": "The data of a CloudEvent in binary mode" },
            "Batch": { "oneOf": [
                { "$ref": "#/components/schemas/NewEvents" },
                {
                    "type": "object",
                    "required": ["events"],
                    "properties": { "events": { "$ref": "#/components/schemas/NewEvents" } },
                    "additionalProperties": false
                }
            ] }
        },
        "headers": {
            "RateLimit": limit("The remaining quota, and the time until it is full again: IETF draft RateLimit header fields"),
            "RateLimitPolicy": limit("The quota and its time window"),
            "Challenge": limit("The authentication that is required")
        },
        "responses": {
            "Invalid": { "description": "A mistake in the body or in a header, with its `field` or `byte`" },
            "Unauthorized": {
                "description": "The API key is missing or not valid",
                "headers": { "WWW-Authenticate": { "$ref": "#/components/headers/Challenge" } }
            },
            "Forbidden": { "description": "The key is for other event types" },
            "TooSlow": { "description": "The body did not arrive in time, or arrived too slowly" },
            "TooLarge": { "description": "The body, or an event, is larger than its `limit`" },
            "UnsupportedMediaType": { "description": "The `Content-Type`, the charset or the `Content-Encoding` is not supported" },
            "Unprocessable": { "description": "The idempotency key was used before with another body, or the database cannot store the event" },
            "TooManyRequests": {
                "description": "The key, the identity or the address sends more than it may, or has too much in progress at once",
                "headers": {
                    "Retry-After": { "$ref": "#/components/headers/RetryAfter" }
                }
            },
            "TryAgain": {
                "description": "The database is unavailable or slow, or too many requests are in progress",
                "headers": { "Retry-After": { "$ref": "#/components/headers/RetryAfter" } }
            }
        },
        "securitySchemes": {
            "bearer": {
                "type": "http", "scheme": "bearer",
                "description": "An API key from admin, `efk_…`; if `INGEST_AUTH` is `iam`, a Google identity token for this service"
            },
            "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same API key" }
        }
    } })
}

fn limit(description: &str) -> Value {
    json!({ "description": description, "schema": { "type": "string" } })
}

/// A string that CloudEvents allows and that matches `pattern`.
fn attribute(pattern: &str) -> Value {
    json!({ "type": "string", "minLength": 1, "pattern": pattern })
}

fn cloud_event() -> Value {
    const TEXT: &str = r"^[^\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffe\uffff]+$";
    json!({
        "type": "object",
        "description": "A CloudEvent 1.0 in the JSON format. `source` and `id` are its idempotency key.",
        "required": ["specversion", "id", "source", "type"],
        "properties": {
            "specversion": { "const": "1.0" },
            "id": attribute(TEXT),
            "source": attribute(r"^(%[0-9A-Fa-f]{2}|[!#$&-;=?-\[\]_a-z~])+$"),
            "type": { "type": "string", "minLength": 1, "maxLength": 100, "pattern": TEXT },
            "time": { "type": ["string", "null"], "format": "date-time" },
            "subject": { "type": ["string", "null"], "minLength": 1, "pattern": TEXT },
            "datacontenttype": {
                "type": ["string", "null"],
                "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+/[A-Za-z0-9!#$%&'*+.^_`|~-]+$"
            },
            "dataschema": {
                "type": ["string", "null"],
                "pattern": r"^[A-Za-z][A-Za-z0-9+.-]*:(%[0-9A-Fa-f]{2}|[!#$&-;=?-\[\]_a-z~])*$"
            },
            "data": { "description": "Any JSON" },
            "data_base64": {
                "type": ["string", "null"],
                "contentEncoding": "base64",
                "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$"
            }
        },
        "not": { "required": ["data", "data_base64"] },
        "propertyNames": { "pattern": "^([a-z0-9]+|data_base64)$" },
        "additionalProperties": {
            "description": "An extension attribute",
            "anyOf": [
                { "type": "string", "pattern": r"^[^\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffe\uffff]*$" },
                { "type": ["boolean", "null"] },
                { "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX }
            ]
        }
    })
}
