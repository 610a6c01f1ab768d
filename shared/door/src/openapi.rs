//! The description of the doors for Google identities in a service's document.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::IntoResponses;
use utoipa::openapi::{Ref, RefOr, Response};

/// The responses that a request may get before its handler runs, or if the database is unavailable.
pub struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let named = [("401", "Unauthorized"), ("403", "Forbidden"), ("503", "TryAgain")];
        named.map(|(status, name)| (status.to_owned(), Ref::from_response_name(name).into())).into()
    }
}

/// The components that [`Refusals`] refers to, and the scheme `google`.
pub fn components() -> Value {
    json!({ "components": {
        "headers": {
            "Challenge": { "description": "What would open the door", "schema": { "type": "string" } }
        },
        "responses": {
            "Unauthorized": {
                "description": "No identity, or none that can be believed",
                "headers": { "WWW-Authenticate": { "$ref": "#/components/headers/Challenge" } }
            },
            "Forbidden": { "description": "The identity does not open this" },
            "TryAgain": {
                "description": "The database is away, or the keys that tokens are signed with, or the service is stopping",
                "headers": { "Retry-After": { "$ref": "#/components/headers/RetryAfter" } }
            }
        },
        "securitySchemes": {
            "google": {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": "A Google identity token for this service"
            }
        }
    } })
}
