use axum::Json;
use axum::extract::State;
use door::openapi::Refusals;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use service::{Problem, Query};
use store::AuditEntry;
use utoipa::{IntoParams, ToSchema};

use crate::events::timestamp;
use crate::openapi::Invalid;
use crate::{Admin, page, refusal};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    /// The `nextCursor` of the previous page
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = AuditPage)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    entries: Vec<Entry>,
    /// The `cursor` of the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: i64,
    #[schema(format = DateTime)]
    at: String,
    actor: String,
    role: String,
    action: String,
    #[schema(required = true)]
    target: Option<String>,
    #[schema(value_type = Option<Object>, required = true)]
    detail: Option<Box<RawValue>>,
    #[schema(required = true)]
    address: Option<String>,
    #[schema(required = true)]
    request_id: Option<String>,
}

impl Search {
    /// Returns the end of the previous page, and the number of entries in a page.
    pub(crate) fn asked(&self) -> Result<(Option<i64>, u32), Problem> {
        let limit = page::limit(self.limit.as_deref())?;
        Ok((self.cursor.as_deref().map(cursor).transpose()?, limit))
    }
}

/// List the audit log, newest entries first
#[utoipa::path(
    get,
    path = "/admin/audit",
    operation_id = "listAudit",
    tag = "audit",
    params(Search),
    responses(
        Invalid,
        Refusals,
        (status = 200, body = Page, description = "A page of the audit log"),
    ),
)]
pub(crate) async fn get(
    State(admin): State<Admin>,
    Query(search): Query<Search>,
) -> Result<Json<Page>, Problem> {
    let (before, limit) = search.asked()?;
    let mut entries = admin.store.audit_log(before, i64::from(limit) + 1).await.map_err(refusal::of_store)?;
    // One entry more than requested tells whether there is a next page.
    let is_last = entries.len() <= limit as usize;
    entries.truncate(limit as usize);
    let next_cursor = entries.last().map(|entry| entry.id.to_string()).filter(|_| !is_last);
    Ok(Json(Page { entries: entries.into_iter().map(Entry::from).collect(), next_cursor }))
}

fn cursor(text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| page::no_cursor())
}

impl From<AuditEntry> for Entry {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: timestamp(entry.at),
            actor: entry.actor,
            role: entry.role,
            action: entry.action,
            target: entry.target,
            detail: entry.detail.map(|detail| detail.0),
            address: entry.address,
            request_id: entry.request_id,
        }
    }
}
