use std::{path::Path, process::Command};

use super::{Part, Settings, service};
use crate::Error;

/// Runs `admin migrate` to its end.
pub(super) async fn run(programs: &Path, logs: &Path, settings: &Settings) -> Result<(), Error> {
    let binary = programs.join(Part::Admin.name());
    let mut command = Command::new(&binary);
    command.arg("migrate");
    service::equip(&mut command, Part::Admin, settings);
    let output = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
    let told = [output.stdout, output.stderr].concat();
    std::fs::write(logs.join("migrate.log"), &told)?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&told);
    Err(format!("the database cannot be migrated:\n{}", told.trim()).into())
}
