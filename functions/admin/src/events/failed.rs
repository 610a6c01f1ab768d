use axum::extract::State;
use axum::response::Response;
use door::openapi::Refusals;
use serde::{Deserialize, Serialize};
use service::{Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::Listed;
use crate::openapi::Invalid;
use crate::page::{Numbered, Pagination};
use crate::{Admin, answer, refusal};

/// The last page that can be requested. The database passes over the rows before a page one by one.
const LAST_PAGE: u32 = 500;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    /// From 1. Older events are found by `GET /admin/events?status=DEAD_LETTER` (or `FAILED`) and its `cursor`.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500)]
    page: Option<String>,
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
}

impl Search {
    pub(crate) fn asked(&self) -> Result<Pagination, Problem> {
        let elsewhere =
            "; GET /admin/events?status=DEAD_LETTER (or FAILED) goes on from any event, by its cursor";
        Pagination::asked(
            self.page.as_deref(),
            self.limit.as_deref(),
            Numbered { last: LAST_PAGE, elsewhere },
        )
    }
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "a page is written as it is sent")]
#[schema(as = FailedEvents)]
pub(crate) struct Failed {
    events: Vec<Listed>,
    pagination: Pagination,
}

/// List FAILED and DEAD_LETTER events, newest first
#[utoipa::path(
    get,
    path = "/admin/events/failed",
    operation_id = "listFailedEvents",
    tag = "events",
    params(Search),
    responses(
        Invalid,
        Refusals,
        (status = 200, body = Failed, description = "A page of events"),
    ),
)]
pub(crate) async fn get(
    State(admin): State<Admin>,
    Query(search): Query<Search>,
) -> Result<Response, Problem> {
    let asked = search.asked()?;
    let (records, total) =
        admin.store.failed(asked.offset(), asked.limit()).await.map_err(refusal::of_store)?;
    let events: Vec<_> = records.into_iter().map(Listed::try_from).collect::<Result<_, _>>()?;
    answer::list("events", events, &Rest { pagination: asked.of(total) })
}

/// The members after the events.
#[derive(Serialize)]
struct Rest {
    pagination: Pagination,
}
