use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use door::openapi::Refusals;
use service::Problem;
use store::{Error, FlusherLease, Ground, Load, Turn};
use tokio::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

use crate::answer::{Flushed, LoadDone};
use crate::settle::{Settled, Stop};
use crate::{Flusher, Settings};

/// Load new events into BigQuery
#[utoipa::path(
    post,
    path = "/flush",
    operation_id = "flush",
    tag = "scheduler",
    responses(
        Refusals,
        (status = 200, body = Flushed, description = "The loaded rows, and what is left"),
        (status = 409, description = "The database and BigQuery do not belong together: the detail says what to do"),
        (status = 502, description = "BigQuery refused the load, or did not complete it"),
    ),
)]
pub(crate) async fn post(State(flusher): State<Arc<Flusher>>) -> Result<Json<Flushed>, Problem> {
    // The flush runs to its end in its own task, because a caller that goes away must not leave a lease behind.
    let flush = flush(flusher.clone()).in_current_span();
    let done =
        flusher.flushes.spawn(flush).await.map_err(Problem::internal)?.map_err(|stop| stopped(&stop))?;
    if done.rows > 0 || done.rejected > 0 || done.unloaded_rows > 0 {
        tracing::info!(
            rows = done.rows,
            bytes = done.bytes,
            loads = done.loads.len(),
            rounded = done.rounded,
            rejected = done.rejected,
            jobs_left_today = done.jobs_left_today,
            unloaded_rows = done.unloaded_rows,
            longest_wait = done.longest_wait,
            "flushed"
        );
    }
    Ok(Json(done))
}

async fn flush(flusher: Arc<Flusher>) -> Result<Flushed, Stop> {
    let lease = FlusherLease { holder: Uuid::new_v4(), lasts: flusher.settings.lease };
    if !flusher.store.hold_flusher_lease(lease).await? {
        return Ok(Flushed { busy: true, ..flusher.left().await? });
    }
    let work = flusher.clone().work(lease).await;
    flusher.store.release_flusher_lease(lease).await?;
    let Work { loads, rejected, no_room, .. } = work?;
    let left = flusher.left().await?;
    let waiting = match no_room {
        Some(most) => Some(flusher.no_room(most).await?),
        None => left.waiting,
    };
    Ok(Flushed {
        waiting,
        rows: loads.iter().map(|load| load.rows).sum(),
        bytes: loads.iter().map(|load| load.bytes).sum(),
        rounded: loads.iter().map(|load| load.rounded).sum(),
        loads,
        rejected,
        ..left
    })
}

/// The progress of a flush.
#[derive(Default)]
struct Work {
    turn: Turn,
    /// Every event that had settled at the start is in a range.
    all_closed: bool,
    loads: Vec<LoadDone>,
    rejected: i64,
    no_room: Option<u32>,
}

impl Flusher {
    /// Settles one range after the other, each once, until nothing is left or the time is over.
    async fn work(self: Arc<Self>, lease: FlusherLease) -> Result<Work, Stop> {
        let deadline = Instant::now() + self.settings.limit;
        let ground = self.store.load_ground().await?;
        let mut work = Work::default();
        let mut are_ours = false;
        while Instant::now() < deadline && !self.shutdown.is_requested() {
            let Some((load, is_new)) = self.next(lease, ground, &mut work).await? else { break };
            if !are_ours {
                self.refuse_strangers().await?;
                are_ours = true;
            }
            let mut settled = self.clone().settle(load, is_new, lease, ground, deadline).await?;
            while let Settled::Again(load) = settled {
                settled = self.clone().settle(load, true, lease, ground, deadline).await?;
            }
            match settled {
                Settled::Loaded(done) => work.loads.push(done),
                Settled::Rejected => work.rejected += 1,
                Settled::NotNow | Settled::Again(_) => {}
                // The ranges that follow have no more room than this one.
                Settled::NoRoom { most } => {
                    work.no_room = Some(most);
                    break;
                }
            }
        }
        Ok(work)
    }

    /// Returns the open ranges first, then the new ones, and then the parts of split ranges.
    async fn next(
        &self,
        lease: FlusherLease,
        ground: Ground,
        work: &mut Work,
    ) -> Result<Option<(Load, bool)>, Error> {
        let open = self.store.next_load(work.turn).await?;
        if let Some(load) = open.clone().filter(|load| !load.is_part()) {
            work.turn = Turn::after(&load);
            return Ok(Some((load, false)));
        }
        if !work.all_closed
            && let Some(load) = self.close(lease, ground, work).await?
        {
            work.turn = Turn::after(&load);
            return Ok(Some((load, true)));
        }
        work.turn = open.as_ref().map_or(work.turn, Turn::after);
        Ok(open.map(|load| (load, false)))
    }

    /// Closes a new range. Events that settle during a flush are left to the next one, because load jobs are limited.
    async fn close(
        &self,
        lease: FlusherLease,
        ground: Ground,
        work: &mut Work,
    ) -> Result<Option<Load>, Error> {
        let Settings { rows_per_load, bytes_per_load, numbers, .. } = self.settings;
        if let Some(range) =
            self.store.close_range(lease, ground.settled, rows_per_load, bytes_per_load, numbers).await?
        {
            return Ok(Some(range));
        }
        work.all_closed = true;
        self.store.take_up_rejects(lease, numbers).await
    }
}

fn stopped(stop: &Stop) -> Problem {
    tracing::error!(%stop, "the flush stopped");
    match stop {
        Stop::Store(Error::Unavailable(_)) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the database is not available")
        }
        Stop::Store(Error::Foreign(why)) => Problem::new(StatusCode::CONFLICT, why.clone()),
        Stop::Store(error) => Problem::internal(error.to_string()),
        Stop::Strangers { .. } => Problem::new(StatusCode::CONFLICT, stop.to_string()),
        // A caller of this endpoint may see the message of BigQuery.
        _ => Problem::new(StatusCode::BAD_GATEWAY, stop.to_string()),
    }
}
