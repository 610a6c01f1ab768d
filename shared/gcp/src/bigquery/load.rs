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

/// Sixteen of the 256 KiB that a chunk must be a multiple of. It is kept until BigQuery has it,
/// so this, and not the number of rows, is the memory that a load takes.
const CHUNK: usize = 16 * 256 * 1024;

/// BigQuery has the job; how it ends is another question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    Made,
    /// A job with this ID has been there before, whatever became of it.
    AlreadyThere,
}

/// Why BigQuery does not have the job, if that is known.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// BigQuery said no: there is no such job.
    #[error("BigQuery refused the load ({status}, {reason:?}): {message}")]
    Refused { status: u16, reason: Reason, message: String },
    /// The rows broke off: there is no such job.
    #[error("the rows broke off: {0}")]
    Rows(#[source] BoxError),
    /// There may be such a job or not. Ask.
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
    /// Makes one load job of the rows, which are newline-delimited JSON, cut anywhere.
    /// A value of a `JSON` column stands in its row as it is, `"payload":{"a":1}`, not as text:
    /// <https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-json>.
    ///
    /// All of it becomes a job, or nothing: the job is made with the last byte.
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

/// Reads until there is more than a chunk, which makes it known that the chunk is not the last
/// one, or until the rows end. Says whether they did.
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
