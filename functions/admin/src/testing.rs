//! The parsers of the list queries, as functions of the query alone, for a fuzzer.

use axum::http::Uri;
use serde::de::DeserializeOwned;
use service::{Problem, Query};
use store::{Filter, LoadStatus, Period};

use crate::{audit, events, loads, unreadable};

/// `GET /admin/events`: the filter, and the number of events in a page.
pub fn events(uri: &Uri) -> Result<(Filter, u32), Problem> {
    search::<events::list::Search>(uri)?.asked()
}

/// `GET /admin/events/failed`: the number of events before the page, and the number in it.
pub fn failed(uri: &Uri) -> Result<(i64, i64), Problem> {
    let asked = search::<events::failed::Search>(uri)?.asked()?;
    Ok((asked.offset(), asked.limit()))
}

/// `GET /admin/audit`: the entry before which the page begins, and the number of entries.
pub fn audit(uri: &Uri) -> Result<(Option<i64>, u32), Problem> {
    search::<audit::Search>(uri)?.asked()
}

/// `GET /admin/unreadable`: the period, and the number of messages in a page.
pub fn unreadable(uri: &Uri) -> Result<(Period, u32), Problem> {
    search::<unreadable::list::Search>(uri)?.asked()
}

/// `GET /admin/loads`: the filter, and the number of loads in a page.
pub fn loads(uri: &Uri) -> Result<(Option<LoadStatus>, Period, u32), Problem> {
    search::<loads::list::Search>(uri)?.asked()
}

fn search<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    Query::of(uri).map(|Query(search)| search)
}
