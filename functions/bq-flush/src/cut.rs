//! A range that cannot be uploaded within a flush's limit would start over for ever. It is cut, and new ranges become smaller.

use std::sync::Arc;

use futures::stream;
use store::{Cut, Ground};
use tokio::time::Instant;

use crate::Flusher;
use crate::settle::{Case, Made, Settled, Stop};

/// So many uploads of a range may be in vain.
const TRIES: i32 = 2;

impl Case {
    fn is_too_large(&self) -> bool {
        self.load.rows > 1 && self.load.uploads >= TRIES
    }
}

impl Flusher {
    /// Uploads the range, or where that was tried often enough, sees to it that nobody can any more.
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

    /// Makes the job without any row. BigQuery makes a job of a name once: whoever still uploads into this one, a flusher that
    /// was frozen for one, can load nothing by it any more, or has by now, and then the job tells that.
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
        // Such as by an adoption that died.
        self.put_off(case, "Empty".into(), "the job was made without rows".into(), true).await?;
        Ok(Settled::NotNow)
    }

    /// Cuts a range in the middle whose job is over.
    pub(crate) async fn cut(&self, case: &Case, why: String) -> Result<Settled, Stop> {
        let Case { load, lease, .. } = case;
        let cuts: Vec<_> = self.store.middle_of_load(load).await?.into_iter().collect();
        let is_cut = self.store.split_load(*lease, load, &cuts, Cut::TooLarge { why }).await?;
        is_cut.then_some(Settled::NotNow).ok_or(Stop::LeaseLost)
    }
}
