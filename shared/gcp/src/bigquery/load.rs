use std::pin::pin;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use gcp_bigquery_client::model::job::Job as Resource;
use gcp_bigquery_client::model::job_configuration::JobConfiguration;
use gcp_bigquery_client::model::job_configuration_load::JobConfigurationLoad;
use gcp_bigquery_client::model::job_reference::JobReference;
use gcp_bigquery_client::model::table_reference::TableReference;

use super::chunk::Chunk;
use super::error::Error;
use super::reason::Reason;
use super::session::{Opened, Progress, Session};
use super::{BigQuery, BigQueryConfig};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The size of a chunk: sixteen times the 256 KiB that it must be a multiple of. A chunk stays in memory until BigQuery
/// has it, so the memory of a load depends on this size and not on the number of rows.
const CHUNK: usize = 16 * 256 * 1024;

/// BigQuery has the job. This does not say how the job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    Made,
    /// A job with this ID already existed, in any state.
    AlreadyThere,
}

/// The reason why BigQuery does not have the job, if that is known.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// BigQuery refused the load, so there is no such job.
    #[error("BigQuery refused the load ({status}, {reason:?}): {message}")]
    Refused { status: u16, reason: Reason, message: String },
    /// The rows broke off, so there is no such job.
    #[error("the rows broke off: {0}")]
    Rows(#[source] BoxError),
    /// The job may exist or not. The caller must ask.
    #[error("could not find out whether BigQuery has the load: {0}")]
    Unknown(String),
}

impl From<Error> for LoadError {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused { status, reason, message } => Self::Refused { status, reason, message },
            Error::Unknown(text) => Self::Unknown(text),
            other => Self::Unknown(other.to_string()),
        }
    }
}

impl BigQuery {
    /// Makes one load job of the rows, which are newline-delimited JSON and may be cut anywhere. A value of a `JSON`
    /// column is written in its row as JSON, `"payload":{"a":1}`, and not as text:
    /// <https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-json>.
    ///
    /// Either all rows become a job or none do, since the job is made with the last byte.
    pub async fn load(
        &self,
        job_id: &str,
        labels: &[(&str, &str)],
        rows: impl Stream<Item = Result<Bytes, BoxError>> + Send,
    ) -> Result<Accepted, LoadError> {
        let location = self.location().await?;
        let job = resource(&self.shared.config, job_id, labels, location);
        let connection = self.connection().await.map_err(Error::from)?;
        let session = match Session::open(connection, &self.shared.config.project, &job).await? {
            Opened::Session(session) => session,
            Opened::AlreadyThere => return Ok(Accepted::AlreadyThere),
        };
        let mut rows = pin!(rows);
        let mut buffer = BytesMut::new();
        let mut start = 0;
        loop {
            let last = fill(&mut buffer, rows.as_mut()).await?;
            let length = if last { buffer.len() } else { CHUNK };
            let chunk = Chunk { start, bytes: buffer.split_to(length).freeze(), last };
            start = chunk.end();
            match session.send(&chunk).await? {
                Progress::Accepted(accepted) => return Ok(accepted),
                Progress::Continue => {}
            }
        }
    }
}

/// Reads until the buffer has more than a chunk, which shows that the chunk is not the last one, or until the rows end.
/// True if the rows have ended.
async fn fill(
    buffer: &mut BytesMut,
    mut rows: impl Stream<Item = Result<Bytes, BoxError>> + Unpin,
) -> Result<bool, LoadError> {
    while buffer.len() <= CHUNK {
        match rows.next().await {
            Some(Ok(bytes)) => buffer.extend_from_slice(&bytes),
            Some(Err(error)) => return Err(LoadError::Rows(error)),
            None => return Ok(true),
        }
    }
    Ok(false)
}

fn resource(
    config: &BigQueryConfig,
    job_id: &str,
    labels: &[(&str, &str)],
    location: Option<&str>,
) -> Resource {
    let labels = labels.iter().map(|&(k, v)| (k.into(), v.into())).collect();
    let load = JobConfigurationLoad {
        destination_table: Some(TableReference::new(&config.project, &config.dataset, &config.table)),
        source_format: Some("NEWLINE_DELIMITED_JSON".into()),
        write_disposition: Some("WRITE_APPEND".into()),
        create_disposition: Some("CREATE_NEVER".into()),
        ..JobConfigurationLoad::default()
    };
    Resource {
        job_reference: Some(JobReference {
            project_id: Some(config.project.clone()),
            job_id: Some(job_id.into()),
            location: location.map(Into::into),
        }),
        configuration: Some(JobConfiguration {
            load: Some(load),
            labels: Some(labels),
            ..JobConfiguration::default()
        }),
        ..Resource::default()
    }
}
