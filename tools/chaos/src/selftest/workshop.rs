use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use local::stack::{Options, Part, Stack};
use tokio::process::Command;

use super::bugs::Bug;
use super::seed;
use crate::Error;
use crate::run;

const SERVICES: [&str; 4] = ["ingest", "process-push", "admin", "bq-flush"];
/// The parts of the tree that the services are built from.
const SOURCES: [&str; 8] = [
    "Cargo.toml",
    "Cargo.lock",
    ".cargo",
    "rust-toolchain.toml",
    "functions",
    "shared",
    "migrations",
    "tools",
];

/// A copy of the tree in which the bugs are planted and built, and a database against which their statements are
/// checked.
pub(super) struct Workshop {
    root: PathBuf,
    tree: PathBuf,
    stack: Stack,
}

impl Workshop {
    pub(super) async fn open() -> Result<Self, Error> {
        let root = run::folder("selftest")?;
        let database = Options::for_test(&[])?.without(&Part::SERVICES).without(&[
            Part::Scheduler,
            Part::Pubsub,
            Part::Bigquery,
            Part::Oidc,
        ]);
        let stack = Stack::start(database).await?;
        let tree = root.join("tree");
        seed::copy_dependencies(&root.join("build"), &tree).await?;
        let workshop = Self { root, tree, stack };
        workshop.command(Part::Admin).arg("migrate").stdout(Stdio::null()).status().await?;
        Ok(workshop)
    }

    pub(super) async fn close(self) -> Result<(), Error> {
        self.stack.stop().await
    }

    /// Builds the bug. Returns a folder of all services, in which the services of the bug contain it.
    pub(super) async fn build(&self, bug: &Bug) -> Result<PathBuf, Error> {
        println!("\nbuilding {} …", bug.name);
        copy(Path::new("."), &self.tree)?;
        let patch = Path::new(PATCHES).join(format!("{}.patch", bug.name));
        let mut command = Command::new("patch");
        command.args(["--strip=1", "--forward", "--fuzz=3", "--input"]).arg(&patch);
        done(command.current_dir(&self.tree), &format!("{} does not fit the code", patch.display())).await?;
        let mut cargo = Command::new("cargo");
        cargo.kill_on_drop(true);
        cargo.current_dir(&self.tree).arg("build").env("CARGO_TARGET_DIR", self.root.join("build"));
        cargo.env("SQLX_OFFLINE", "false").env("DATABASE_URL", self.stack.database_url());
        // The features are those of the whole workspace, because its dependencies are built already.
        cargo.arg("--workspace").args(bug.services.iter().flat_map(|name| ["--bin", name]));
        done(&mut cargo, &format!("the code with {} does not compile", patch.display())).await?;
        self.collect(bug)
    }

    /// Links the built services of the bug and the healthy builds of the other services.
    fn collect(&self, bug: &Bug) -> Result<PathBuf, Error> {
        let (planted, healthy) = (self.root.join("build/debug"), local::process::binaries()?);
        let services = self.root.join("services");
        if services.exists() {
            fs::remove_dir_all(&services)?;
        }
        fs::create_dir_all(&services)?;
        for name in SERVICES {
            let from = if bug.services.contains(&name) { &planted } else { &healthy };
            symlink(from.join(name), services.join(name))?;
        }
        Ok(services)
    }

    fn command(&self, part: Part) -> Command {
        self.stack.command(part, None)().into()
    }
}

/// The folder of the patches.
pub(super) const PATCHES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bugs");

async fn done(command: &mut Command, failed: &str) -> Result<(), Error> {
    let output = command.output().await?;
    if output.status.success() {
        return Ok(());
    }
    let told = [output.stdout, output.stderr].concat();
    Err(format!("{failed}:\n{}", String::from_utf8_lossy(&told)).into())
}

/// Only files that differ are written, so that cargo builds only these.
fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to)?;
    for source in SOURCES {
        mirror(&from.join(source), &to.join(source))?;
    }
    Ok(())
}

fn mirror(from: &Path, to: &Path) -> Result<(), Error> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            mirror(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    let wanted = fs::read(from)?;
    if fs::read(to).ok().as_ref() != Some(&wanted) {
        fs::write(to, wanted)?;
    }
    Ok(())
}
