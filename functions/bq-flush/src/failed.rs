//! The reason why a load job failed decides what follows.

use std::sync::PoisonError;

use gcp::bigquery::{self, JobError, Reason};
use store::{Cut, Numbers, PutOff};

use crate::marks;
use crate::settle::{Case, Settled, Stop};
use crate::{Flusher, json, refusal};

/// The reason that BigQuery gives for a job that needs too many resources.
const TOO_LARGE: &str = "resourcesExceeded";

/// Another form is tried with a whole range once it has helped this many rows.
const A_FEW: i64 = 3;

impl Flusher {
    pub(crate) async fn failed(
        &self,
        case: &Case,
        reason: Reason,
        message: String,
        errors: &[JobError],
    ) -> Result<Settled, Stop> {
        let job_id = case.load.job_id.clone();
        match reason {
            Reason::Invalid => self.invalid(case, message, errors).await,
            Reason::Quota | Reason::Backend => {
                tracing::warn!(job_id, ?reason, message, "the load job ended in error");
                self.put_off(case, format!("{reason:?}"), message, true).await?;
                Ok(Settled::NotNow)
            }
            Reason::Other(word) if word == TOO_LARGE && case.load.rows > 1 => {
                tracing::warn!(job_id, rows = case.load.rows, message, "the load is too large for BigQuery");
                self.cut(case, message).await
            }
            // A person must act. Until then the load is tried again from time to time.
            reason => {
                self.put_off(case, format!("{reason:?}"), message.clone(), true).await?;
                Err(Stop::JobFailed { job_id, reason, message })
            }
        }
    }

    /// BigQuery refused the upload, so there is no job, and the next try can use the same name.
    pub(crate) async fn refused(&self, case: &Case, reason: Reason, message: String) -> Result<(), Stop> {
        let job_id = case.load.job_id.clone();
        self.put_off(case, format!("{reason:?}"), message.clone(), false).await?;
        match reason {
            Reason::Quota | Reason::Backend => {
                tracing::warn!(job_id, ?reason, message, "BigQuery refused the load");
                Ok(())
            }
            reason => Err(Stop::JobFailed { job_id, reason, message }),
        }
    }

    /// At least one row of the range does not fit, unless the table itself is wrong.
    async fn invalid(&self, case: &Case, message: String, errors: &[JobError]) -> Result<Settled, Stop> {
        let Case { load, lease, .. } = case;
        if let Err(error @ bigquery::Error::Schema { .. }) = self.bigquery.ensure_table().await {
            self.put_off(case, "Schema".into(), error.to_string(), true).await?;
            return Err(error.into());
        }
        // The first error is a summary. The last one tells what is wrong with the row, and quotes from it.
        let why = errors.last().map_or(message.clone(), |error| error.message.clone());
        tracing::warn!(job_id = load.job_id, rows = load.rows, message, "rows do not fit into the table");
        let kind = refusal::kind(&why);
        if let Some(form) = self.other_form(case, &kind).await? {
            let reformed = self.store.reform_load(*lease, load, form, kind, why).await?;
            return reformed.map(Settled::Again).ok_or(Stop::LeaseLost);
        }
        let is_done = if load.rows == 1 {
            self.store.reject_load(*lease, load, why).await?
        } else {
            let cuts = self.cuts(case, errors).await?;
            self.store.split_load(*lease, load, &cuts, Cut::Search { why }).await?
        };
        match (is_done, load.rows) {
            (false, _) => Err(Stop::LeaseLost),
            (true, 1) => Ok(Settled::Rejected),
            (true, _) => Ok(Settled::NotNow),
        }
    }

    /// Chooses another form for the numbers. A row that is refused alone is tried once more in each form that changes
    /// it, because BigQuery's messages about wrong numbers are not documented. A larger range takes a form that has
    /// helped against the same refusal a few times within a day, because the search for each such row would use up the
    /// jobs of the day.
    async fn other_form(&self, case: &Case, kind: &str) -> Result<Option<Numbers>, Stop> {
        let load = &case.load;
        if load.rows == 1 {
            let page = self.store.load_page(load, load.from(), 1).await?;
            let Some(row) = page.rows().next().transpose()? else { return Ok(None) };
            let texts = [Some(row.payload), row.metadata];
            return Ok(texts
                .into_iter()
                .flatten()
                .filter_map(|text| json::next_form(text, load.numbers))
                .min());
        }
        let cured = self.store.cured_loads(kind.to_owned()).await?;
        let forms = cured.into_iter().filter(|(form, loads)| *form > load.numbers && *loads >= A_FEW);
        Ok(forms.map(|(form, _)| form).min())
    }

    /// Cuts around the row that BigQuery names, if this process knows its place, and otherwise in the middle. The name
    /// is only a hint: a row is rejected only if it failed alone.
    async fn cuts(&self, case: &Case, errors: &[JobError]) -> Result<Vec<store::Place>, Stop> {
        let position = errors.iter().find_map(|error| marks::position(&error.message));
        let around = position.map(|at| {
            let marks = case.marks.lock().unwrap_or_else(PoisonError::into_inner);
            marks.around(at)
        });
        match around {
            Some(cuts) if !cuts.is_empty() => Ok(cuts),
            _ => Ok(self.store.middle_of_load(&case.load).await?.into_iter().collect()),
        }
    }

    pub(crate) async fn put_off(
        &self,
        case: &Case,
        reason: String,
        message: String,
        job_over: bool,
    ) -> Result<(), Stop> {
        let (first_wait, longest_wait) = (self.settings.first_wait, self.settings.longest_wait);
        let why = PutOff { reason, message, job_over, first_wait, longest_wait };
        let is_noted = self.store.put_off_load(case.lease, &case.load, why).await?;
        is_noted.then_some(()).ok_or(Stop::LeaseLost)
    }
}
