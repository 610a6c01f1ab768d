use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Deserializer};
use service::Problem;
use store::KeyChanges;

use super::{Key, settings};
use crate::act::Acting;
use crate::{Admin, refusal};

/// What is not there stays as it is; null takes it away.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Wanted {
    #[serde(default, deserialize_with = "named")]
    name: Option<String>,
    #[serde(default, deserialize_with = "named")]
    event_types: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "named")]
    expires_at: Option<Option<String>>,
    #[serde(default, deserialize_with = "named")]
    rate_limit: Option<Option<i32>>,
}

fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// `PATCH /admin/keys/:id`
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
