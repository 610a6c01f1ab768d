use std::{
    env,
    path::{Path, PathBuf},
};

use crate::Error;

/// Where what was fetched once is kept for every checkout of this user. Root's own cache is closed
/// to the account that has to run PostgreSQL's programs from there.
pub(crate) fn folder() -> Result<PathBuf, Error> {
    if rustix::process::geteuid().is_root() {
        return Ok("/var/cache/eventflow".into());
    }
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
    let home = variable("XDG_CACHE_HOME").map(PathBuf::from);
    home.or_else(|| Some(Path::new(&variable("HOME")?).join(".cache")))
        .map(|cache| cache.join("eventflow"))
        .ok_or_else(|| "HOME is not set, so there is no cache to keep what is fetched".into())
}
