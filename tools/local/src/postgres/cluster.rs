use std::{
    fs::{Permissions, create_dir_all, read_link, read_to_string, remove_dir_all, rename, set_permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{account::Account, binaries::Binaries, leftover};
use crate::Error;

const LINK: &str = "elsewhere";

/// What a crash of the machine may cost.
#[derive(Clone, Copy, PartialEq)]
pub enum Durability {
    /// Nothing that was committed.
    Kept,
    /// All of it: a cluster for one run of the tests, which is faster so.
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
    /// The cluster in `folder`, made where there is none; a server that an earlier run left behind
    /// there is stopped.
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

    /// Made aside and renamed, so that one that was interrupted is never taken for a cluster.
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

    /// The server itself, in the foreground.
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
            // What is committed still outlives the server, though not the machine.
            set("fsync=off");
            set("full_page_writes=off");
        }
        command.stdin(Stdio::null());
        command
    }

    /// The server writes its state into its lock file, which is what `pg_ctl` waits for.
    pub fn is_ready(&self, pid: u32) -> bool {
        let lock = read_to_string(leftover::lock(&self.data)).unwrap_or_default();
        let mut lines = lock.lines();
        lines.next() == Some(pid.to_string().as_str())
            && lines.nth(6).is_some_and(|state| state.trim() == "ready")
    }

    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// One of PostgreSQL's programs, under the account that owns the data. The environment could point it at another server, or at
    /// files that it may not read.
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

/// The folder itself, or where the account cannot walk down to it, as below `/root`, one that it
/// can, and a link to that.
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

/// Stops what still runs in `folder`, and removes the data, wherever they are.
pub async fn remove(folder: &Path) -> Result<(), Error> {
    let elsewhere = read_link(folder.join(LINK)).ok();
    let home = elsewhere.as_deref().unwrap_or(folder);
    leftover::stop(&home.join("data")).await?;
    if home.exists() {
        remove_dir_all(home)?;
    }
    Ok(())
}
