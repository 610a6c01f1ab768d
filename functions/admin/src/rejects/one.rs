use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use door::openapi::Refusals;
use serde::Serialize;
use service::{Problem, Segment};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Load, parted};
use crate::openapi::Invalid;
use crate::{Admin, refusal};

/// A whole reject.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reject {
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    event_type: String,
    #[schema(value_type = HashMap<String, Value>)]
    payload: event::Json,
    #[schema(value_type = Option<HashMap<String, Value>>, required = true)]
    metadata: Option<event::Json>,
    #[serde(flatten)]
    load: Load,
}

/// Get an event that BigQuery refused
#[utoipa::path(
    get,
    path = "/admin/rejects/{id}",
    operation_id = "getReject",
    tag = "rejects",
    params(("id" = String, Path, format = "uuid")),
    responses(
        Invalid,
        Refusals,
        (status = 200, body = Reject, description = "The whole event, as it was when BigQuery refused it"),
        (status = 404, description = "There is no such reject"),
    ),
)]
pub(crate) async fn get(State(admin): State<Admin>, Segment(id): Segment) -> Result<Json<Reject>, Problem> {
    let id = refusal::event_id(&id)?;
    let reject = admin.store.reject(id).await.map_err(refusal::of_store)?;
    let no_reject = || Problem::new(StatusCode::NOT_FOUND, format!("there is no reject {id}"));
    let (reject, payload, metadata) = parted(reject.ok_or_else(no_reject)?);
    Ok(Json(Reject { id: reject.id, event_type: reject.event_type, payload, metadata, load: reject.load }))
}
