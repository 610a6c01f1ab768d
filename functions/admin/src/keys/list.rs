use axum::Json;
use axum::extract::State;
use door::openapi::Refusals;
use serde::Serialize;
use service::{Problem, Query};
use utoipa::ToSchema;

use super::Key;
use crate::openapi::Invalid;
use crate::page::{Pagination, Search};
use crate::{Admin, refusal};

#[derive(Serialize, ToSchema)]
pub(crate) struct Keys {
    keys: Vec<Key>,
    pagination: Pagination,
}

/// List the keys, newest first, including those that have ended
#[utoipa::path(
    get,
    path = "/admin/keys",
    operation_id = "listKeys",
    tag = "keys",
    params(Search),
    responses(
        Invalid,
        Refusals,
        (status = 200, body = Keys, description = "A page of keys"),
    ),
)]
pub(crate) async fn get(
    State(admin): State<Admin>,
    Query(search): Query<Search>,
) -> Result<Json<Keys>, Problem> {
    let asked = search.asked()?;
    let (keys, total) = admin.store.keys(asked.offset(), asked.limit()).await.map_err(refusal::of_store)?;
    Ok(Json(Keys { keys: keys.into_iter().map(Key::from).collect(), pagination: asked.of(total) }))
}
