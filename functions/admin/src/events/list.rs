use axum::extract::State;
use axum::response::Response;
use door::openapi::Refusals;
use event::{EventId, EventType};
use serde::{Deserialize, Serialize};
use service::{Problem, Query};
use store::Filter;
use utoipa::{IntoParams, ToSchema};

use super::{Listed, status_schema};
use crate::openapi::Invalid;
use crate::{Admin, answer, page, refusal};

/// A page ends early if it would be larger.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

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
    /// The `nextCursor` of the previous page
    #[param(format = "uuid")]
    cursor: Option<String>,
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "a page is written as it is sent")]
#[schema(as = EventPage, rename_all = "camelCase")]
pub(crate) struct Page {
    events: Vec<Listed>,
    /// The `cursor` of the next page; null on the last one. A page has fewer events than `limit` if it would be larger
    /// than 4 MiB.
    #[schema(value_type = Option<String>, format = "uuid", required = true)]
    next_cursor: Option<EventId>,
}

impl Search {
    /// Returns the filter, and the number of events in a page.
    pub(crate) fn asked(self) -> Result<(Filter, u32), Problem> {
        let limit = page::limit(self.limit.as_deref())?;
        let filter = Filter {
            status: page::parsed("status", self.status.as_deref())?,
            since: page::moment("since", self.since.as_deref())?,
            until: page::moment("until", self.until.as_deref())?,
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
        (status = 200, body = Page, description = "A page of events"),
    ),
)]
pub(crate) async fn get(
    State(admin): State<Admin>,
    Query(search): Query<Search>,
) -> Result<Response, Problem> {
    let (filter, limit) = search.asked()?;
    let mut records = admin.store.list(filter, limit + 1).await.map_err(refusal::of_store)?;
    // One event more than requested tells whether there is a next page.
    let is_last = records.len() <= limit as usize;
    records.truncate(limit as usize);
    let (records, is_whole) = fitting(records);
    let next_cursor = records.last().map(|record| record.id).filter(|_| !(is_last && is_whole));
    let events: Vec<_> = records.into_iter().map(Listed::try_from).collect::<Result<_, _>>()?;
    answer::list("events", events, &Rest { next_cursor })
}

/// The members after the events.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rest {
    next_cursor: Option<EventId>,
}

/// Returns as many records as fit into a page, but at least one, and whether these are all of them.
fn fitting(mut records: Vec<store::Listed>) -> (Vec<store::Listed>, bool) {
    let mut bytes = 0;
    let fits = |record: &store::Listed| {
        bytes += size(record);
        bytes <= PAGE_BYTES
    };
    let fitting = records.iter().map(fits).take_while(|fits| *fits).count().max(1);
    let is_whole = fitting >= records.len();
    records.truncate(fitting);
    (records, is_whole)
}

/// The last term bounds the size of all members that are not text.
fn size(record: &store::Listed) -> usize {
    let metadata = record.metadata.as_ref().map_or(0, |metadata| metadata.text().len());
    let reason = record.failure_reason.as_ref().map_or(0, String::len);
    record.payload.text().len() + metadata + reason + record.event_type.len() + 400
}

fn event_type(text: String) -> Result<String, Problem> {
    let event_type = EventType::new(text).map_err(|why| refusal::of_parameter("eventType", why))?;
    Ok(event_type.as_str().to_owned())
}

fn cursor(text: &str) -> Result<EventId, Problem> {
    text.parse().map_err(|_| page::no_cursor())
}
