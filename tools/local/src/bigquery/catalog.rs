//! The objects of the stand-in: datasets, tables with the files of their rows, and jobs.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::dataset::Dataset;
use super::error::ApiError;
use super::job::{Job, Outcome, WriteDisposition};
use super::reference::{DatasetRef, JobKey, TableRef};
use super::table::Table;

/// One change, in the form in which the journal stores it.
#[derive(Serialize, Deserialize)]
pub(crate) enum Record {
    Dataset(Dataset),
    DatasetDeleted(DatasetRef),
    Table(Table),
    TableDeleted(TableRef),
    Job(Box<Job>),
}

/// The rows of one finished job. The file never changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RowFile {
    pub(crate) name: String,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

#[derive(Default)]
pub(crate) struct Catalog {
    pub(crate) datasets: BTreeMap<DatasetRef, Dataset>,
    pub(crate) tables: BTreeMap<TableRef, Table>,
    pub(crate) jobs: BTreeMap<JobKey, Job>,
    files: HashMap<TableRef, Vec<RowFile>>,
    uploads: HashMap<Uuid, JobKey>,
}

impl Catalog {
    pub(crate) fn apply(&mut self, record: Record) {
        match record {
            Record::Dataset(dataset) => {
                self.datasets.insert(dataset.dataset_reference.clone(), dataset);
            }
            Record::DatasetDeleted(reference) => {
                self.tables.retain(|table, _| table.dataset() != reference);
                self.files.retain(|table, _| table.dataset() != reference);
                self.datasets.remove(&reference);
            }
            Record::Table(table) => {
                self.tables.insert(table.table_reference.clone(), table);
            }
            Record::TableDeleted(reference) => {
                self.tables.remove(&reference);
                self.files.remove(&reference);
            }
            Record::Job(job) => self.apply_job(*job),
        }
    }

    fn apply_job(&mut self, job: Job) {
        if let Some(Outcome::Loaded(loaded)) = job.outcome() {
            let load = &job.configuration.load;
            let files = self.files.entry(load.destination_table.clone()).or_default();
            if load.write_disposition == WriteDisposition::Truncate {
                files.clear();
            }
            files.push(loaded.file.clone());
        }
        self.uploads.insert(job.upload, job.reference.key());
        self.jobs.insert(job.reference.key(), job);
    }

    pub(crate) fn dataset(&self, reference: &DatasetRef) -> Result<&Dataset, ApiError> {
        self.datasets.get(reference).ok_or_else(|| ApiError::not_found(format_args!("Dataset {reference}")))
    }

    pub(crate) fn table(&self, reference: &TableRef) -> Result<&Table, ApiError> {
        self.tables.get(reference).ok_or_else(|| ApiError::not_found(format_args!("Table {reference}")))
    }

    pub(crate) fn files(&self, table: &TableRef) -> &[RowFile] {
        self.files.get(table).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn row_count(&self, table: &TableRef) -> u64 {
        self.files(table).iter().map(|file| file.rows).sum()
    }

    pub(crate) fn job_of_upload(&self, upload: &Uuid) -> Option<&Job> {
        self.jobs.get(self.uploads.get(upload)?)
    }

    pub(crate) fn file_names(&self) -> HashSet<&str> {
        let files = self.files.values().flatten();
        files.map(|file| file.name.as_str()).collect()
    }
}
