use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use door::openapi::Refusals;
use serde::Serialize;
use serde_json::value::RawValue;
use service::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::events::timestamp;
use crate::openapi::Invalid;
use crate::page::{Pagination, Search};
use crate::{Admin, refusal};

#[derive(Serialize, ToSchema)]
pub(crate) struct Rejects {
    rejects: Vec<Reject>,
    pagination: Pagination,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Reject {
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    event_type: String,
    #[schema(value_type = HashMap<String, Value>)]
    payload: Box<RawValue>,
    #[schema(value_type = Option<HashMap<String, Value>>, required = true)]
    metadata: Option<Box<RawValue>>,
    #[schema(format = DateTime)]
    created_at: String,
    reason: String,
    job_id: String,
    #[schema(format = DateTime)]
    rejected_at: String,
    /// Another load was asked for.
    #[schema(format = DateTime, required = true)]
    requested_at: Option<String>,
    /// It is in BigQuery by now.
    #[schema(format = DateTime, required = true)]
    reloaded_at: Option<String>,
}

/// Events that BigQuery did not take, newest first
#[utoipa::path(
    get,
    path = "/admin/rejects",
    operation_id = "listRejects",
    tag = "rejects",
    params(Search),
    responses(
        Invalid,
        Refusals,
        (status = 200, body = Rejects, description = "A page of them"),
    ),
)]
pub(crate) async fn get(
    State(admin): State<Admin>,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Json<Rejects>, Problem> {
    let Query(search) = search.map_err(|rejection| refusal::of_query(&rejection))?;
    let asked = Pagination::asked(&search)?;
    let (rejects, total) =
        admin.store.rejects(asked.offset(), asked.limit()).await.map_err(refusal::of_store)?;
    Ok(Json(Rejects {
        rejects: rejects.into_iter().map(shown).collect::<Result<_, _>>().map_err(Problem::internal)?,
        pagination: asked.of(total),
    }))
}

fn shown(reject: store::Reject) -> Result<Reject, serde_json::Error> {
    Ok(Reject {
        id: reject.id,
        event_type: reject.event_type,
        payload: RawValue::from_string(reject.payload)?,
        metadata: reject.metadata.map(RawValue::from_string).transpose()?,
        created_at: timestamp(reject.created_at),
        reason: reject.reason,
        job_id: reject.job_id,
        rejected_at: timestamp(reject.rejected_at),
        requested_at: reject.requested_at.map(timestamp),
        reloaded_at: reject.reloaded_at.map(timestamp),
    })
}
