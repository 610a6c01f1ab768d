use axum::Json;
use axum::extract::{Path, State};
use service::Problem;

use super::Key;
use crate::{Admin, refusal};

/// `GET /admin/keys/:id`
pub(crate) async fn get(State(admin): State<Admin>, Path(id): Path<String>) -> Result<Json<Key>, Problem> {
    let id = refusal::key_id(id)?;
    let key = admin.store.key(id.clone()).await.map_err(refusal::of_store)?;
    Ok(Json(key.ok_or_else(|| refusal::no_key(&id))?.into()))
}
