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
pub use listing::{ListedJob, ListedState, Page};
pub use load::{Accepted, LoadError};
pub use reason::Reason;

/// The schema of the table as BigQuery's own tools read it; Terraform reads the same file.
pub const SCHEMA: &str = include_str!("bigquery/schema.json");

/// Which table, and how to reach it.
#[derive(Debug, Clone)]
pub struct BigQueryConfig {
    pub project: String,
    pub dataset: String,
    pub table: String,
    /// Where the data lives; that of the dataset, if not given.
    pub location: Option<String>,
    /// `host:port` of a server that wants no credentials and no TLS.
    pub emulator_host: Option<String>,
    /// A key file that takes the place of Application Default Credentials.
    pub credentials_file: Option<PathBuf>,
    /// The bound of one request; a load is many.
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
    /// Needs neither the server nor credentials to be there: what is missing now is told now,
    /// and looked for again by the next call.
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

    /// A job asked about without its location is a false 404 in most of them, and the wrong
    /// answer would load rows twice. So the location is known before any job is.
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

    /// The client has no time-outs of its own.
    async fn bounded<T>(&self, call: impl Future<Output = Result<T, BQError>>) -> Result<T, Error> {
        match timeout(self.shared.config.timeout, call).await {
            Ok(answer) => answer.map_err(Error::from),
            Err(_elapsed) => Err(Error::Unknown("BigQuery did not answer in time".into())),
        }
    }
}
