use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

use super::fetch;
use crate::Error;

/// The oldest PostgreSQL that the project supports.
const OLDEST: u32 = 15;

/// The folders in which package managers install versions side by side. `*` stands for any one name.
const FOLDERS: [&str; 5] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// A folder with `initdb` and `postgres`.
#[derive(Clone, Debug)]
pub struct Binaries {
    folder: PathBuf,
    major: u32,
}

/// The binaries that the caller asks for.
pub enum Wanted {
    /// The fetched binaries, or the newest installed ones if the download fails.
    Any,
    Installed(u32),
    In(PathBuf),
}

impl Wanted {
    /// `POSTGRES_BIN` names a folder.
    pub fn by(folder: Option<impl Into<PathBuf>>) -> Self {
        folder.map_or(Self::Any, |folder| Self::In(folder.into()))
    }
}

impl Binaries {
    pub async fn find(wanted: Wanted) -> Result<Self, Error> {
        match wanted {
            Wanted::In(folder) => Self::read(&folder).ok_or_else(|| {
                format!("no PostgreSQL of version {OLDEST} or later in {}", folder.display()).into()
            }),
            Wanted::Installed(major) => installed()
                .into_iter()
                .find(|found| found.major == major)
                .ok_or_else(|| format!("PostgreSQL {major} is not installed").into()),
            Wanted::Any => match fetch::cached_or_fetched().await {
                Ok(folder) => Self::read(&folder)
                    .ok_or_else(|| format!("{} does not run here", folder.display()).into()),
                Err(error) => newest_installed(&error),
            },
        }
    }

    pub fn is_installed(major: u32) -> bool {
        installed().iter().any(|found| found.major == major)
    }

    pub fn program(&self, name: &str) -> Command {
        Command::new(self.folder.join(name))
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn major(&self) -> u32 {
        self.major
    }

    fn read(folder: &Path) -> Option<Self> {
        let folder = folder.join("postgres").canonicalize().ok()?;
        let folder = folder.parent()?.to_owned();
        folder.join("initdb").is_file().then_some(())?;
        let output = Command::new(folder.join("postgres")).arg("-V").output();
        let major = major(&String::from_utf8(output.ok()?.stdout).ok()?)?;
        (major >= OLDEST).then_some(Self { folder, major })
    }
}

impl fmt::Display for Binaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgreSQL {} in {}", self.major, self.folder.display())
    }
}

fn newest_installed(why: &Error) -> Result<Binaries, Error> {
    let found = installed().into_iter().max_by_key(|found| found.major).ok_or_else(|| {
        format!(
            "no PostgreSQL: it could not be fetched ({why}), and none of version {OLDEST} or \
                 later is installed; install it, or set DATABASE_URL"
        )
    })?;
    eprintln!("PostgreSQL could not be fetched ({why}): an installed one is used");
    Ok(found)
}

fn installed() -> Vec<Binaries> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(FOLDERS.iter().flat_map(|pattern| matching(pattern)))
        .filter_map(|folder| Binaries::read(&folder))
        .collect()
}

fn matching(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![pattern.into()];
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = Path::new(parent).read_dir() else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join(after.trim_start_matches('/')))
        .collect()
}

/// Both `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` and `postgres (PostgreSQL) 15beta1` are 15.
fn major(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(2)?;
    let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_major_version_is_read() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)";
        assert_eq!(major(debian), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta2"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) devel"), None);
        assert_eq!(major(""), None);
    }

    #[test]
    fn versions_side_by_side_are_seen() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["postgresql@15", "postgresql@17", "other"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        let mut found = matching(&format!("{}/postgresql@*/bin", root.path().display()));
        found.sort();
        let expected = ["postgresql@15/bin", "postgresql@17/bin"].map(|end| root.path().join(end));
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn a_folder_without_postgresql_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Binaries::find(Wanted::In(folder.path().into())).await;
        let told = error.unwrap_err().to_string();
        assert!(told.contains(&folder.path().display().to_string()), "{told}");
    }
}
