use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Deserializer};
use service::Problem;
use store::{Change, KeyChanges};

use super::{Key, settings};
use crate::act::Acting;
use crate::{Admin, refusal};

/// What is not there stays as it is; null takes it away.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Wanted {
    #[serde(default, deserialize_with = "named")]
    name: Option<String>,
    #[serde(default, deserialize_with = "change")]
    event_types: Change<Vec<String>>,
    #[serde(default, deserialize_with = "change")]
    expires_at: Change<String>,
    #[serde(default, deserialize_with = "change")]
    rate_limit: Change<i32>,
}

/// A key always has a name.
fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

fn change<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Change<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.map_or(Change::Remove, Change::To))
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
    let why = || Problem::new(StatusCode::BAD_REQUEST, "the body names nothing that is to change");
    is_any.then_some(changes).ok_or_else(why)
}
