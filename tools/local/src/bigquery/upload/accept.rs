//! Turns a complete upload into a job.

use std::fs::File;
use std::sync::Arc;

use super::session::{Session, Turn};
use crate::bigquery::catalog::{Catalog, Record};
use crate::bigquery::dataset::canonical_location;
use crate::bigquery::error::ApiError;
use crate::bigquery::job::{Job, JobReference};
use crate::bigquery::load;
use crate::bigquery::warehouse::Warehouse;

/// Runs to its end even if the client has disconnected, and keeps the turn until then. A job in the journal must also
/// be started, and the client's next request must not write its file.
pub(crate) async fn accept(
    warehouse: &Arc<Warehouse>,
    session: Session,
    turn: Turn,
) -> Result<Job, ApiError> {
    let warehouse = Arc::clone(warehouse);
    let accept = move || {
        let accepted = accept_blocking(&warehouse, &session);
        drop(turn);
        accepted
    };
    tokio::task::spawn_blocking(accept).await?
}

fn accept_blocking(warehouse: &Arc<Warehouse>, session: &Session) -> Result<Job, ApiError> {
    let file = File::open(warehouse.uploads.data(&session.id))?;
    file.sync_all()?;
    let input_bytes = file.metadata()?.len();
    let inserted = warehouse.transact_blocking(|catalog| {
        let job = new_job(catalog, session, input_bytes)?;
        Ok((vec![Record::Job(Box::new(job.clone()))], job))
    });
    match inserted {
        Ok(job) => {
            load::submit(warehouse, job.reference.key());
            Ok(job)
        }
        Err(refusal) => {
            if refusal.status.is_client_error() {
                warehouse.uploads.remove(&session.id)?;
            }
            Err(refusal)
        }
    }
}

fn new_job(catalog: &Catalog, session: &Session, input_bytes: u64) -> Result<Job, ApiError> {
    let mut configuration = session.request.configuration.clone();
    let requested = session.request.job_reference.clone();
    let table = &mut configuration.load.destination_table;
    if table.project_id.is_empty() {
        table.project_id.clone_from(&session.project);
    }
    let dataset = catalog.dataset(&table.dataset())?;
    let location = requested.location.map(|name| canonical_location(&name));
    if let Some(location) = location.filter(|location| *location != dataset.location) {
        let what = format!("Dataset {} was not found in location {location}", table.dataset());
        return Err(ApiError::not_found(what));
    }
    let job_id = requested.job_id.unwrap_or_else(|| format!("job_{}", session.id.simple()));
    let reference =
        JobReference { project_id: session.project.clone(), job_id, location: dataset.location.clone() };
    // The ID of a job can never be used again, even if the job failed.
    if catalog.jobs.contains_key(&reference.key()) {
        let JobReference { project_id, job_id, location } = &reference;
        return Err(ApiError::duplicate(format_args!("Job {project_id}:{location}.{job_id}")));
    }
    Ok(Job {
        reference,
        configuration,
        upload: session.id,
        input_bytes,
        created_at: chrono::Utc::now().timestamp_millis(),
        started_at: None,
        ended: None,
    })
}
