use std::fs;
use std::path::Path;

use tokio::process::Command;

use crate::Error;

/// The folders that cargo has built for the original tree. They are copied, so that no dependency is built again for
/// the copy of the tree.
const BUILT: [&str; 3] = ["deps", "build", ".fingerprint"];

/// Does nothing if the workshop has built before.
pub(super) async fn copy_dependencies(build: &Path, tree: &Path) -> Result<(), Error> {
    if build.exists() {
        return Ok(());
    }
    // The files of the copied tree have to be newer than the copied builds. Otherwise cargo takes those builds for
    // current.
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
