//! Uploads on disk: one file with the request, and one with the received bytes. There is no other state, so a session
//! outlives a restart.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::chunk::GRANULARITY;
use crate::bigquery::catalog::Catalog;
use crate::bigquery::error::ApiError;
use crate::bigquery::job::JobRequest;

/// Google deletes a session after a week.
const LIFETIME: Duration = Duration::from_hours(7 * 24);

/// Held by the one request that writes an upload.
pub(crate) type Turn = tokio::sync::OwnedMutexGuard<()>;

pub(crate) struct Uploads {
    dir: PathBuf,
    turns: Mutex<HashMap<Uuid, Arc<tokio::sync::Mutex<()>>>>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: Uuid,
    pub(crate) project: String,
    pub(crate) request: JobRequest,
    /// The length of the upload, which some clients send at the start.
    pub(crate) total: Option<u64>,
}

impl Uploads {
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned(), turns: Mutex::default() })
    }

    pub(crate) fn create(&self, session: &Session) -> io::Result<()> {
        fs::write(self.request(&session.id), serde_json::to_vec(session)?)
    }

    pub(crate) fn find(&self, id: &Uuid) -> Result<Session, ApiError> {
        match fs::read(self.request(id)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).map_err(io::Error::from)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(ApiError::not_found(format_args!("Upload {id}")))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for the turn at an upload. A client that returns after a broken connection waits until the server has
    /// finished with the old request too.
    pub(crate) async fn turn(&self, id: Uuid) -> Turn {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(id).or_default())
        };
        turn.lock_owned().await
    }

    pub(crate) fn data(&self, id: &Uuid) -> PathBuf {
        self.dir.join(format!("{id}.data"))
    }

    fn request(&self, id: &Uuid) -> PathBuf {
        self.dir.join(format!("{id}.json"))
    }

    /// Returns the bytes that have certainly arrived. A chunk that was cut off counts only up to the last boundary at
    /// which another chunk can continue.
    pub(crate) fn received(&self, id: &Uuid) -> io::Result<u64> {
        match fs::metadata(self.data(id)) {
            Ok(metadata) => Ok(metadata.len() / GRANULARITY * GRANULARITY),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Returns the file, truncated to `length` and positioned there.
    pub(crate) fn continue_at(&self, id: &Uuid, length: u64) -> io::Result<File> {
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(self.data(id))?;
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        Ok(file)
    }

    pub(crate) fn remove(&self, id: &Uuid) -> io::Result<()> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.remove(id);
        remove_if_there(&self.request(id))?;
        remove_if_there(&self.data(id))
    }

    /// Removes the uploads that no client will continue.
    pub(crate) fn remove_old(&self, catalog: &Catalog) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let id = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            let age = SystemTime::now().duration_since(fs::metadata(&path)?.modified()?);
            let is_over = match id.and_then(|id| catalog.job_of_upload(&id)) {
                Some(job) => job.ended.is_some(),
                None => age.is_ok_and(|age| age > LIFETIME),
            };
            if is_over {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
