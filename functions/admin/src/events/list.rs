use std::fmt::Display;
use std::str::FromStr;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use door::openapi::Refusals;
use event::{EventId, EventType};
use serde::{Deserialize, Serialize};
use service::Problem;
use store::Filter;
use utoipa::{IntoParams, ToSchema};

use super::{Event, status_schema, time};
use crate::openapi::Invalid;
use crate::{Admin, page, refusal};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Search {
    #[param(schema_with = status_schema, required = false)]
    status: Option<String>,
    #[param(min_length = 1, max_length = 100)]
    event_type: Option<String>,
    /// From this time on
    #[param(format = DateTime)]
    since: Option<String>,
    /// Before this time
    #[param(format = DateTime)]
    until: Option<String>,
    /// The `nextCursor` of the page before
    #[param(format = "uuid")]
    cursor: Option<String>,
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = EventPage)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    events: Vec<Event>,
    /// The `cursor` of the next page; null on the last one.
    #[schema(value_type = Option<String>, format = "uuid", required = true)]
    next_cursor: Option<EventId>,
}

impl Search {
    /// What is looked for, and how many of them a page has.
    pub(crate) fn asked(self) -> Result<(Filter, u32), Problem> {
        let limit = page::limit(self.limit.as_deref())?;
        let filter = Filter {
            status: parsed("status", self.status.as_deref())?,
            since: self.since.as_deref().map(|at| time("since", at)).transpose()?,
            until: self.until.as_deref().map(|at| time("until", at)).transpose()?,
            before: self.cursor.as_deref().map(cursor).transpose()?,
            event_type: self.event_type.map(event_type).transpose()?,
        };
        Ok((filter, limit))
    }
}

/// Search events, newest first
#[utoipa::path(
    get,
    path = "/admin/events",
    operation_id = "listEvents",
    tag = "events",
    params(Search),
    responses(
        Invalid,
        Refusals,
        (status = 200, body = Page, description = "A page of them"),
    ),
)]
pub(crate) async fn get(
    State(admin): State<Admin>,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(search) = search.map_err(|rejection| refusal::of_query(&rejection))?;
    let (filter, limit) = search.asked()?;
    let mut records = admin.store.list(filter, limit + 1).await.map_err(refusal::of_store)?;
    // One more than asked for tells whether there is a next page.
    let is_last = records.len() <= limit as usize;
    records.truncate(limit as usize);
    let next_cursor = records.last().map(|record| record.id).filter(|_| !is_last);
    Ok(Json(Page { events: records.into_iter().map(Event::from).collect(), next_cursor }))
}

fn parsed<T: FromStr<Err: Display>>(name: &'static str, text: Option<&str>) -> Result<Option<T>, Problem> {
    text.map(str::parse).transpose().map_err(|why| refusal::of_parameter(name, why))
}

fn event_type(text: String) -> Result<String, Problem> {
    let event_type = EventType::new(text).map_err(|why| refusal::of_parameter("eventType", why))?;
    Ok(event_type.as_str().to_owned())
}

fn cursor(text: &str) -> Result<EventId, Problem> {
    text.parse().map_err(|_| refusal::of_parameter("cursor", "must be a nextCursor of an earlier page"))
}
