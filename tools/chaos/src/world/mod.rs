//! The system under attack: the stand-ins, a real PostgreSQL, two instances of each service, and a proxy on every
//! edge between them.

mod clock;
mod deaths;
mod disk;
mod holds;
mod instance;
mod start;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::join_all;
use local::process::{Signal, Supervised};
use local::stack::{Part, Stack};
use reqwest::Client;
use rustix::process::{Pid, kill_process};
use serde_json::Value;
use sqlx::{Connection, PgConnection};

pub(crate) use clock::WrongClock;
pub(crate) use deaths::Deaths;
pub(crate) use disk::SmallDisk;
pub(crate) use holds::Holds;
pub(crate) use start::{NUMBERS, Wish};

use crate::Error;
use crate::proxy::Edge;

/// The two instances of each service.
pub(crate) const INSTANCES: [(Part, [&str; 2]); 4] = [
    (Part::Ingest, ["ingest-1", "ingest-2"]),
    (Part::ProcessPush, ["process-push-1", "process-push-2"]),
    (Part::Admin, ["admin-1", "admin-2"]),
    (Part::BqFlush, ["bq-flush-1", "bq-flush-2"]),
];

/// Names and values of environment variables.
type Environment = Vec<(&'static str, String)>;
type Extra = Arc<Mutex<Environment>>;

pub(crate) struct World {
    pub(crate) stack: Stack,
    pub(crate) edges: Vec<Edge>,
    pub(crate) deaths: Deaths,
    pub(crate) client: Client,
    pub(crate) holds: Holds,
    instances: BTreeMap<&'static str, (Supervised, Extra)>,
    pub(crate) clock: Result<WrongClock, String>,
    pub(crate) disk: Result<SmallDisk, String>,
    /// The folder of the services' programs, if it differs from the folder of this program.
    services: Option<PathBuf>,
}

impl World {
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.instances.keys().copied().collect()
    }

    pub(crate) fn instance(&self, name: &str) -> Result<&Supervised, Error> {
        Ok(&self.found(name)?.0)
    }

    /// Sets additional environment variables of an instance, which hold from its next start on.
    pub(crate) fn equip(&self, name: &str, environment: Environment) -> Result<(), Error> {
        *self.found(name)?.1.lock().unwrap_or_else(PoisonError::into_inner) = environment;
        Ok(())
    }

    fn found(&self, name: &str) -> Result<&(Supervised, Extra), Error> {
        self.instances.get(name).ok_or_else(|| format!("there is no instance {name}").into())
    }

    pub(crate) fn edge(&self, name: &str) -> Result<&Edge, Error> {
        let found = self.edges.iter().find(|edge| edge.name == name);
        found.ok_or_else(|| format!("there is no edge {name}").into())
    }

    /// Returns false if the process is not up at this moment.
    pub(crate) fn signal(pid: Option<u32>, signal: Signal) -> bool {
        let pid = pid.and_then(|pid| Pid::from_raw(pid.cast_signed()));
        pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
    }

    /// Switches the fault points on or off.
    pub(crate) fn attack(&self, begins: bool) -> Result<(), Error> {
        let file = self.attack_file();
        if begins {
            std::fs::write(file, "")?;
        } else {
            std::fs::remove_file(file)?;
        }
        Ok(())
    }

    /// This file exists while an attack lasts.
    fn attack_file(&self) -> PathBuf {
        self.stack.logs().join("attack")
    }

    /// Connects to PostgreSQL directly, without a proxy in between.
    pub(crate) async fn database(&self) -> Result<PgConnection, Error> {
        Ok(PgConnection::connect(&self.stack.database_url()).await?)
    }

    /// Replaces all faults of a stand-in.
    pub(crate) async fn stand_in_faults(&self, part: Part, faults: &Value) -> Result<(), Error> {
        let url = format!("{}/control/faults", self.stack.url(part));
        let answer = self.client.put(url).json(faults).send().await?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(format!("the faults {faults} are refused: {}", answer.text().await?).into())
    }

    /// Copies the output of every process, for the search of the cause.
    pub(crate) fn keep_logs(&self, folder: &Path) -> Result<(), Error> {
        std::fs::create_dir_all(folder)?;
        for log in std::fs::read_dir(self.stack.logs())? {
            let log = log?;
            std::fs::copy(log.path(), folder.join(log.file_name()))?;
        }
        Ok(())
    }

    pub(crate) async fn stop(self) -> Result<(), Error> {
        self.stack.supervisor().end();
        let stops = self.instances.into_values().map(|(instance, _)| instance.stop());
        let ends = join_all(stops).await;
        ends.into_iter().collect::<Result<(), Error>>()?;
        self.stack.stop().await?;
        // PostgreSQL has ended by now, so its disk can be unmounted.
        drop(self.disk);
        Ok(())
    }
}
