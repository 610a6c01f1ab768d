use std::{path::Path, process::Command, time::Duration};

use crate::{
    Error,
    postgres::{Binaries, Cluster, Durability},
    process::{Program, Signal},
};

use super::Part;

/// The stack's own PostgreSQL.
pub(super) struct Database {
    cluster: Cluster,
    port: u16,
}

impl Database {
    pub(super) async fn open(
        folder: &Path,
        binaries: Binaries,
        durability: Durability,
        port: u16,
    ) -> Result<Self, Error> {
        let cluster = Cluster::open(binaries, folder, durability).await?;
        Ok(Self { cluster, port })
    }
}

impl Program for Database {
    fn name(&self) -> &'static str {
        Part::Postgres.name()
    }

    fn command(&self) -> Command {
        self.cluster.server(self.port)
    }

    /// A fast shutdown ends the sessions, and the next start has nothing to recover.
    fn end(&self) -> Signal {
        Signal::INT
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(20)
    }

    async fn before(&self) -> Result<(), Error> {
        self.cluster.stop_leftover().await
    }

    async fn is_ready(&self, pid: u32) -> bool {
        self.cluster.is_ready(pid)
    }
}
