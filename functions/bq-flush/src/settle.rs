use std::sync::Arc;

use gcp::bigquery::{self, Job, LoadError, Reason};
use store::{Error, FlusherLease, Load};
use tokio::time::{Instant, sleep};

use crate::Flusher;
use crate::flush::job_id;
use crate::rows;

pub(crate) enum Settled {
    Loaded {
        bytes: i64,
    },
    /// The next flush asks about the same job.
    NotYet,
}

/// Why a flush goes no further. What it was about is in the ledger, and the next flush begins there.
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
}

impl Flusher {
    /// Brings one range to its end: asks about its job, makes it where BigQuery knows nothing of it, and waits.
    pub(crate) async fn settle(
        self: Arc<Self>,
        load: &Load,
        is_new: bool,
        lease: FlusherLease,
        deadline: Instant,
    ) -> Result<Settled, Stop> {
        self.ensure_table().await?;
        let mut job = if is_new { Job::Unknown } else { self.bigquery.job(&load.job_id).await? };
        loop {
            match job {
                Job::Unknown => self.clone().upload(load, lease).await?,
                Job::Running => sleep(self.settings.poll).await,
                Job::Done { output_rows, output_bytes } => {
                    return self.loaded(load, output_rows, output_bytes).await;
                }
                Job::Failed { reason, message, .. } => {
                    return Err(self.failed(load, reason, message).await?);
                }
            }
            if Instant::now() >= deadline || self.shutdown.is_requested() {
                return Ok(Settled::NotYet);
            }
            if !self.store.hold_flusher_lease(lease).await? {
                return Err(Stop::LeaseLost);
            }
            job = self.bigquery.job(&load.job_id).await?;
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

    /// A job of this name that is there already is as good: the name was made for this range alone.
    async fn upload(self: Arc<Self>, load: &Load, lease: FlusherLease) -> Result<(), Stop> {
        let last = load.to.0.to_string();
        let rows = rows::of(self.clone(), lease, load);
        match self.bigquery.load(&load.job_id, &[("eventflow_to_xid", &last)], rows).await {
            Ok(_) => Ok(()),
            Err(error) => {
                self.store.note_load_failure(load, None, error.to_string()).await?;
                Err(Stop::Upload(error))
            }
        }
    }

    async fn loaded(&self, load: &Load, written: u64, bytes: u64) -> Result<Settled, Stop> {
        if i64::try_from(written) != Ok(load.rows) {
            let job_id = load.job_id.clone();
            return Err(Stop::Miscounted { job_id, written, expected: load.rows });
        }
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        if !self.store.mark_loaded(load, bytes).await? {
            return Err(Stop::LeaseLost);
        }
        Ok(Settled::Loaded { bytes })
    }

    /// Its end in error was seen, so it can load nothing any more, and the range gets a job of a new name.
    async fn failed(&self, load: &Load, reason: Reason, message: String) -> Result<Stop, Stop> {
        self.store.note_load_failure(load, Some(job_id()), message.clone()).await?;
        Ok(Stop::JobFailed { job_id: load.job_id.clone(), reason, message })
    }
}
