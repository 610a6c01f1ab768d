//! Cuts a range that cannot be uploaded within a flush's limit, because it would start over forever. New ranges become
//! smaller.

use std::sync::Arc;

use futures::stream;
use store::{Cut, Ground};
use tokio::time::Instant;

use crate::Flusher;
use crate::settle::{Case, Made, Settled, Stop};

/// The number of uploads of a range that may fail before the range is cut.
const TRIES: i32 = 2;

impl Case {
    fn is_too_large(&self) -> bool {
        self.load.rows > 1 && self.load.uploads >= TRIES
    }
}

impl Flusher {
    /// Uploads the range. If that was tried often enough, it makes sure instead that no upload can load the range any
    /// more.
    pub(crate) async fn make_or_end(
        self: Arc<Self>,
        case: &Case,
        ground: Ground,
        deadline: Instant,
    ) -> Result<Made, Stop> {
        if case.is_too_large() {
            self.make_empty(case, ground, deadline).await
        } else {
            self.make(case, ground, deadline).await
        }
    }

    /// Makes the job without any row. BigQuery makes a job of a name only once. So a frozen flusher that still uploads
    /// into this job can load nothing with it any more. If that flusher has already loaded the rows, the job shows it.
    async fn make_empty(&self, case: &Case, ground: Ground, deadline: Instant) -> Result<Made, Stop> {
        let (job_id, rows) = (&case.load.job_id, case.load.rows);
        tracing::warn!(job_id, rows, "the upload did not end within the limit; the range is cut");
        let made = self.upload(case, ground, deadline, stream::empty()).await?;
        service::fault::point("after-empty-job");
        Ok(made)
    }

    /// The job is over and has loaded nothing, so other jobs may load its rows.
    pub(crate) async fn ended_empty(&self, case: &Case) -> Result<Settled, Stop> {
        if case.is_too_large() {
            let why = format!("{} uploads did not end within the limit", case.load.uploads);
            return self.cut(case, why).await;
        }
        // An adoption that was interrupted can leave such a job.
        self.put_off(case, "Empty".into(), "the job was made without rows".into(), true).await?;
        Ok(Settled::NotNow)
    }

    /// Cuts a range in the middle, once its job is over.
    pub(crate) async fn cut(&self, case: &Case, why: String) -> Result<Settled, Stop> {
        let Case { load, lease, .. } = case;
        let cuts: Vec<_> = self.store.middle_of_load(load).await?.into_iter().collect();
        let is_cut = self.store.split_load(*lease, load, &cuts, Cut::TooLarge { why }).await?;
        is_cut.then_some(Settled::NotNow).ok_or(Stop::LeaseLost)
    }
}
