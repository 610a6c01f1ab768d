use axum::Json;
use axum::extract::State;
use door::openapi::Refusals;
use serde::{Deserialize, Serialize};
use service::{Problem, Query};
use store::{LoadRecord, LoadStatus, Period, Position};
use utoipa::{IntoParams, ToSchema};

use super::{Load, example, status_schema};
use crate::openapi::Invalid;
use crate::{Admin, page, refusal};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    #[param(schema_with = status_schema, required = false)]
    status: Option<String>,
    /// Only ranges that were closed from this time on
    #[param(format = DateTime)]
    since: Option<String>,
    /// Only ranges that were closed before this time
    #[param(format = DateTime)]
    until: Option<String>,
    /// The `nextCursor` of the previous page
    #[param(pattern = "^[0-9]{1,17}-[0-9]{1,18}$")]
    cursor: Option<String>,
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = LoadPage)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    loads: Vec<Load>,
    /// The `cursor` of the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

impl Search {
    /// Returns the filter for the loads, and the number of loads in a page.
    pub(crate) fn asked(&self) -> Result<(Option<LoadStatus>, Period, u32), Problem> {
        let limit = page::limit(self.limit.as_deref())?;
        let status = page::parsed("status", self.status.as_deref())?;
        let period = page::period(self.since.as_deref(), self.until.as_deref(), self.cursor.as_deref())?;
        Ok((status, period, limit))
    }
}

/// List the loads into BigQuery, newest ranges first
///
/// An OPEN load is not known to be loaded. The only row of a REJECTED load is among the rejects. A range that was cut
/// is not listed any more, but its parts are, with its time.
#[utoipa::path(
    get,
    path = "/admin/loads",
    operation_id = "listLoads",
    tag = "loads",
    params(Search),
    responses(
        Invalid,
        Refusals,
        (status = 200, body = Page, description = "A page of loads", example = json!({
            "loads": [example()],
            "nextCursor": "1769860800000000-12"
        })),
    ),
)]
pub(crate) async fn get(
    State(admin): State<Admin>,
    Query(search): Query<Search>,
) -> Result<Json<Page>, Problem> {
    let (status, period, limit) = search.asked()?;
    let loads = admin.store.load_records(status, period, i64::from(limit) + 1).await;
    let (loads, next_cursor) = page::of(loads.map_err(refusal::of_store)?, limit, position);
    Ok(Json(Page { loads: loads.into_iter().map(Load::from).collect(), next_cursor }))
}

fn position(load: &LoadRecord) -> Position {
    Position { at: load.created_at, id: load.id }
}
