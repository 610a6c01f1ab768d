use axum::Json;
use axum::extract::State;
use door::openapi::Refusals;
use service::{Problem, Segment};

use super::Key;
use crate::openapi::Invalid;
use crate::{Admin, refusal};

/// Get a key
#[utoipa::path(
    get,
    path = "/admin/keys/{id}",
    operation_id = "getKey",
    tag = "keys",
    params(("id" = String, Path, pattern = "^[0-9A-Za-z]+$")),
    responses(
        Invalid,
        Refusals,
        (status = 200, body = Key, description = "The key, without its secret"),
        (status = 404, description = "There is no such key"),
    ),
)]
pub(crate) async fn get(State(admin): State<Admin>, Segment(id): Segment) -> Result<Json<Key>, Problem> {
    let id = refusal::key_id(id)?;
    let key = admin.store.key(id.clone()).await.map_err(refusal::of_store)?;
    Ok(Json(key.ok_or_else(|| refusal::no_key(&id))?.into()))
}
