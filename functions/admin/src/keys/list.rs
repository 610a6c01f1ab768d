use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Serialize;
use service::Problem;

use super::Key;
use crate::page::{Pagination, Search};
use crate::{Admin, refusal};

#[derive(Serialize)]
pub(crate) struct Keys {
    keys: Vec<Key>,
    pagination: Pagination,
}

/// `GET /admin/keys`: the newest first, those that have ended too.
pub(crate) async fn get(
    State(admin): State<Admin>,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Json<Keys>, Problem> {
    let Query(search) = search.map_err(|rejection| refusal::of_query(&rejection))?;
    let asked = Pagination::asked(&search)?;
    let (keys, total) = admin.store.keys(asked.offset(), asked.limit()).await.map_err(refusal::of_store)?;
    Ok(Json(Keys { keys: keys.into_iter().map(Key::from).collect(), pagination: asked.of(total) }))
}
