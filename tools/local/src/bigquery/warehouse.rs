//! The whole state: the journal and the files, and the catalog in memory that is read from them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use super::catalog::{Catalog, Record};
use super::error::ApiError;
use super::faults::FaultPlan;
use super::journal::Journal;
use super::reference::JobKey;
use super::upload::Uploads;

pub(crate) struct Warehouse {
    rows: PathBuf,
    journal: Mutex<Journal>,
    catalog: RwLock<Catalog>,
    pub(crate) uploads: Uploads,
    pub(crate) faults: FaultPlan,
    loads_per_table_per_day: usize,
}

impl Warehouse {
    pub(crate) fn open(dir: &Path, loads_per_table_per_day: usize) -> io::Result<Self> {
        let rows = dir.join("rows");
        fs::create_dir_all(&rows)?;
        let (journal, records) = Journal::open(&dir.join("journal.ndjson"))?;
        let mut catalog = Catalog::default();
        for record in records {
            catalog.apply(record);
        }
        remove_orphans(&rows, &catalog)?;
        let uploads = Uploads::open(&dir.join("uploads"))?;
        uploads.remove_old(&catalog)?;
        Ok(Self {
            rows,
            journal: Mutex::new(journal),
            catalog: RwLock::new(catalog),
            uploads,
            faults: FaultPlan::default(),
            loads_per_table_per_day,
        })
    }

    pub(crate) fn loads_per_table_per_day(&self) -> usize {
        self.faults.loads_per_table_per_day().unwrap_or(self.loads_per_table_per_day)
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides on the present state, and makes the decision durable before any reader sees it. It runs to its end
    /// even if the request has been dropped.
    pub(crate) async fn transact<T: Send + 'static>(
        self: &Arc<Self>,
        decide: impl FnOnce(&Catalog) -> Result<(Vec<Record>, T), ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let warehouse = Arc::clone(self);
        tokio::task::spawn_blocking(move || warehouse.transact_blocking(decide)).await?
    }

    pub(crate) fn transact_blocking<T>(
        &self,
        decide: impl FnOnce(&Catalog) -> Result<(Vec<Record>, T), ApiError>,
    ) -> Result<T, ApiError> {
        // Writers take turns at the journal. Readers never wait for the disk.
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let (records, answer) = decide(&self.read())?;
        journal.append(&records)?;
        let mut catalog = self.catalog.write().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            catalog.apply(record);
        }
        Ok(answer)
    }

    /// The journal does not record that a job runs, so after a restart the job starts again.
    pub(crate) fn mark_running(&self, key: &JobKey) {
        let mut catalog = self.catalog.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(job) = catalog.jobs.get_mut(key) {
            job.started_at = Some(chrono::Utc::now().timestamp_millis());
        }
    }

    pub(crate) fn unfinished_jobs(&self) -> Vec<JobKey> {
        let catalog = self.read();
        let unfinished = catalog.jobs.iter().filter(|(_, job)| job.ended.is_none());
        unfinished.map(|(key, _)| key.clone()).collect()
    }

    pub(crate) fn row_file(&self, name: &str) -> PathBuf {
        self.rows.join(name)
    }

    /// Makes the names of new row files durable. Their contents are durable already.
    pub(crate) fn sync_rows_dir(&self) -> io::Result<()> {
        File::open(&self.rows)?.sync_all()
    }
}

/// A row file that no finished job names was being written in a crash, or belongs to a deleted table.
fn remove_orphans(rows: &Path, catalog: &Catalog) -> io::Result<()> {
    let named = catalog.file_names();
    for entry in fs::read_dir(rows)? {
        let entry = entry?;
        if !named.contains(entry.file_name().to_string_lossy().as_ref()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
