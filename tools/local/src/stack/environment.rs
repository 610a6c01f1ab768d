use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::Path,
    process::Command,
};

use crate::Error;

/// The variables that any process needs to run and to report its failures.
const BASICS: [&str; 10] = [
    "PATH",
    "HOME",
    "LANG",
    "TMPDIR",
    "TZ",
    "NO_COLOR",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

/// The credentials of a real cloud. No process on this machine needs them, so they are not passed on.
const KEYS: [&str; 2] = ["GOOGLE_APPLICATION_CREDENTIALS", "GCP_CREDENTIALS_PATH"];

/// The variables that the user of the stack has set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Reads the variables of this process, and those of the `.env` file in `folder`. The variables of this process
    /// take precedence.
    pub fn with_file(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(".env");
        let mut all = if path.exists() { Self::of_file(&path)? } else { Self::default() };
        all.0.extend(std::env::vars_os());
        Ok(all)
    }

    pub(super) fn of_file(path: &Path) -> Result<Self, Error> {
        let mut all = BTreeMap::new();
        for line in dotenvy::from_path_iter(path)? {
            let (name, value) = line.map_err(|error| format!("{}: {error}", path.display()))?;
            all.insert(name.into(), value.into());
        }
        Ok(Self(all))
    }

    /// Only the variables that any process needs, for a stack that must not depend on the user's environment.
    pub fn basics() -> Self {
        let all = std::env::vars_os().filter(|(name, _)| is_basic(name));
        Self(all.collect())
    }

    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// An empty value counts as unset.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(OsStr::new(name))?.to_str()?;
        (!value.is_empty()).then_some(value)
    }

    /// A service gets all variables, because a handler may need variables that only its author knows.
    pub(super) fn pass_on(&self, command: &mut Command) {
        let all = self.0.iter().filter(|(_, value)| !value.is_empty());
        command.env_clear().envs(all);
        for key in KEYS {
            command.env_remove(key);
        }
    }

    pub(super) fn pass_on_basics(&self, command: &mut Command) {
        let basics = self.0.iter().filter(|(name, _)| is_basic(name));
        command.env_clear().envs(basics);
    }
}

fn is_basic(name: &OsStr) -> bool {
    BASICS.iter().any(|basic| name == *basic)
}
