//! What the lists are asked for, as functions of the query alone: for a fuzzer.

use axum::http::Uri;
use serde::de::DeserializeOwned;
use service::{Problem, Query};
use store::{Filter, LoadStatus, Period};

use crate::{audit, events, loads, unreadable};

/// `GET /admin/events`: the filter, and how many events a page has.
pub fn events(uri: &Uri) -> Result<(Filter, u32), Problem> {
    search::<events::list::Search>(uri)?.asked()
}

/// `GET /admin/events/failed`: how many events are passed over, and how many follow.
pub fn failed(uri: &Uri) -> Result<(i64, i64), Problem> {
    let asked = search::<events::failed::Search>(uri)?.asked()?;
    Ok((asked.offset(), asked.limit()))
}

/// `GET /admin/audit`: the entry before which it begins, and how many follow.
pub fn audit(uri: &Uri) -> Result<(Option<i64>, u32), Problem> {
    search::<audit::Search>(uri)?.asked()
}

/// `GET /admin/unreadable`: the messages, and how many of them a page has.
pub fn unreadable(uri: &Uri) -> Result<(Period, u32), Problem> {
    search::<unreadable::list::Search>(uri)?.asked()
}

/// `GET /admin/loads`: the loads, and how many of them a page has.
pub fn loads(uri: &Uri) -> Result<(Option<LoadStatus>, Period, u32), Problem> {
    search::<loads::list::Search>(uri)?.asked()
}

fn search<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    Query::of(uri).map(|Query(search)| search)
}
