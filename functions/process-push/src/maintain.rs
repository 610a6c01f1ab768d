use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use service::Problem;

use crate::Processor;
use crate::push::unavailable;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Maintained {
    partitions_made: Vec<String>,
}

/// `POST /maintain`: partitions are there before they are needed.
pub(crate) async fn post(State(processor): State<Arc<Processor>>) -> Result<Json<Maintained>, Problem> {
    let partitions_made = processor.store.make_partitions().await.map_err(|error| unavailable(&error))?;
    Ok(Json(Maintained { partitions_made }))
}
