//! All of EventFlow on this machine: each service and each stand-in a process of its own, kept
//! running until it is stopped.

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
    /// Everything up, or nothing left.
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
        // Who runs this may have chosen one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let supervisor = Supervisor::new(options.folder.join("logs"), options.tell.clone())?;
        if let Some(folder) = &options.temporary {
            supervisor.guard().remove(folder.path())?;
        }
        Ok(Self {
            parts: BTreeMap::new(),
            supervisor,
            options,
            postgres: "the one of DATABASE_URL".into(),
            signing: None,
        })
    }
}

/// What one sees of it, and does to it, while it runs.
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

    /// Which PostgreSQL it runs on.
    pub fn postgres(&self) -> &str {
        &self.postgres
    }

    pub fn logs(&self) -> PathBuf {
        self.options.folder.join("logs")
    }

    /// Whether this stack runs that part itself.
    pub fn has(&self, part: Part) -> bool {
        self.options.has(part)
    }

    /// How this stack starts a service, from the programs in another folder if one is given: for who runs more than one of it.
    pub fn command(&self, part: Part, programs: Option<&Path>) -> impl Fn() -> Command + Send + Sync + use<> {
        let service = Service::new(part, programs.unwrap_or(&self.options.programs), self.settings());
        move || service.command()
    }

    /// None while it is not up.
    pub fn pid(&self, part: Part) -> Option<u32> {
        self.parts.get(&part).and_then(Supervised::pid)
    }

    /// A crash: killed, it comes back as it would from any other.
    pub async fn kill(&self, part: Part) -> Result<(), Error> {
        self.part(part)?.kill().await
    }

    /// Killed, and gone until it is restarted.
    pub async fn take_away(&self, part: Part) -> Result<(), Error> {
        self.part(part)?.take_away().await
    }

    /// Ended in order and started again, or given back; returns when it is up.
    pub async fn restart(&self, part: Part) -> Result<(), Error> {
        self.part(part)?.restart().await
    }

    /// Returns when it is up, as after a crash.
    pub async fn ready(&self, part: Part) -> Result<(), Error> {
        self.part(part)?.ready().await
    }

    fn part(&self, part: Part) -> Result<&Supervised, Error> {
        let found = self.parts.get(&part);
        found.ok_or_else(|| format!("{part} is not part of this stack").into())
    }
}
