//! BigQuery: the table of events, and load jobs that fill it.

mod chunk;
mod connection;
mod ensure;
mod error;
mod job;
mod listing;
mod load;
mod reason;
mod session;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gcp_bigquery_client::error::BQError;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::tls;
use connection::Connection;

pub use ensure::Ensured;
pub use error::Error;
pub use job::{Job, JobError};
pub use listing::{ListedJob, ListedState, Page, Whose};
pub use load::{Accepted, LoadError};
pub use reason::Reason;

/// The schema of the table in the format of BigQuery's own tools. Terraform reads the same file.
pub const SCHEMA: &str = include_str!("bigquery/schema.json");

/// The table, and how to reach it.
#[derive(Debug, Clone)]
pub struct BigQueryConfig {
    pub project: String,
    pub dataset: String,
    pub table: String,
    /// The location of the data. If it is not given, that of the dataset is used.
    pub location: Option<String>,
    /// `host:port` of a server that needs no credentials and no TLS.
    pub emulator_host: Option<String>,
    /// A key file that is used in place of Application Default Credentials.
    pub credentials_file: Option<PathBuf>,
    /// The time limit of one request. A load consists of many requests.
    pub timeout: Duration,
}

/// One table of BigQuery; clones share its connections.
#[derive(Clone)]
pub struct BigQuery {
    shared: Arc<Shared>,
}

struct Shared {
    config: BigQueryConfig,
    connection: OnceCell<Connection>,
    location: OnceCell<Option<String>>,
}

impl BigQuery {
    /// Succeeds even if the server is unavailable or credentials are missing. Missing credentials are logged now, and
    /// the next call looks for them again.
    pub async fn connect(config: BigQueryConfig) -> Result<Self, crate::Error> {
        tls::ensure_provider();
        let bigquery = Self {
            shared: Arc::new(Shared { config, connection: OnceCell::new(), location: OnceCell::new() }),
        };
        match bigquery.connection().await {
            Err(error @ crate::Error::Credentials(_)) => {
                tracing::warn!(%error, "cannot reach BigQuery yet");
            }
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        Ok(bigquery)
    }

    async fn connection(&self) -> Result<&Connection, crate::Error> {
        self.shared.connection.get_or_try_init(|| Connection::new(&self.shared.config)).await
    }

    /// The location of the data, which is known before any job is. In most locations, a request about a job without its
    /// location gets a false 404, and this wrong answer would load rows twice.
    async fn location(&self) -> Result<Option<&str>, Error> {
        let config = &self.shared.config;
        if let Some(location) = &config.location {
            return Ok(Some(location));
        }
        let known = self
            .shared
            .location
            .get_or_try_init(async || {
                let datasets = self.connection().await?.client.dataset();
                let dataset = self.bounded(datasets.get(&config.project, &config.dataset));
                Ok::<_, Error>(dataset.await?.location)
            })
            .await?;
        Ok(known.as_deref())
    }

    /// Limits the time of a call, since the client has no time-outs of its own.
    async fn bounded<T>(&self, call: impl Future<Output = Result<T, BQError>>) -> Result<T, Error> {
        match timeout(self.shared.config.timeout, call).await {
            Ok(answer) => answer.map_err(Error::from),
            Err(_elapsed) => Err(Error::Unknown("BigQuery did not answer in time".into())),
        }
    }
}
