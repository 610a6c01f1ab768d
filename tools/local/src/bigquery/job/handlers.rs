//! `jobs.get` and `jobs.list`.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Job, resource};
use crate::bigquery::dataset::{canonical_location, is_multi_region};
use crate::bigquery::error::ApiError;
use crate::bigquery::reference::JobKey;
use crate::bigquery::warehouse::Warehouse;

#[derive(Deserialize)]
pub(crate) struct GetQuery {
    location: Option<String>,
}

/// Without a location only the two multi-regions are searched.
pub(crate) async fn get(
    State(warehouse): State<Arc<Warehouse>>,
    Path(key): Path<JobKey>,
    query: Result<Query<GetQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let location = query?.0.location.map(|name| canonical_location(&name));
    let catalog = warehouse.read();
    let searched = |job: &&Job| match &location {
        Some(location) => *location == job.reference.location,
        None => is_multi_region(&job.reference.location),
    };
    match catalog.jobs.get(&key).filter(searched) {
        Some(job) => Ok(Json(resource(job))),
        None => Err(ApiError::not_found(format_args!("Job {key}"))),
    }
}

/// Rows come only by upload, because the stand-in has no bucket to load from and no SQL.
pub(crate) async fn insert() -> ApiError {
    let message = "This stand-in takes load jobs with their rows, by upload, and no others";
    ApiError::new(StatusCode::NOT_IMPLEMENTED, "notImplemented", message)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListQuery {
    max_results: usize,
    page_token: Option<String>,
    state_filter: Option<String>,
    projection: Option<String>,
    min_creation_time: i64,
    max_creation_time: i64,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            max_results: 50,
            page_token: None,
            state_filter: None,
            projection: None,
            min_creation_time: i64::MIN,
            max_creation_time: i64::MAX,
        }
    }
}

impl ListQuery {
    fn wants(&self, job: &Job) -> bool {
        let state = self.state_filter.as_deref();
        state.is_none_or(|state| state.eq_ignore_ascii_case(job.state()))
            && (self.min_creation_time..=self.max_creation_time).contains(&job.created_at)
    }
}

/// Lists the jobs of all locations, newest first.
pub(crate) async fn list(
    State(warehouse): State<Arc<Warehouse>>,
    Path(project): Path<String>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let Query(query) = query?;
    let before = query.page_token.as_deref().map(parse_token).transpose()?;
    let catalog = warehouse.read();
    let mut jobs: Vec<&Job> = catalog
        .jobs
        .values()
        .filter(|job| job.reference.project_id == project && query.wants(job))
        .filter(|job| before.is_none_or(|before| position(job) < before))
        .collect();
    jobs.sort_unstable_by_key(|job| std::cmp::Reverse(position(job)));
    let more = jobs.len() > query.max_results;
    jobs.truncate(query.max_results);
    let next = jobs.last().filter(|_| more).map(|job| token(job));
    let full = query.projection.is_some_and(|p| p.eq_ignore_ascii_case("full"));
    let jobs: Vec<Value> = jobs.into_iter().map(|job| list_item(job, full)).collect();
    Ok(Json(json!({"kind": "bigquery#jobList", "jobs": jobs, "nextPageToken": next})))
}

/// A position in the list that new jobs do not move.
fn position(job: &Job) -> (i64, &str) {
    (job.created_at, &job.reference.job_id)
}

fn token(job: &Job) -> String {
    format!("{}.{}", job.created_at, job.reference.job_id)
}

fn parse_token(token: &str) -> Result<(i64, &str), ApiError> {
    let invalid = || ApiError::invalid(format!("Invalid value for pageToken: \"{token}\""));
    let (created_at, job_id) = token.split_once('.').ok_or_else(invalid)?;
    Ok((created_at.parse().map_err(|_| invalid())?, job_id))
}

/// Only the full projection shows the configuration, and with it the labels.
fn list_item(job: &Job, full: bool) -> Value {
    let mut item = resource(job);
    item["state"] = item["status"]["state"].clone();
    if let Some(error) = item["status"].get("errorResult").cloned() {
        item["errorResult"] = error;
    }
    if let Some(members) = item.as_object_mut().filter(|_| !full) {
        members.remove("configuration");
    }
    item
}
