//! The parts of `/openapi.json` that the operations of this service share.

use serde_json::json;
use service::Shared;
use utoipa::openapi::{Info, OpenApi, Paths};

pub(crate) fn document() -> OpenApi {
    let mut info = Info::new("EventFlow process-push", env!("CARGO_PKG_VERSION"));
    info.description =
        Some("The operations for Pub/Sub and Cloud Scheduler. Each operation accepts one account.".into());
    OpenApi::new(info, Paths::new())
}

pub(crate) fn shared() -> Shared<'static> {
    let own = json!({
        "security": [{ "google": [] }],
        "components": {
            "schemas": { "Push": {
                "type": "object",
                "description": "A message as Pub/Sub wraps it, with the event's ID as its data",
                "required": ["message"],
                "properties": {
                    "message": {
                        "type": "object",
                        "properties": {
                            "data": { "type": "string", "contentEncoding": "base64" },
                            "messageId": { "type": "string" },
                            "attributes": { "type": ["object", "null"], "additionalProperties": { "type": "string" } }
                        }
                    },
                    "subscription": { "type": "string" }
                }
            } }
        }
    });
    Shared { documents: vec![own, door::openapi::components()], headers: &[] }
}
