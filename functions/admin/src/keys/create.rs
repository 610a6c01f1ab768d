use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use door::openapi::Refusals;
use serde::{Deserialize, Serialize};
use service::{Body, JsonBody, Problem};
use store::KeySettings;
use utoipa::ToSchema;

use super::mint::mint;
use super::{Key, settings};
use crate::act::Acting;
use crate::openapi::InvalidBody;
use crate::{Admin, refusal};

#[derive(Deserialize, ToSchema)]
#[schema(as = NewKey)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Wanted {
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\u0000]*$")]
    name: String,
    #[schema(schema_with = settings::event_types_schema, required = false)]
    event_types: Option<Vec<String>>,
    /// The end of the key, in the future
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// The limit in events a second
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 1_000_000)]
    rate_limit: Option<i64>,
}

impl Body for Wanted {}

#[derive(Serialize, ToSchema)]
#[schema(as = KeyCreated)]
pub(crate) struct Created {
    /// The key itself, which is shown only this once.
    key: String,
    #[serde(flatten)]
    record: Key,
}

/// Create a key
#[utoipa::path(
    post,
    path = "/admin/keys",
    operation_id = "createKey",
    tag = "keys",
    request_body(
        content = Wanted,
        examples(("key" = (summary = "A key", value = json!({
            "name": "shop", "eventTypes": ["order."], "rateLimit": 100, "expiresAt": "2100-01-01T00:00:00Z"
        }))))
    ),
    responses(
        InvalidBody,
        Refusals,
        (status = 201, body = Created, description = "The key, shown only this once"),
    ),
)]
pub(crate) async fn post(
    State(admin): State<Admin>,
    Acting(act): Acting,
    JsonBody(wanted): JsonBody<Wanted>,
) -> Result<(StatusCode, Json<Created>), Problem> {
    let settings = KeySettings {
        name: settings::name(wanted.name)?,
        event_types: wanted.event_types.map(settings::event_types).transpose()?,
        rate_limit: wanted.rate_limit.map(settings::rate_limit).transpose()?,
        expires_at: wanted.expires_at.as_deref().map(settings::expires_at).transpose()?,
    };
    let (secret, text) = mint()?;
    let id = secret.id.clone();
    let record = admin.store.create_key(secret, settings, act).await.map_err(refusal::of_store)?;
    let record = record.map_err(|why| refusal::of_key(&id, why))?;
    Ok((StatusCode::CREATED, Json(Created { key: text.reveal(), record: record.into() })))
}
