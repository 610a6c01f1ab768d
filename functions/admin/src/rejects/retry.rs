use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use door::openapi::Refusals;
use serde::{Deserialize, Serialize};
use service::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::act::Acting;
use crate::openapi::InvalidBody;
use crate::{Admin, refusal};

/// So many are named in one request; of all there may be more.
pub(crate) const MOST: usize = 1_000;

/// Some of the rejects, or every one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Wanted {
    Ids(Vec<Uuid>),
    All(bool),
}

#[derive(Serialize, ToSchema)]
#[schema(as = RejectsRequested)]
pub(crate) struct Requested {
    /// Those that are loaded by now, or were asked for before, are not counted.
    requested: i64,
}

/// Have the next flush load rejects again
#[utoipa::path(
    post,
    path = "/admin/rejects/retry",
    operation_id = "retryRejects",
    tag = "rejects",
    request_body(
        content = ref("#/components/schemas/RetryRejects"), content_type = "application/json",
        examples(("all" = (summary = "All of them", value = json!({ "all": true }))))
    ),
    responses(
        InvalidBody,
        Refusals,
        (status = 200, body = Requested, description = "How many will be"),
    ),
)]
pub(crate) async fn post(
    State(admin): State<Admin>,
    Acting(act): Acting,
    body: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<Requested>, Problem> {
    let Json(wanted) = body.map_err(|rejection| refusal::of_body(&rejection))?;
    let ids = match wanted {
        Wanted::Ids(ids) if ids.len() > MOST => {
            return Err(refusal::of_parameter("ids", format!("must be {MOST} at most")));
        }
        Wanted::Ids(ids) => Some(ids),
        Wanted::All(true) => None,
        Wanted::All(false) => return Err(refusal::of_parameter("all", "must be true")),
    };
    let requested = admin.store.retry_rejects(ids, act).await.map_err(refusal::of_store)?;
    Ok(Json(Requested { requested }))
}
