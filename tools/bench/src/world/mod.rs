//! The measured system: a PostgreSQL with its defaults, the stand-ins of the cloud, and the services that a row
//! needs.

mod database;
mod fill;
mod ingest;
mod pubsub;
mod service;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use local::process::{Line, Tell};
use local::stack::{Options, Part, Settings, Stack};
use reqwest::Client;
use tokio::time::sleep;

pub(crate) use database::Database;
pub(crate) use fill::{Event, grow, pending};
pub(crate) use ingest::Ingest;
pub(crate) use service::Service;

use crate::Error;
use crate::pgbench::{self, Pgbench};
use crate::size::Size;

/// The settings of the cloud, which are the defaults of the services. The stack would set those of a laptop.
const NUMBERS: [(&str, &str); 16] = [
    ("HANDLER_LIMIT_SECONDS", "60"),
    ("LEASE_SECONDS", "75"),
    ("ACK_DEADLINE_SECONDS", "90"),
    // These two differ, because an event that dies of its fourth attempt has to die within the measurement.
    ("RETRY_MIN_SECONDS", "1"),
    ("RETRY_MAX_SECONDS", "10"),
    ("FIRST_DUE_SECONDS", "120"),
    ("DUE_STEP_SECONDS", "720"),
    ("FLUSH_LIMIT_SECONDS", "240"),
    ("FLUSH_LEASE_SECONDS", "60"),
    ("FLUSH_LONGEST_WAIT_SECONDS", "600"),
    ("RELAY_EVERY_SECONDS", "60"),
    // A row calls for its own flush, and maintenance must not run during a measurement.
    ("FLUSH_EVERY_SECONDS", "86400"),
    ("MAINTAIN_EVERY_SECONDS", "86400"),
    ("PUBSUB_MAX_BACKOFF_MS", "60000"),
    ("LOG_LEVEL", "info"),
    ("LOG_FORMAT", "json"),
];

/// The time after a checkpoint until the disk is quiet.
const BREATH: Duration = Duration::from_millis(300);

pub(crate) struct World {
    pub(crate) size: Size,
    pub(crate) pgbench: Pgbench,
    pub(crate) client: Client,
    stack: Stack,
    data: PathBuf,
    logs: PathBuf,
}

impl World {
    /// All data is in `folder`, and is removed at the end, however the run ends.
    pub(crate) async fn start(folder: &Path, size: Size) -> Result<Self, Error> {
        let pgbench = Pgbench::find()?;
        let (data, logs) = (folder.join("data"), folder.join("logs"));
        clear(&data).await?;
        for folder in [&data, &logs] {
            std::fs::create_dir_all(folder)?;
        }
        let set: Vec<_> = NUMBERS.into_iter().collect();
        let tell: Tell = Arc::new(|name, line| {
            if let Line::News(news) = line {
                eprintln!("{name} {news}");
            }
        });
        let options = Options::kept(data.clone(), Settings::on_free_ports(&set)?, tell)?;
        let stack = Stack::start(options.without(&Part::SERVICES)).await?;
        stack.supervisor().guard().remove(&data)?;
        let world = Self { size, pgbench, client: Client::new(), stack, data, logs };
        match world.equip().await {
            Ok(()) => Ok(world),
            Err(error) => {
                world.stop().await?;
                Err(error)
            }
        }
    }

    async fn equip(&self) -> Result<(), Error> {
        self.empty_database(pgbench::DATABASE).await?.sql(pgbench::TABLES).await
    }

    pub(crate) fn postgres_port(&self) -> u16 {
        self.stack.settings().ports.of(Part::Postgres)
    }

    pub(crate) fn postgres_pid(&self) -> Result<u32, Error> {
        self.stack.pid(Part::Postgres).ok_or_else(|| "PostgreSQL is not up".into())
    }

    /// The version of PostgreSQL.
    pub(crate) fn postgres(&self) -> &str {
        self.stack.postgres()
    }

    /// The port of a service, if there is one of its kind. process-push needs this port, because Pub/Sub pushes to
    /// it.
    pub(crate) fn port(&self, part: Part) -> u16 {
        self.stack.settings().ports.of(part)
    }

    /// Returns a token of one of the accounts that the services know, for a service.
    pub(crate) async fn token(&self, account: &str, part: Part) -> Result<String, Error> {
        let settings = self.stack.settings();
        let issuer = format!("http://127.0.0.1:{}", self.port(Part::Oidc));
        local::oidc::token(&issuer, &settings.account(account), &settings.url(part)).await
    }

    /// Runs before each measurement, so that none of them pays for the writes before it.
    pub(crate) async fn settle(&self) -> Result<(), Error> {
        self.database(pgbench::DATABASE).sql("CHECKPOINT").await?;
        sleep(BREATH).await;
        Ok(())
    }

    pub(crate) async fn stop(self) -> Result<(), Error> {
        self.stack.stop().await?;
        clear(&self.data).await
    }
}

/// Removes the data of an earlier run, and ends its PostgreSQL.
async fn clear(folder: &Path) -> Result<(), Error> {
    local::postgres::remove(&folder.join(Part::Postgres.name())).await?;
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}
