//! `BigQuery`'s paths, and the control API of this stand-in.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::Uri;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};

use super::error::ApiError;
use super::warehouse::Warehouse;
use super::{dataset, faults, job, rows, table, upload};

/// A multipart body is read as a whole. Google's clients send more than 5 MB by resumable upload.
const MULTIPART_LIMIT: usize = 16 << 20;

pub(crate) fn router(warehouse: Arc<Warehouse>) -> Router {
    let uploads = post(upload::post).layer(DefaultBodyLimit::max(MULTIPART_LIMIT)).put(upload::put);
    Router::new()
        .nest("/bigquery/v2/projects/{projectId}", api())
        .route("/upload/bigquery/v2/projects/{projectId}/jobs", uploads)
        .layer(from_fn_with_state(Arc::clone(&warehouse), delay))
        .route("/control/faults", get(faults::get).put(faults::put))
        .fallback(async |uri: Uri| ApiError::not_found(uri.path()))
        .with_state(warehouse)
}

fn api() -> Router<Arc<Warehouse>> {
    Router::new()
        .route("/datasets", get(dataset::list).post(dataset::insert))
        .route("/datasets/{datasetId}", get(dataset::get).delete(dataset::delete))
        .route("/datasets/{datasetId}/tables", get(table::list).post(table::insert))
        .route("/datasets/{datasetId}/tables/{tableId}", get(table::get).delete(table::delete))
        .route("/datasets/{datasetId}/tables/{tableId}/data", get(rows::list))
        .route("/jobs", get(job::list).post(job::insert))
        .route("/jobs/{jobId}", get(job::get))
}

async fn delay(State(warehouse): State<Arc<Warehouse>>, request: Request, next: Next) -> Response {
    tokio::time::sleep(warehouse.faults.delay()).await;
    next.run(request).await
}
