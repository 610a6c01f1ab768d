use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;

use super::{Part, Settings};
use crate::{
    Error,
    postgres::Durability,
    process::{self, Tell},
    temporary,
};

/// The options of a stack.
pub struct Options {
    pub(super) folder: PathBuf,
    pub(super) programs: PathBuf,
    pub(super) settings: Settings,
    pub(super) durability: Durability,
    pub(super) without: Vec<Part>,
    pub(super) tell: Tell,
    /// A folder that is removed with the stack.
    pub(super) temporary: Option<TempDir>,
}

impl Options {
    /// Options of a stack that keeps its data in `folder`.
    pub fn kept(folder: PathBuf, settings: Settings, tell: Tell) -> Result<Self, Error> {
        Ok(Self {
            folder,
            programs: process::binaries()?,
            settings,
            durability: Durability::Kept,
            without: Vec::new(),
            tell,
            temporary: None,
        })
    }

    /// Options of a stack for a test. It uses random ports and a temporary folder, and depends on no variable of the
    /// user's environment, only on `set`.
    pub fn for_test(set: &[(&str, &str)]) -> Result<Self, Error> {
        let folder = temporary::folder()?;
        let silent: Tell = Arc::new(|_, _| {});
        let settings = Settings::on_free_ports(set)?;
        Ok(Self { durability: Durability::ThrownAway, ..Self::kept(folder.path().into(), settings, silent)? }
            .owning(folder))
    }

    /// The folder in which each part keeps its data in a folder of its name.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn has(&self, part: Part) -> bool {
        let given = part == Part::Postgres && self.settings.database_url.is_some();
        !given && !self.without.contains(&part)
    }

    /// Fails with a list of the ports that are taken.
    pub fn check_ports(&self) -> Result<(), Error> {
        self.settings.ports.check_free(|part| self.has(part))
    }

    /// Leaves these parts out. The other parts run without them.
    #[must_use]
    pub fn without(mut self, parts: &[Part]) -> Self {
        self.without.extend(parts);
        self
    }

    /// Uses the services and stand-ins of another folder than that of this executable.
    #[must_use]
    pub fn programs(mut self, folder: PathBuf) -> Self {
        self.programs = folder;
        self
    }

    #[must_use]
    pub fn tell(mut self, tell: Tell) -> Self {
        self.tell = tell;
        self
    }

    fn owning(mut self, folder: TempDir) -> Self {
        self.temporary = Some(folder);
        self
    }
}
