use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use door::openapi::Refusals;
use serde::Serialize;
use service::Problem;
use utoipa::ToSchema;

use super::Event;
use crate::openapi::Invalid;
use crate::page::{Pagination, Search};
use crate::{Admin, refusal};

#[derive(Serialize, ToSchema)]
#[schema(as = FailedEvents)]
pub(crate) struct Failed {
    events: Vec<Event>,
    pagination: Pagination,
}

/// FAILED and DEAD_LETTER events, newest first
#[utoipa::path(
    get,
    path = "/admin/events/failed",
    operation_id = "listFailedEvents",
    tag = "events",
    params(Search),
    responses(
        Invalid,
        Refusals,
        (status = 200, body = Failed, description = "A page of them"),
    ),
)]
pub(crate) async fn get(
    State(admin): State<Admin>,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Json<Failed>, Problem> {
    let Query(search) = search.map_err(|rejection| refusal::of_query(&rejection))?;
    let asked = Pagination::asked(&search)?;
    let (records, total) =
        admin.store.failed(asked.offset(), asked.limit()).await.map_err(refusal::of_store)?;
    Ok(Json(Failed { events: records.into_iter().map(Event::from).collect(), pagination: asked.of(total) }))
}
