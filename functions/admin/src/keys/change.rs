use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use door::openapi::Refusals;
use serde::{Deserialize, Deserializer};
use service::{Body, JsonBody, Problem, Segment};
use store::{Change, KeyChanges};
use utoipa::ToSchema;

use super::{Key, settings};
use crate::act::Acting;
use crate::openapi::InvalidBody;
use crate::{Admin, refusal};

/// A member that is absent stays as it is; null removes it.
#[derive(Deserialize, ToSchema)]
#[schema(as = KeyChange, min_properties = 1)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Wanted {
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100, pattern = r"^[^\u0000]*$")]
    name: Option<String>,
    #[serde(default, deserialize_with = "change")]
    #[schema(schema_with = settings::event_types_schema, required = false)]
    event_types: Change<Vec<String>>,
    /// The end of the key, in the future
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<String>, format = DateTime, required = false)]
    expires_at: Change<String>,
    /// The limit in events a second
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 1_000_000, required = false)]
    rate_limit: Change<i64>,
}

impl Body for Wanted {}

/// A key always has a name, so null is refused.
fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

fn change<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Change<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.map_or(Change::Remove, Change::To))
}

/// Change a key
#[utoipa::path(
    patch,
    path = "/admin/keys/{id}",
    operation_id = "changeKey",
    tag = "keys",
    params(("id" = String, Path, pattern = "^[0-9A-Za-z]+$")),
    request_body(
        content = Wanted,
        examples(("change" = (summary = "Another rate limit, and no expiry", value = json!({ "rateLimit": 200, "expiresAt": null }))))
    ),
    responses(
        InvalidBody,
        Refusals,
        (status = 200, body = Key, description = "The key as it is now"),
        (status = 404, description = "There is no such key"),
        (status = 409, description = "The key has ended, or was rotated"),
    ),
)]
pub(crate) async fn patch(
    State(admin): State<Admin>,
    Acting(act): Acting,
    Segment(id): Segment,
    JsonBody(wanted): JsonBody<Wanted>,
) -> Result<Json<Key>, Problem> {
    let id = refusal::key_id(id)?;
    let changes = checked(wanted)?;
    let record = admin.store.change_key(id.clone(), changes, act).await.map_err(refusal::of_store)?;
    Ok(Json(record.map_err(|why| refusal::of_key(&id, why))?.into()))
}

fn checked(wanted: Wanted) -> Result<KeyChanges, Problem> {
    let changes = KeyChanges {
        name: wanted.name.map(settings::name).transpose()?,
        event_types: wanted.event_types.try_map(settings::event_types)?,
        rate_limit: wanted.rate_limit.try_map(settings::rate_limit)?,
        expires_at: wanted.expires_at.try_map(|at| settings::expires_at(&at))?,
    };
    let is_any = changes.name.is_some()
        || changes.event_types.is_made()
        || changes.rate_limit.is_made()
        || changes.expires_at.is_made();
    let why = || {
        let members = "name, eventTypes, expiresAt, rateLimit";
        Problem::new(StatusCode::BAD_REQUEST, format!("the body must name one of {members} at least"))
            .with("field", "")
    };
    is_any.then_some(changes).ok_or_else(why)
}
