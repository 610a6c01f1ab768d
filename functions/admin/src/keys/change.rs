use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Deserializer};
use service::Problem;
use store::KeyChanges;
use utoipa::ToSchema;

use super::{Key, settings};
use crate::act::Acting;
use crate::openapi::{InvalidBody, Refusals};
use crate::{Admin, refusal};

/// What is not there stays as it is; null takes it away.
#[derive(Deserialize, ToSchema)]
#[schema(as = KeyChange, min_properties = 1)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Wanted {
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100, pattern = r"^[^\u0000]*$")]
    name: Option<String>,
    #[serde(default, deserialize_with = "named")]
    #[schema(schema_with = settings::event_types_schema, required = false)]
    event_types: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "named")]
    /// In the future
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Option<String>>,
    #[serde(default, deserialize_with = "named")]
    /// Events a second
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 1_000_000)]
    rate_limit: Option<Option<i32>>,
}

fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Change what is named; null takes it away
#[utoipa::path(
    patch,
    path = "/admin/keys/{id}",
    operation_id = "changeKey",
    tag = "keys",
    params(("id" = String, Path, pattern = "^[0-9A-Za-z]+$")),
    request_body(
        content = Wanted,
        examples(("change" = (summary = "Another limit, and no end", value = json!({ "rateLimit": 200, "expiresAt": null }))))
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
    Path(id): Path<String>,
    body: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<Key>, Problem> {
    let id = refusal::key_id(id)?;
    let Json(wanted) = body.map_err(|rejection| refusal::of_body(&rejection))?;
    let changes = changes(wanted)?;
    let changed = admin.store.change_key(id.clone(), changes, act).await.map_err(refusal::of_store)?;
    Ok(Json(changed.map_err(|why| refusal::of_key(&id, why))?.into()))
}

fn changes(wanted: Wanted) -> Result<KeyChanges, Problem> {
    let changes = KeyChanges {
        name: wanted.name.map(settings::name).transpose()?,
        event_types: optional(wanted.event_types, settings::event_types)?,
        rate_limit: optional(wanted.rate_limit, settings::rate_limit)?,
        expires_at: optional(wanted.expires_at, |at| settings::expires_at(&at))?,
    };
    let is_none = changes.name.is_none()
        && changes.event_types.is_none()
        && changes.rate_limit.is_none()
        && changes.expires_at.is_none();
    if is_none {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "the body names nothing that is to change"));
    }
    Ok(changes)
}

fn optional<T, U>(
    wanted: Option<Option<T>>,
    check: impl Fn(T) -> Result<U, Problem>,
) -> Result<Option<Option<U>>, Problem> {
    wanted.map(|inner| inner.map(check).transpose()).transpose()
}
