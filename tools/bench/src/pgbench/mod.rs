//! The yardstick: PostgreSQL's own load generator, which does the same writes on the same server.

mod scripts;
mod told;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use crate::Error;
use crate::figure::NotHere;
use crate::load::Latencies;

use scripts::variables;
pub(crate) use scripts::{DATABASE, PUSHES, TABLES, insert, pushes};

/// The folder in which package managers install it. `PATH` is searched first.
const FOLDER: &str = "/usr/lib/postgresql";
const CONNECTING_SECONDS: u64 = 2;

pub(crate) struct Pgbench {
    program: PathBuf,
}

/// The parameters of one run.
pub(crate) struct Run<'a> {
    pub(crate) port: u16,
    pub(crate) clients: usize,
    pub(crate) script: &'a str,
    pub(crate) lasts: Lasts,
    /// Transactions a second. None means as many as possible.
    pub(crate) rate: Option<f64>,
}

pub(crate) enum Lasts {
    For(Duration),
    /// The number of transactions of each client.
    Transactions(u64),
}

impl Pgbench {
    pub(crate) fn find() -> Result<Self, Error> {
        let program = program("pgbench").ok_or(
            "pgbench is missing: install it (Debian and Ubuntu: apt-get install postgresql-contrib, or postgresql-17; \
             macOS: brew install postgresql@17), or put it into PATH",
        )?;
        Ok(Self { program })
    }

    /// Returns the transactions a second. The time of connecting does not count.
    pub(crate) async fn per_second(&self, run: &Run<'_>) -> Result<f64, Error> {
        let folder = tempfile::tempdir()?;
        let output = self.run(run, folder.path(), &[]).await?;
        told::per_second(&output).ok_or_else(|| format!("pgbench told no rate: {output}").into())
    }

    /// Returns the latencies, each from the time at which the transaction was due.
    pub(crate) async fn latencies(&self, run: &Run<'_>) -> Result<Latencies, Error> {
        let folder = tempfile::tempdir()?;
        let prefix = format!("--log-prefix={}", folder.path().join("log").display());
        self.run(run, folder.path(), &["--log", &prefix]).await?;
        let mut latencies = Latencies::new()?;
        for file in std::fs::read_dir(folder.path())? {
            let file = file?.path();
            if file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("log.")) {
                told::micros(&std::fs::read_to_string(file)?).for_each(|micros| latencies.add_micros(micros));
            }
        }
        if latencies.is_empty() {
            return Err("pgbench logged no transaction".into());
        }
        Ok(latencies)
    }

    async fn run(&self, run: &Run<'_>, folder: &Path, more: &[&str]) -> Result<String, Error> {
        let script = folder.join("script.sql");
        std::fs::write(&script, run.script)?;
        let mut command = Command::new(&self.program);
        command
            .args(["--no-vacuum", "--protocol=prepared", "--username=postgres", "--host=127.0.0.1"])
            .args([format!("--port={}", run.port), format!("--client={}", run.clients)])
            .args(variables())
            .arg("--file")
            .arg(&script)
            .args(more);
        match run.lasts {
            // The time limit of pgbench includes connecting, and its rate does not.
            Lasts::For(time) => command.arg(format!("--time={}", time.as_secs() + CONNECTING_SECONDS)),
            Lasts::Transactions(count) => command.arg(format!("--transactions={count}")),
        };
        if let Some(rate) = run.rate {
            command.arg(format!("--rate={rate}"));
        }
        let output = command.arg(DATABASE).kill_on_drop(true).output().await?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() || told::failed(&told) {
            return Err(format!("pgbench failed: {}\n{told}", errors.trim()).into());
        }
        Ok(told)
    }
}

/// Returns `psql`, which writes rows out without a network client.
pub(crate) fn psql() -> Result<PathBuf, Error> {
    program("psql").ok_or_else(|| NotHere("psql is not installed".into()).into())
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file());
    in_path.or_else(|| {
        let versions = std::fs::read_dir(FOLDER).ok()?.flatten();
        let found =
            versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.is_file());
        found.max()
    })
}
