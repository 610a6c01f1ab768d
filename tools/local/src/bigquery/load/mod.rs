//! Runs load jobs. A load is atomic: its rows lie in a file of their own, and one journal line both ends the job and
//! makes the file a part of the table. If the process is killed before that line, the job runs again after the
//! restart and makes a new file. If it is killed after that line, the job is done.

mod destination;
mod file;
mod numbers;
mod row;
mod surrogates;
pub(crate) mod timestamp;

use std::sync::Arc;
use std::time::Duration;

use destination::{Destination, Rules};
use file::Converted;
pub(crate) use file::Unfit;
pub(crate) use numbers::NumberRule;

use super::catalog::{Catalog, Record, RowFile};
use super::error::ApiError;
use super::job::{Ended, ErrorProto, Failure, Job, Loaded, Outcome};
use super::reference::JobKey;
use super::schema::Schema;
use super::warehouse::Warehouse;

/// A job stays pending and running for a time, so that every client has to poll more than once, as with `BigQuery`.
const PENDING: Duration = Duration::from_millis(20);
const RUNNING: Duration = Duration::from_millis(20);

/// Must be called within the runtime.
pub(crate) fn submit(warehouse: &Arc<Warehouse>, key: JobKey) {
    tokio::spawn(run(Arc::clone(warehouse), key));
}

async fn run(warehouse: Arc<Warehouse>, key: JobKey) {
    tokio::time::sleep(PENDING).await;
    warehouse.mark_running(&key);
    tokio::time::sleep(warehouse.faults.job_running().max(RUNNING)).await;
    let name = key.to_string();
    let ended = tokio::task::spawn_blocking(move || execute(&warehouse, &key)).await;
    if let Err(error) = ended.unwrap_or_else(|panic| Err(panic.into())) {
        tracing::error!(job = name, error = error.message, "job is stuck until a restart");
    }
}

fn execute(warehouse: &Warehouse, key: &JobKey) -> Result<(), ApiError> {
    let Some(job) = warehouse.read().jobs.get(key).cloned() else {
        return Err(ApiError::not_found(format_args!("Job {key}")));
    };
    let rules = Rules {
        loads_per_table_per_day: warehouse.loads_per_table_per_day(),
        denies_table: warehouse.faults.denies_table(),
    };
    let prepared = prepare(warehouse, &job, &rules);
    let upload = job.upload;
    warehouse.transact_blocking(|catalog| Ok((conclude(catalog, job, prepared, &rules), ())))?;
    Ok(warehouse.uploads.remove(&upload)?)
}

/// Rows that are durable but not yet a part of the table.
struct Prepared {
    file: RowFile,
    schema: Schema,
    bad_records: Vec<ErrorProto>,
}

fn prepare(warehouse: &Warehouse, job: &Job, rules: &Rules) -> Result<Prepared, Failure> {
    if let Some(error) = warehouse.faults.fail_job() {
        return Err(error.into());
    }
    let schema = destination::find(&warehouse.read(), job, rules)?.table.schema;
    let name = format!("{}.ndjson", uuid::Uuid::new_v4());
    let upload = warehouse.uploads.data(&job.upload);
    let row_file = warehouse.row_file(&name);
    let converted =
        file::convert(&upload, &row_file, &schema, &job.configuration.load, &warehouse.faults.unfit());
    let Converted { rows, bytes, bad_records } = converted.map_err(ApiError::from)??;
    warehouse.sync_rows_dir().map_err(ApiError::from)?;
    Ok(Prepared { file: RowFile { name, rows, bytes }, schema, bad_records })
}

/// The table may have been deleted or changed while the rows were read, so it is looked up again.
fn conclude(
    catalog: &Catalog,
    mut job: Job,
    prepared: Result<Prepared, Failure>,
    rules: &Rules,
) -> Vec<Record> {
    let mut records = Vec::new();
    let loaded = prepared.and_then(|prepared| {
        let Destination { table, is_changed } = destination::find(catalog, &job, rules)?;
        if table.schema != prepared.schema {
            let message = "The table's schema has changed during the load";
            return Err(ErrorProto::new("backendError", message).into());
        }
        if is_changed {
            records.push(Record::Table(table));
        }
        let Prepared { file, bad_records, .. } = prepared;
        Ok(Loaded { file, bad_records })
    });
    let outcome = loaded.map_or_else(Outcome::Failed, Outcome::Loaded);
    log(&job, &outcome);
    job.ended = Some(Ended { at: chrono::Utc::now().timestamp_millis(), outcome });
    records.push(Record::Job(Box::new(job)));
    records
}

fn log(job: &Job, outcome: &Outcome) {
    let table = &job.configuration.load.destination_table;
    let job = &job.reference.job_id;
    match outcome {
        Outcome::Loaded(loaded) => {
            tracing::info!(job, %table, rows = loaded.file.rows, "loaded");
        }
        Outcome::Failed(Failure { result, .. }) => {
            tracing::warn!(job, %table, reason = result.reason, "load failed: {}", result.message);
        }
    }
}
