use std::{
    fs::{Permissions, set_permissions},
    os::unix::fs::PermissionsExt,
};

use tempfile::{Builder, TempDir};

use crate::Error;

/// A folder for one run, which another account may walk through: where we are root, PostgreSQL
/// runs as somebody else, for whom root's own `TMPDIR` may be closed.
pub(crate) fn folder() -> Result<TempDir, Error> {
    let mut builder = Builder::new();
    builder.prefix("eventflow-");
    let folder =
        if rustix::process::geteuid().is_root() { builder.tempdir_in("/tmp")? } else { builder.tempdir()? };
    // Not left to the umask, which may close it.
    set_permissions(folder.path(), Permissions::from_mode(0o711))?;
    Ok(folder)
}
