use std::{
    env,
    path::{Path, PathBuf},
};

use crate::Error;

/// Returns the folder of downloads, which all checkouts of this user share. Root uses another folder, because the
/// account that runs PostgreSQL's programs from there cannot read root's own cache.
pub(crate) fn folder() -> Result<PathBuf, Error> {
    if rustix::process::geteuid().is_root() {
        return Ok("/var/cache/eventflow".into());
    }
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
    let home = variable("XDG_CACHE_HOME").map(PathBuf::from);
    home.or_else(|| Some(Path::new(&variable("HOME")?).join(".cache")))
        .map(|cache| cache.join("eventflow"))
        .ok_or_else(|| "HOME is not set, so there is no folder for downloads".into())
}
