//! All of EventFlow on this machine. Each service and each stand-in is a process of its own, which is kept running
//! until it is stopped.

mod database;
mod environment;
mod google;
mod migrate;
mod options;
mod part;
mod ports;
mod pubsub;
mod service;
mod settings;
mod sign;
mod stand_in;
mod start;
mod topics;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use crate::{
    Error,
    process::{Program, Supervised, Supervisor},
};
use service::Service;
use sign::Signing;

pub use environment::Environment;
pub use options::Options;
pub use part::Part;
pub use ports::Ports;
pub use settings::Settings;

pub struct Stack {
    parts: BTreeMap<Part, Supervised>,
    supervisor: Arc<Supervisor>,
    options: Options,
    postgres: String,
    signing: Option<Signing>,
}

impl Stack {
    /// Starts all parts. After an error, no part is left running.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let mut stack = Self::new(options)?;
        match stack.up().await {
            Ok(()) => Ok(stack),
            Err(error) => {
                stack.stop().await?;
                Err(error)
            }
        }
    }

    /// A stack in which nothing runs yet.
    pub fn new(options: Options) -> Result<Self, Error> {
        // The caller may have installed a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let supervisor = Supervisor::new(options.folder.join("logs"), options.tell.clone())?;
        if let Some(folder) = &options.temporary {
            supervisor.guard().remove(folder.path())?;
        }
        Ok(Self {
            parts: BTreeMap::new(),
            supervisor,
            options,
            postgres: "the server of DATABASE_URL".into(),
            signing: None,
        })
    }
}

/// Access to the stack while it runs.
impl Stack {
    pub fn settings(&self) -> &Settings {
        &self.options.settings
    }

    pub fn supervisor(&self) -> &Arc<Supervisor> {
        &self.supervisor
    }

    pub fn url(&self, part: Part) -> String {
        self.settings().url(part)
    }

    pub fn database_url(&self) -> String {
        self.settings().database()
    }

    /// The PostgreSQL of this stack.
    pub fn postgres(&self) -> &str {
        &self.postgres
    }

    pub fn logs(&self) -> PathBuf {
        self.options.folder.join("logs")
    }

    /// Tells whether this stack runs that part itself.
    pub fn has(&self, part: Part) -> bool {
        self.options.has(part)
    }

    /// Returns the command with which this stack starts a service, for a caller that runs several instances of it.
    /// `programs` may name another folder of programs.
    pub fn command(&self, part: Part, programs: Option<&Path>) -> impl Fn() -> Command + Send + Sync + use<> {
        let service = Service::new(part, programs.unwrap_or(&self.options.programs), self.settings());
        move || service.command()
    }

    /// Returns None while the part is not up.
    pub fn pid(&self, part: Part) -> Option<u32> {
        self.parts.get(&part).and_then(Supervised::pid)
    }

    /// Kills the part as in a crash. It is started again.
    pub async fn kill(&self, part: Part) -> Result<(), Error> {
        self.part(part)?.kill().await
    }

    /// Kills the part. It stays away until `restart`.
    pub async fn take_away(&self, part: Part) -> Result<(), Error> {
        self.part(part)?.take_away().await
    }

    /// Restarts the part, or starts it again after `take_away`. Returns when it is up.
    pub async fn restart(&self, part: Part) -> Result<(), Error> {
        self.part(part)?.restart().await
    }

    /// Returns when the part is up, for example after a crash.
    pub async fn ready(&self, part: Part) -> Result<(), Error> {
        self.part(part)?.ready().await
    }

    fn part(&self, part: Part) -> Result<&Supervised, Error> {
        let found = self.parts.get(&part);
        found.ok_or_else(|| format!("{part} is not part of this stack").into())
    }
}
