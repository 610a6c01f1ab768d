use std::fs;
use std::path::Path;

use tokio::process::Command;

use crate::Error;

/// What cargo has built already for the tree itself, so that the copy of the tree needs no dependency built again.
const BUILT: [&str; 3] = ["deps", "build", ".fingerprint"];

/// Does nothing where the workshop has built before.
pub(super) async fn copy_dependencies(build: &Path, tree: &Path) -> Result<(), Error> {
    if build.exists() {
        return Ok(());
    }
    // Its files have to be newer than what is copied, or cargo takes that for theirs.
    if tree.exists() {
        fs::remove_dir_all(tree)?;
    }
    let (from, to) = (local::process::binaries()?, build.join("debug"));
    fs::create_dir_all(&to)?;
    for folder in BUILT {
        let mut copy = Command::new("cp");
        copy.args(["--archive", "--reflink=auto"]).arg(from.join(folder)).arg(&to);
        if !copy.status().await?.success() {
            return Err(format!("cannot copy {} to {}", from.join(folder).display(), to.display()).into());
        }
    }
    Ok(())
}
