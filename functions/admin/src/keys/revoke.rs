use axum::extract::{Path, State};
use axum::http::StatusCode;
use service::Problem;

use crate::act::Acting;
use crate::{Admin, refusal};

/// `DELETE /admin/keys/:id`: it opens nothing any more, within seconds, and stays on record.
pub(crate) async fn delete(
    State(admin): State<Admin>,
    Acting(act): Acting,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = refusal::key_id(id)?;
    let is_there = admin.store.revoke_key(id.clone(), act).await.map_err(refusal::of_store)?;
    is_there.then_some(StatusCode::NO_CONTENT).ok_or_else(|| refusal::no_key(&id))
}
