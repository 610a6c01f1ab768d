use axum::Json;
use axum::extract::State;
use door::openapi::Refusals;
use serde::Serialize;
use service::{Problem, Query};
use utoipa::ToSchema;

use super::Kind;
use crate::openapi::Invalid;
use crate::page::{Pagination, Search};
use crate::{Admin, refusal};

#[derive(Serialize, ToSchema)]
#[schema(as = EventTypes)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kinds {
    event_types: Vec<Kind>,
    pagination: Pagination,
}

/// List the event types that have a schema, by name
#[utoipa::path(
    get,
    path = "/admin/event-types",
    operation_id = "listEventTypes",
    tag = "event types",
    params(Search),
    responses(Invalid, Refusals, (status = 200, body = Kinds, description = "A page of event types")),
)]
pub(crate) async fn get(
    State(admin): State<Admin>,
    Query(search): Query<Search>,
) -> Result<Json<Kinds>, Problem> {
    let asked = search.asked()?;
    let (records, total) =
        admin.store.event_types(asked.offset(), asked.limit()).await.map_err(refusal::of_store)?;
    Ok(Json(Kinds {
        event_types: records.into_iter().map(Kind::from).collect(),
        pagination: asked.of(total),
    }))
}
