use axum::extract::State;
use axum::http::StatusCode;
use door::openapi::Refusals;
use service::{Problem, Segment};

use crate::act::Acting;
use crate::openapi::Invalid;
use crate::{Admin, refusal};

/// Revoke a key permanently
///
/// Within seconds ingest refuses the key. The key stays on record.
#[utoipa::path(
    delete,
    path = "/admin/keys/{id}",
    operation_id = "revokeKey",
    tag = "keys",
    params(("id" = String, Path, pattern = "^[0-9A-Za-z]+$")),
    responses(
        Invalid,
        Refusals,
        (status = 204, description = "The key is revoked"),
        (status = 404, description = "There is no such key"),
    ),
)]
pub(crate) async fn delete(
    State(admin): State<Admin>,
    Acting(act): Acting,
    Segment(id): Segment,
) -> Result<StatusCode, Problem> {
    let id = refusal::key_id(id)?;
    let is_there = admin.store.revoke_key(id.clone(), act).await.map_err(refusal::of_store)?;
    is_there.then_some(StatusCode::NO_CONTENT).ok_or_else(|| refusal::no_key(&id))
}
