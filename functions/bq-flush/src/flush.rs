use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::SecondsFormat;
use serde::Serialize;
use service::Problem;
use store::{Error, FlusherLease};
use tokio::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

use crate::Flusher;
use crate::settle::{Settled, Stop};

/// What a flush did, and what is left.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Flushed {
    /// Another flusher is at work; this one did nothing.
    busy: bool,
    rows: i64,
    bytes: i64,
    loads: Vec<LoadDone>,
    unloaded_rows: i64,
    oldest_unloaded: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoadDone {
    job_id: String,
    rows: i64,
    bytes: i64,
}

/// `POST /flush`
pub(crate) async fn post(State(flusher): State<Arc<Flusher>>) -> Result<Json<Flushed>, Problem> {
    // To its end in a task of its own: a caller that goes away must not leave a lease behind.
    let flush = flush(flusher.clone()).in_current_span();
    let done =
        flusher.flushes.spawn(flush).await.map_err(Problem::internal)?.map_err(|stop| stopped(&stop))?;
    if done.rows > 0 {
        tracing::info!(
            rows = done.rows,
            bytes = done.bytes,
            loads = done.loads.len(),
            "loaded into BigQuery"
        );
    }
    Ok(Json(done))
}

async fn flush(flusher: Arc<Flusher>) -> Result<Flushed, Stop> {
    let lease = FlusherLease { holder: Uuid::new_v4(), lasts: flusher.settings.lease };
    if !flusher.store.hold_flusher_lease(lease).await? {
        return Ok(Flushed { busy: true, ..flusher.left().await? });
    }
    let loads = flusher.clone().work(lease).await;
    flusher.store.release_flusher_lease(lease).await?;
    let loads = loads?;
    Ok(Flushed {
        rows: loads.iter().map(|load| load.rows).sum(),
        bytes: loads.iter().map(|load| load.bytes).sum(),
        loads,
        ..flusher.left().await?
    })
}

impl Flusher {
    /// Range after range, until nothing is left or the time is over.
    async fn work(self: Arc<Self>, lease: FlusherLease) -> Result<Vec<LoadDone>, Stop> {
        let deadline = Instant::now() + self.settings.limit;
        let mut done = Vec::new();
        while Instant::now() < deadline && !self.shutdown.is_requested() {
            let (load, is_new) = match self.store.open_load().await? {
                Some(load) => (load, false),
                None => match self.store.close_range(lease, job_id(), self.settings.rows_per_load).await? {
                    Some(load) => (load, true),
                    None => break,
                },
            };
            match self.clone().settle(&load, is_new, lease, deadline).await? {
                Settled::Loaded { bytes } => {
                    done.push(LoadDone { job_id: load.job_id, rows: load.rows, bytes });
                }
                Settled::NotYet => break,
            }
        }
        Ok(done)
    }

    async fn left(&self) -> Result<Flushed, Error> {
        let unloaded = self.store.unloaded().await?;
        let oldest = unloaded.oldest.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true));
        Ok(Flushed { unloaded_rows: unloaded.rows, oldest_unloaded: oldest, ..Flushed::default() })
    }
}

/// Random, since numbers of a restored or second database would meet those of an old job.
pub(crate) fn job_id() -> String {
    format!("eventflow_{}", Uuid::new_v4().simple())
}

fn stopped(stop: &Stop) -> Problem {
    tracing::error!(%stop, "the flush stopped");
    match stop {
        Stop::Store(Error::Unavailable(_)) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the database is not available")
        }
        Stop::Store(Error::Foreign(why)) => Problem::new(StatusCode::CONFLICT, why.clone()),
        Stop::Store(error) => Problem::internal(error.to_string()),
        // Whoever may call this may know what BigQuery said.
        _ => Problem::new(StatusCode::BAD_GATEWAY, stop.to_string()),
    }
}
