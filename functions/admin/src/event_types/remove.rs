use axum::extract::{Path, State};
use axum::http::StatusCode;
use service::Problem;

use crate::act::Acting;
use crate::{Admin, refusal};

/// `DELETE /admin/event-types/:type`: its events are held against nothing any more. Its versions stay on record.
pub(crate) async fn delete(
    State(admin): State<Admin>,
    Acting(act): Acting,
    Path(event_type): Path<String>,
) -> Result<StatusCode, Problem> {
    let event_type = super::event_type(event_type)?;
    let removed = admin.store.remove_event_type(event_type.clone(), act).await;
    let removed = removed.map_err(refusal::of_store)?;
    removed.then_some(StatusCode::NO_CONTENT).ok_or_else(|| super::unknown(&event_type))
}
