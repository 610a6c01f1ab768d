use gcp::bigquery::{ListedJob, ListedState, Whose};
use store::JOB_PREFIX;

use crate::Flusher;
use crate::settle::Stop;

/// The number of jobs in a page, and the most pages that are read.
const PAGE: u32 = 50;
const PAGES: usize = 20;

impl Flusher {
    /// Stops if BigQuery knows jobs that the ledger does not know. A database that went back in time, or whose copy
    /// continues elsewhere, has forgotten such jobs, and would load their rows again. The newest jobs are enough: a
    /// ledger that knows a job knows all earlier jobs.
    pub(crate) async fn refuse_strangers(&self) -> Result<(), Stop> {
        let mut next: Option<String> = None;
        for _ in 0..PAGES {
            let page = self.bigquery.load_jobs(Whose::Ours, next.as_deref(), PAGE).await?;
            let ours =
                |job: &&ListedJob| job.job_id.starts_with(JOB_PREFIX) && job.state != ListedState::Failed;
            let jobs: Vec<_> = page.items.iter().filter(ours).collect();
            let names = jobs.iter().map(|job| job.job_id.clone()).collect();
            let unknown = self.store.unknown_load_jobs(names).await?;
            let newest = jobs.iter().find(|job| unknown.contains(&job.job_id));
            if let Some(newest) = newest {
                return Err(Stop::Strangers { found: describe(newest, unknown.len()) });
            }
            next = page.next;
            if !jobs.is_empty() || next.is_none() {
                break;
            }
        }
        Ok(())
    }
}

fn describe(job: &ListedJob, unknown: usize) -> String {
    let label = |name| job.labels.get(name).map_or("an unknown", String::as_str);
    format!(
        "it has {unknown} load jobs or more that the ledger lacks; the newest is {}, made by the cluster {} of events up to \
         transaction {}",
        job.job_id,
        label("eventflow_system"),
        label("eventflow_to_xid"),
    )
}
