use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use service::Problem;

use super::Event;
use crate::{Admin, page, refusal};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    page: Option<String>,
    limit: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Failed {
    events: Vec<Event>,
    pagination: Pagination,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    page: u32,
    limit: u32,
    total: i64,
    total_pages: i64,
}

/// `GET /admin/events/failed`: FAILED and DEAD_LETTER, newest first.
pub(crate) async fn get(
    State(admin): State<Admin>,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Json<Failed>, Problem> {
    let Query(search) = search.map_err(|rejection| refusal::of_query(&rejection))?;
    let page = page::number(search.page.as_deref())?;
    let limit = page::limit(search.limit.as_deref())?;
    let offset = i64::from(page - 1) * i64::from(limit);
    let (records, total) = admin.store.failed(offset, i64::from(limit)).await.map_err(refusal::of_store)?;
    let total_pages = (total + i64::from(limit) - 1) / i64::from(limit);
    Ok(Json(Failed {
        events: records.into_iter().map(Event::from).collect(),
        pagination: Pagination { page, limit, total, total_pages },
    }))
}
