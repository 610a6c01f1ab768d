use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use service::Problem;
use uuid::Uuid;

use crate::{Admin, page, refusal};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    page: Option<String>,
    limit: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Rejects {
    rejects: Vec<Reject>,
    pagination: Pagination,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reject {
    id: Uuid,
    event_type: String,
    payload: Box<RawValue>,
    metadata: Option<Box<RawValue>>,
    created_at: String,
    reason: String,
    job_id: String,
    rejected_at: String,
    /// Another load was asked for.
    requested_at: Option<String>,
    /// It is in BigQuery by now.
    reloaded_at: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    page: u32,
    limit: u32,
    total: i64,
    total_pages: i64,
}

/// `GET /admin/rejects`: the newest events first.
pub(crate) async fn get(
    State(admin): State<Admin>,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Json<Rejects>, Problem> {
    let Query(search) = search.map_err(|rejection| refusal::of_query(&rejection))?;
    let page = page::number(search.page.as_deref())?;
    let limit = page::limit(search.limit.as_deref())?;
    let offset = i64::from(page - 1) * i64::from(limit);
    let (rejects, total) = admin.store.rejects(offset, i64::from(limit)).await.map_err(refusal::of_store)?;
    let total_pages = (total + i64::from(limit) - 1) / i64::from(limit);
    Ok(Json(Rejects {
        rejects: rejects.into_iter().map(shown).collect::<Result<_, _>>().map_err(Problem::internal)?,
        pagination: Pagination { page, limit, total, total_pages },
    }))
}

fn shown(reject: store::Reject) -> Result<Reject, serde_json::Error> {
    Ok(Reject {
        id: reject.id,
        event_type: reject.event_type,
        payload: RawValue::from_string(reject.payload)?,
        metadata: reject.metadata.map(RawValue::from_string).transpose()?,
        created_at: timestamp(reject.created_at),
        reason: reject.reason,
        job_id: reject.job_id,
        rejected_at: timestamp(reject.rejected_at),
        requested_at: reject.requested_at.map(timestamp),
        reloaded_at: reject.reloaded_at.map(timestamp),
    })
}

fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
