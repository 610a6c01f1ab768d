//! The table that a job loads into, and the checks before the load.

use crate::bigquery::catalog::Catalog;
use crate::bigquery::error::ApiError;
use crate::bigquery::job::{CreateDisposition, ErrorProto, Failure, Job, Outcome, WriteDisposition};
use crate::bigquery::schema::Schema;
use crate::bigquery::table::{Table, creation_denied};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

pub(crate) struct Rules {
    pub(crate) loads_per_table_per_day: usize,
    pub(crate) denies_table: bool,
}

pub(crate) struct Destination {
    pub(crate) table: Table,
    /// The load creates the table or changes its schema, together with the rows.
    pub(crate) is_changed: bool,
}

pub(crate) fn find(catalog: &Catalog, job: &Job, rules: &Rules) -> Result<Destination, Failure> {
    let load = &job.configuration.load;
    let reference = &load.destination_table;
    catalog.dataset(&reference.dataset())?;
    if earlier_loads_today(catalog, job) >= rules.loads_per_table_per_day {
        return Err(quota_exceeded());
    }
    match catalog.tables.get(reference) {
        Some(table) => existing(catalog, job, table),
        None if load.create_disposition == CreateDisposition::Never => {
            Err(ApiError::not_found(format_args!("Table {reference}")).into())
        }
        None if rules.denies_table => Err(creation_denied(&reference.dataset()).into()),
        None => new_table(job),
    }
}

fn existing(catalog: &Catalog, job: &Job, table: &Table) -> Result<Destination, Failure> {
    let load = &job.configuration.load;
    let reference = &load.destination_table;
    let mut table = table.clone();
    match (load.write_disposition, &load.schema) {
        (WriteDisposition::Empty, _) if catalog.row_count(reference) > 0 => {
            Err(ApiError::duplicate(format_args!("Table {reference}")).into())
        }
        (WriteDisposition::Truncate, Some(schema)) => {
            table.schema = schema.clone();
            let is_changed = true;
            Ok(Destination { table, is_changed })
        }
        (_, Some(schema)) if !table.schema.has_all_of(schema) => Err(schema_mismatch(&table)),
        _ => with_columns(table, false),
    }
}

fn new_table(job: &Job) -> Result<Destination, Failure> {
    let load = &job.configuration.load;
    let table = Table {
        table_reference: load.destination_table.clone(),
        schema: load.schema.clone().unwrap_or_default(),
        time_partitioning: load.time_partitioning.clone(),
        clustering: load.clustering.clone(),
        friendly_name: None,
        description: None,
        labels: std::collections::BTreeMap::new(),
        created_at: chrono::Utc::now().timestamp_millis(),
    };
    table.check()?;
    with_columns(table, true)
}

fn with_columns(table: Table, is_changed: bool) -> Result<Destination, Failure> {
    if table.schema == Schema::default() {
        return Err(ErrorProto::new("invalid", "No schema specified on job or table.").into());
    }
    Ok(Destination { table, is_changed })
}

/// Failed loads count too, except those that the quota itself refused.
fn earlier_loads_today(catalog: &Catalog, job: &Job) -> usize {
    let table = &job.configuration.load.destination_table;
    let age = |other: &Job| job.created_at - other.created_at;
    catalog
        .jobs
        .values()
        .filter(|other| other.configuration.load.destination_table == *table)
        .filter(|other| other.reference.job_id != job.reference.job_id)
        .filter(|other| (0..DAY_MS).contains(&age(other)) && !was_over_quota(other))
        .count()
}

fn was_over_quota(job: &Job) -> bool {
    matches!(job.outcome(), Some(Outcome::Failed(failure)) if failure.result.reason == "quotaExceeded")
}

fn quota_exceeded() -> Failure {
    let message = "Quota exceeded: Your table exceeded quota for imports or query appends per \
                   table. For more information, see \
                   https://cloud.google.com/bigquery/docs/troubleshoot-quotas";
    ErrorProto::new("quotaExceeded", message).into()
}

fn schema_mismatch(table: &Table) -> Failure {
    let reference = &table.table_reference;
    let message = format!("Provided Schema does not match Table {reference}.");
    ErrorProto::new("invalid", message).into()
}
