use axum::extract::State;
use axum::response::Response;
use door::openapi::Refusals;
use serde::Serialize;
use service::{Problem, Query};
use store::Excerpt;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Load, parted};
use crate::excerpt::{Cut, Shown, metadata_schema, payload_schema, shown};
use crate::openapi::Invalid;
use crate::page::{Pagination, Search};
use crate::{Admin, answer, refusal};

#[derive(ToSchema)]
#[expect(dead_code, reason = "a page is written as it is sent")]
pub(crate) struct Rejects {
    rejects: Vec<Listed>,
    pagination: Pagination,
}

/// A reject in the form that lists have.
#[derive(Serialize, ToSchema)]
#[schema(as = ListedReject)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    event_type: String,
    #[schema(schema_with = payload_schema)]
    payload: Shown,
    #[schema(schema_with = metadata_schema, required = true)]
    metadata: Option<Shown>,
    #[serde(flatten)]
    cut: Cut,
    #[serde(flatten)]
    load: Load,
}

/// List the events that BigQuery refused, newest first
#[utoipa::path(
    get,
    path = "/admin/rejects",
    operation_id = "listRejects",
    tag = "rejects",
    params(Search),
    responses(
        Invalid,
        Refusals,
        (status = 200, body = Rejects, description = "A page of rejects"),
    ),
)]
pub(crate) async fn get(
    State(admin): State<Admin>,
    Query(search): Query<Search>,
) -> Result<Response, Problem> {
    let asked = search.asked()?;
    let (rejects, total) =
        admin.store.rejects(asked.offset(), asked.limit()).await.map_err(refusal::of_store)?;
    let rejects: Vec<_> = rejects.into_iter().map(listed).collect::<Result<_, _>>()?;
    answer::list("rejects", rejects, &Rest { pagination: asked.of(total) })
}

/// The members after the rejects.
#[derive(Serialize)]
struct Rest {
    pagination: Pagination,
}

fn listed(reject: store::Reject<Excerpt>) -> Result<Listed, Problem> {
    let (reject, payload, metadata) = parted(reject);
    let (payload, metadata, cut) = shown(payload, metadata)?;
    Ok(Listed { id: reject.id, event_type: reject.event_type, payload, metadata, cut, load: reject.load })
}
