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

/// What a stack is started with.
pub struct Options {
    pub(super) folder: PathBuf,
    pub(super) programs: PathBuf,
    pub(super) settings: Settings,
    pub(super) durability: Durability,
    pub(super) without: Vec<Part>,
    pub(super) tell: Tell,
    /// Removed with the stack that owns it.
    pub(super) temporary: Option<TempDir>,
}

impl Options {
    /// One that keeps its data in `folder`.
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

    /// One for a test: on random ports, in a folder that goes with it, and independent of the
    /// environment of whoever runs it, but for `set`.
    pub fn for_test(set: &[(&str, &str)]) -> Result<Self, Error> {
        let folder = temporary::folder()?;
        let silent: Tell = Arc::new(|_, _| {});
        let settings = Settings::on_free_ports(set)?;
        Ok(Self { durability: Durability::ThrownAway, ..Self::kept(folder.path().into(), settings, silent)? }
            .owning(folder))
    }

    /// Where the parts keep their data, each in a folder of its name.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn has(&self, part: Part) -> bool {
        let given = part == Part::Postgres && self.settings.database_url.is_some();
        !given && !self.without.contains(&part)
    }

    /// Names every port that somebody else listens on.
    pub fn check_ports(&self) -> Result<(), Error> {
        self.settings.ports.check_free(|part| self.has(part))
    }

    /// Without these parts; what needs them goes without, too.
    #[must_use]
    pub fn without(mut self, parts: &[Part]) -> Self {
        self.without.extend(parts);
        self
    }

    /// With the services and stand-ins from another folder than this executable's.
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
