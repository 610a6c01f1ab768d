use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use gcp::bigquery::{self, Job, LoadError, Reason};
use service::BoxError;
use store::{Begun, Error, FlusherLease, Ground, Load};
use tokio::time::{Instant, sleep, timeout_at};

use crate::Flusher;
use crate::answer::LoadDone;
use crate::marks::Marks;
use crate::rows;

/// The first pause before a running job is asked about again. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(30);

/// An upload that fails within this fraction of a flush's limit was not slow.
const QUICK: u32 = 4;

pub(crate) enum Settled {
    Loaded(LoadDone),
    /// The only row of the range was rejected, and is stored among the rejects.
    Rejected,
    /// The range has another form, and a new job for it.
    Again(Load),
    /// The range is still in progress, waits for its next try, or was split; the ledger tells which.
    NotNow,
    /// The limit of load jobs within a day is reached.
    NoRoom {
        most: u32,
    },
}

pub(crate) enum Made {
    Yes,
    Later,
    NoRoom { most: u32 },
}

/// The reason why a flush stops. The state of its work is in the ledger, and the next flush begins there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error(transparent)]
    Store(#[from] Error),
    #[error(transparent)]
    BigQuery(#[from] bigquery::Error),
    #[error(transparent)]
    Upload(LoadError),
    #[error("the load job {job_id} ended in error ({reason:?}): {message}")]
    JobFailed { job_id: String, reason: Reason, message: String },
    #[error("the load job {job_id} wrote {written} rows of {expected}")]
    Miscounted { job_id: String, written: u64, expected: i64 },
    #[error("another flusher has taken over")]
    LeaseLost,
    #[error(
        "BigQuery knows more than this database does: {found}. Either this database went back in time, or another one loads into \
         the same table. `admin adopt` tells what to do"
    )]
    Strangers { found: String },
}

/// One range that is being loaded, and the positions of its rows that the upload has found.
pub(crate) struct Case {
    pub(crate) load: Load,
    pub(crate) lease: FlusherLease,
    pub(crate) marks: Arc<Mutex<Marks>>,
}

impl Flusher {
    /// Brings one range to its end: asks about its job, makes the job if BigQuery does not know it, and waits.
    pub(crate) async fn settle(
        self: Arc<Self>,
        load: Load,
        is_new: bool,
        lease: FlusherLease,
        ground: Ground,
        deadline: Instant,
    ) -> Result<Settled, Stop> {
        self.ensure_table().await?;
        let mut is_unknown = is_new;
        let mut load = load;
        if load.job_over {
            load = self.store.renew_load_job(lease, &load).await?.ok_or(Stop::LeaseLost)?;
            is_unknown = true;
        }
        let mut job = if is_unknown { Job::Unknown } else { self.bigquery.job(&load.job_id).await? };
        let case = Case { load, lease, marks: Arc::default() };
        // A job that takes BigQuery long leaves half of the time to the other ranges.
        let mut pause = FIRST_PAUSE.min(self.settings.poll);
        let patience = Instant::now() + deadline.saturating_duration_since(Instant::now()) / 2;
        loop {
            match job {
                Job::Unknown => match self.clone().make_or_end(&case, ground, deadline).await? {
                    Made::Yes => {}
                    Made::Later => return Ok(Settled::NotNow),
                    Made::NoRoom { most } => return Ok(Settled::NoRoom { most }),
                },
                Job::Running if Instant::now() >= patience => return Ok(Settled::NotNow),
                Job::Running => {
                    sleep(pause).await;
                    pause = (pause * 2).min(self.settings.poll);
                }
                Job::Done { output_rows, output_bytes } => {
                    return self.loaded(&case, output_rows, output_bytes).await;
                }
                Job::Failed { reason, message, errors } => {
                    return self.failed(&case, reason, message, &errors).await;
                }
            }
            if Instant::now() >= deadline || self.shutdown.is_requested() {
                return Ok(Settled::NotNow);
            }
            if !self.store.hold_flusher_lease(lease).await? {
                return Err(Stop::LeaseLost);
            }
            job = self.bigquery.job(&case.load.job_id).await?;
        }
    }

    async fn ensure_table(&self) -> Result<(), bigquery::Error> {
        self.table
            .get_or_try_init(|| async {
                let ensured = self.bigquery.ensure_table().await?;
                tracing::info!(?ensured, "the table in BigQuery");
                Ok(())
            })
            .await
            .copied()
    }

    /// Uploads the range into a job. An existing job of this name serves equally well, because the name was made for
    /// this range alone.
    pub(crate) async fn make(
        self: Arc<Self>,
        case: &Case,
        ground: Ground,
        deadline: Instant,
    ) -> Result<Made, Stop> {
        let Case { load, lease, marks } = case;
        let most = self.most_jobs(load);
        match self.store.begin_load_job(*lease, load, most).await? {
            Begun::Yes => {}
            Begun::NoRoom => return Ok(Made::NoRoom { most }),
            Begun::NotOurs => return Err(Stop::LeaseLost),
        }
        service::fault::point("after-ledger");
        let rows = rows::of(self.clone(), *lease, load, marks.clone());
        self.upload(case, ground, deadline, rows).await
    }

    pub(crate) async fn upload(
        &self,
        case: &Case,
        ground: Ground,
        deadline: Instant,
        rows: impl Stream<Item = Result<Bytes, BoxError>> + Send,
    ) -> Result<Made, Stop> {
        let Case { load, lease, .. } = case;
        // BigQuery takes lower case letters, digits, _ and - in a label.
        let (last, system) = (load.to_xid.0.to_string(), ground.system_identifier.to_string());
        let labels = [("eventflow_to_xid", last.as_str()), ("eventflow_system", system.as_str())];
        let begun = Instant::now();
        match timeout_at(deadline, self.bigquery.load(&load.job_id, &labels, rows)).await {
            Ok(Ok(_)) => {
                service::fault::point("after-upload");
                Ok(Made::Yes)
            }
            // Whether there is a job is for the next flush to ask.
            Err(_elapsed) => Ok(Made::Later),
            Ok(Err(LoadError::Refused { reason, message, .. })) => {
                self.store.forgive_upload(*lease, load).await?;
                self.refused(case, reason, message).await.map(|()| Made::Later)
            }
            Ok(Err(error)) => {
                if begun.elapsed() < self.settings.limit / QUICK {
                    self.store.forgive_upload(*lease, load).await?;
                }
                Err(Stop::Upload(error))
            }
        }
    }

    /// The search for rows that do not fit leaves half of the day's jobs to the other loads.
    fn most_jobs(&self, load: &Load) -> u32 {
        if load.is_part() { self.settings.jobs_a_day / 2 } else { self.settings.jobs_a_day }
    }

    async fn loaded(&self, case: &Case, written: u64, bytes: u64) -> Result<Settled, Stop> {
        let Case { load, lease, .. } = case;
        if written == 0 {
            return self.ended_empty(case).await;
        }
        if i64::try_from(written) != Ok(load.rows) {
            let stop = Stop::Miscounted { job_id: load.job_id.clone(), written, expected: load.rows };
            self.put_off(case, "Miscounted".into(), stop.to_string(), false).await?;
            return Err(stop);
        }
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let rounded = self.store.mark_loaded(*lease, load, bytes).await?.ok_or(Stop::LeaseLost)?;
        let (job_id, numbers) = (load.job_id.clone(), load.numbers.name());
        Ok(Settled::Loaded(LoadDone { job_id, rows: load.rows, bytes, numbers, rounded }))
    }
}
