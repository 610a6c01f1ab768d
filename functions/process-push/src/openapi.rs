//! What the operations here share, in the document that `/openapi.json` gives.

use serde_json::json;
use service::Shared;
use utoipa::openapi::{Info, OpenApi, Paths};

pub(crate) fn document() -> OpenApi {
    let mut info = Info::new("EventFlow process-push", env!("CARGO_PKG_VERSION"));
    info.description =
        Some("What Pub/Sub and Cloud Scheduler call: each operation is for one account of theirs.".into());
    OpenApi::new(info, Paths::new())
}

pub(crate) fn shared() -> Shared<'static> {
    let own = json!({
        "security": [{ "google": [] }],
        "components": {
            "schemas": { "Push": {
                "type": "object",
                "description": "A message as Pub/Sub wraps it, whose data are the event's ID",
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
