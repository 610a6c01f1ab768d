use std::{
    fs::{Permissions, create_dir_all, read_link, read_to_string, remove_dir_all, rename, set_permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{account::Account, binaries::Binaries, leftover};
use crate::Error;

const LINK: &str = "elsewhere";

/// The loss that a crash of the machine may cause.
#[derive(Clone, Copy, PartialEq)]
pub enum Durability {
    /// No committed data is lost.
    Kept,
    /// All data may be lost. This is faster, and is meant for one run of the tests.
    ThrownAway,
}

/// A data directory, and the binaries and the account that run it.
#[derive(Clone)]
pub struct Cluster {
    binaries: Binaries,
    account: Option<Account>,
    data: PathBuf,
    durability: Durability,
}

impl Cluster {
    /// Opens the cluster in `folder`, and creates it if there is none. A server that an earlier run left there is
    /// stopped.
    pub async fn open(binaries: Binaries, folder: &Path, durability: Durability) -> Result<Self, Error> {
        let account = Account::needed()?;
        create_dir_all(folder)?;
        let data = home(folder, account.as_ref())?.join("data");
        let cluster = Self { binaries, account, data, durability };
        cluster.stop_leftover().await?;
        let opened = cluster.clone();
        tokio::task::spawn_blocking(move || opened.make()).await??;
        Ok(cluster)
    }

    pub async fn stop_leftover(&self) -> Result<(), Error> {
        leftover::stop(&self.data).await
    }

    fn make(&self) -> Result<(), Error> {
        match read_to_string(self.data.join("PG_VERSION")) {
            Ok(version) => self.fits(version.trim()),
            Err(_) => self.initialize(),
        }
    }

    fn fits(&self, version: &str) -> Result<(), Error> {
        if version == self.binaries.major().to_string() {
            return Ok(());
        }
        Err(format!(
            "the data in {} are of PostgreSQL {version}, and this is {}: `make reset` clears them, \
             POSTGRES_BIN names the folder of another version's programs",
            self.data.display(),
            self.binaries
        )
        .into())
    }

    /// The cluster is created in another folder and renamed, so that an interrupted run never leaves a broken
    /// cluster.
    fn initialize(&self) -> Result<(), Error> {
        let aside = self.data.with_extension("new");
        if aside.exists() {
            remove_dir_all(&aside)?;
        }
        create_dir_all(&aside)?;
        if let Some(account) = &self.account {
            account.give(&aside)?;
        }
        let mut command = self.program("initdb");
        command
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8"])
            .args(["--no-locale", "--no-instructions"])
            .arg("--pgdata")
            .arg(&aside);
        if self.durability == Durability::ThrownAway {
            command.arg("--no-sync");
        }
        let output = command.output()?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            return Err(format!("initdb failed: {}", told.trim()).into());
        }
        rename(aside, &self.data)?;
        Ok(())
    }

    /// The command of the server, which runs in the foreground.
    pub fn server(&self, port: u16) -> Command {
        let mut command = self.program("postgres");
        command.arg("-D").arg(&self.data);
        let mut set = |setting: &str| _ = command.args(["-c", setting]);
        set(&format!("port={port}"));
        set("listen_addresses=127.0.0.1");
        set("unix_socket_directories=");
        set("max_connections=100");
        set("shared_buffers=128MB");
        set("timezone=UTC");
        set("log_timezone=UTC");
        if self.durability == Durability::ThrownAway {
            // Committed data still survives a crash of the server, but not one of the machine.
            set("fsync=off");
            set("full_page_writes=off");
        }
        command.stdin(Stdio::null());
        command
    }

    /// The server writes its state into its lock file. `pg_ctl` reads the same file.
    pub fn is_ready(&self, pid: u32) -> bool {
        let lock = read_to_string(leftover::lock(&self.data)).unwrap_or_default();
        let mut lines = lock.lines();
        lines.next() == Some(pid.to_string().as_str())
            && lines.nth(6).is_some_and(|state| state.trim() == "ready")
    }

    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// A program of PostgreSQL, run as the account that owns the data. Its environment is cleared, because variables
    /// could point it at another server or at files that it may not read.
    pub fn program(&self, name: &str) -> Command {
        let mut command = self.binaries.program(name);
        command.env_clear().env("LC_ALL", "C").current_dir("/");
        if let Some(account) = &self.account {
            account.run(&mut command);
        }
        command
    }
}

pub fn url(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/postgres")
}

/// Returns the folder itself. If the account cannot reach it, as below `/root`, returns a folder that the account can
/// reach, and links to that.
fn home(folder: &Path, account: Option<&Account>) -> Result<PathBuf, Error> {
    let folder = folder.canonicalize()?;
    let Some(account) = account else {
        return Ok(folder);
    };
    if account.reaches(&folder)? {
        return Ok(folder);
    }
    let name = folder.display().to_string().trim_matches('/').replace('/', "-");
    let elsewhere = Path::new("/var/lib/eventflow").join(name);
    create_dir_all(&elsewhere)?;
    for open in [Path::new("/var/lib/eventflow"), &elsewhere] {
        set_permissions(open, Permissions::from_mode(0o711))?;
    }
    let link = folder.join(LINK);
    if !link.exists() {
        symlink(&elsewhere, link)?;
    }
    Ok(elsewhere)
}

/// Stops the server that still runs in `folder`, and removes the data, also if they lie behind a link.
pub async fn remove(folder: &Path) -> Result<(), Error> {
    let elsewhere = read_link(folder.join(LINK)).ok();
    let home = elsewhere.as_deref().unwrap_or(folder);
    leftover::stop(&home.join("data")).await?;
    if home.exists() {
        remove_dir_all(home)?;
    }
    Ok(())
}
