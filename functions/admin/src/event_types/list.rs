use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Serialize;
use service::Problem;

use super::Kind;
use crate::page::{Pagination, Search};
use crate::{Admin, refusal};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kinds {
    event_types: Vec<Kind>,
    pagination: Pagination,
}

/// `GET /admin/event-types`: by name.
pub(crate) async fn get(
    State(admin): State<Admin>,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Json<Kinds>, Problem> {
    let Query(search) = search.map_err(|rejection| refusal::of_query(&rejection))?;
    let asked = Pagination::asked(&search)?;
    let (records, total) =
        admin.store.event_types(asked.offset(), asked.limit()).await.map_err(refusal::of_store)?;
    Ok(Json(Kinds {
        event_types: records.into_iter().map(Kind::from).collect(),
        pagination: asked.of(total),
    }))
}
